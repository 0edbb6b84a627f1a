#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# coexist.t - beside other XDP programs, on the oldest kernel that is supported:
# see dispatcher.sh. In a guest also where the running kernel would do, because
# some refuse the extension programs that dispatchers are made of.
set -euo pipefail
exec env KERNELS=6.1 PARTS=dispatcher "${0%/*}/kernels.t"
