/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tool.h - which tool's packets look like this. Facts from captures of each
 * tool's own defaults; every one of them can be changed or forged, so this is
 * shown and never decides anything.
 */
#ifndef PSCAN_USER_SLOW_TOOL_H
#define PSCAN_USER_SLOW_TOOL_H

#include "slow.h"

enum slow_tool tool_of(const struct ps_contact *contact);

#endif
