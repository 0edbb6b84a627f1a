/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session_proof.h - where proof.h meets the maps: looks for proof behind the
 * kernel's blocks and writes what follows from it.
 */
#ifndef PSCAN_USER_SESSION_PROOF_H
#define PSCAN_USER_SESSION_PROOF_H

#include "proof.h"
#include "xdp_maps.h"

/*
 * A block, looked at again. When proof has come it is raised in the map, its
 * source's past is noted, and @block is what it is now.
 * Return: true when it was raised.
 */
bool session_prove_block(const struct xdp *xdp, const struct proof *proof,
			 const struct ps_rule *rule, const union ps_addr *addr,
			 struct ps_block *block);

/* A scan event about to be told: with the proof there is by now, and the block that came of it. */
void session_prove_event(const struct xdp *xdp, const struct proof *proof,
			 const struct ps_rule *rule, struct ps_event *event);

#endif
