#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# test_scoring_threads.sh - model_scoring with four threads on four partitions, the model swapped
# every 50 wines, on the memory and on the embedded log: every wine is scored once. Also run under
# ThreadSanitizer, AddressSanitizer and valgrind, which end the program with an error of their own.
set -u
. tests/project/tap.sh
build=${BUILD:-build}
wine=examples/data/wine
folder=$(mktemp -d "$build/threads.XXXXXX")
trap 'rm -rf "$folder"' EXIT

score() {   # LOG ENGINE
    # shellcheck disable=SC2086 # a command with its arguments
    ${TEST_WRAP:-} "$build/examples/model_scoring" --quiet --log "$1" --engine "$2" --threads 4 --partitions 4 \
        --swap-every 50 --data "$wine/winequality_red.csv" \
        --model "$wine/winequalityLinearRegression.pmml" \
        --model "$wine/winequalityDesisionTreeRegression.pmml" \
        --scores "$folder/$2.csv" >"$folder/$2.log" 2>&1 || { tail -n 60 "$folder/$2.log"; false; }
}

# 1,599 rows, each once, by the 32 versions that were published.
complete() {
    awk -F, '/^[0-9]/ { rows++; if (seen[$1]++) twice++; models[$2] }
        END { for (m in models) kinds++
              printf "%d rows, %d twice, %d models\n", rows, twice, kinds
              exit !(rows == 1599 && !twice && kinds == 32) }' "$1"
}

check "the memory log, operators: four threads end well" score memory dsl
check "every wine is scored once, every version scores some" complete "$folder/dsl.csv"
check "the embedded log, processors: four threads end well" score "embedded:$folder/log" processor
check "every wine is scored once, every version scores some" complete "$folder/processor.csv"
done_testing
