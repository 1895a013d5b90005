#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# test_sim.sh - twenty seeds of the simulator, and that a seed is a run: twice the same trace.
set -u
. tests/project/tap.sh
sim=${BUILD:-build}/tests/sim

check "twenty seeds" "$sim" --seeds 20
for seed in 7 11; do
    first=$("$sim" --seed $seed) again=$("$sim" --seed $seed)
    if [ -n "$first" ] && [ "$first" = "$again" ]; then
        pass "seed $seed gives the same trace twice"
    else
        fail "seed $seed gives the same trace twice" "$first"$'\n'"$again"
    fi
done
done_testing
