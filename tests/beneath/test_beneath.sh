#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# test_beneath.sh - memory and disk fail beneath LMDB, call by call: clean errors, nothing lost,
# nothing doubled.
set -u
build=${BUILD:-build}
LD_PRELOAD="$build/tests/preload.so" exec "$build/tests/beneath" "$@"
