/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PSCAN_USER_VERSION_H
#define PSCAN_USER_VERSION_H

#define PSCAN_VERSION "0.1.0"

#endif
