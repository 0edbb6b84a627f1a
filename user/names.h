/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * names.h - the core's enums as words. One spelling each, for text, JSON keys
 * and options alike; the JSON keys are a promise, so a word never changes.
 */
#ifndef PSCAN_USER_NAMES_H
#define PSCAN_USER_NAMES_H

#include <pscan/abi.h>

/* Each returns the word, or "?" for a value outside the enum; never NULL. */
const char *names_class(unsigned int class);   /* "SYN", "MAIMON", ... */
const char *names_action(unsigned int action); /* "pass", "alert", "block", "drop" */
const char *names_reason(unsigned int reason);
const char *names_engine(unsigned int engine); /* "burst", "walk", "sweep", "crowd" */
const char *names_event(unsigned int kind);  /* "scan", "renew", "expire", "proven" */
const char *names_proof(unsigned int proof);
const char *names_parse(unsigned int parse); /* counter keys, snake_case */
const char *names_count(unsigned int count); /* counter keys, snake_case */
const char *names_allow(unsigned int kind);

/* The class of that name in any case; PS_CLASS_NONE when there is none. */
enum ps_class names_class_find(const char *name);

/*
 * The system's name of a port (services(5)), or NULL when it has none. The
 * answers are remembered: the file is read once per port, not once per event.
 */
const char *names_service(__u16 port, bool udp);

#endif
