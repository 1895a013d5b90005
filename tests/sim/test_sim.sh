#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# test_sim.sh - forty seeds of the simulator; that a seed is a run, twice the same trace, also when it
# fails; and that each shape's check notices an output that is missing.
set -u
. tests/project/tap.sh
sim=${BUILD:-build}/tests/sim
TMPDIR=$(mktemp -d)     # runs that are read no further than their first line leave their folder
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

# same SEED OPTIONS...: twice the same line.
same() {
    local first again
    first=$("$sim" --seed "$@" | head -n 1) again=$("$sim" --seed "$@" | head -n 1)
    printf '%s\n' "$first" "$again"
    [ -n "$first" ] && [ "$first" = "$again" ]
}

check "forty seeds" "$sim" --seeds 40
for seed in 7 11; do
    check "seed $seed gives the same trace twice" same $seed
done
for seed in 2 3 5; do
    check "a failure of seed $seed gives the same trace twice" same $seed --spoil
done

# Where each output counts (exactly once, no cache), and one seed for each shape.
shapes=' '
for seed in $(seq 1 300); do
    plan=$("$sim" --seed "$seed" -v | head -n 1)
    [[ $plan =~ ([a-z]+)\ exactly-once.*caches=0 ]] || continue
    shape=${BASH_REMATCH[1]}
    [[ $shapes == *" $shape "* ]] && continue
    shapes="$shapes$shape "
    line=$("$sim" --seed "$seed" --spoil | head -n 1)
    case $line in
    *FAILED*) pass "a missing output is noticed: $shape" ;;
    *) fail "a missing output is noticed: $shape" "$line" ;;
    esac
    [ "$(wc -w <<<"$shapes")" -lt 10 ] || break
done
check "ten shapes were tried" test "$(wc -w <<<"$shapes")" -eq 10
done_testing
