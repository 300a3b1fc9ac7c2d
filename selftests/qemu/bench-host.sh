#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# In the emulated host: the programs are beside the script where they were built.

exec python3 /svff/build/user/selftests/bench/bench.py "$@"
