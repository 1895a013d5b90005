#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# demo.sh [BUILD] - real wines and real models on the durable log of one machine: 1,599 wines in
# four partitions, eight models that take turns every 100 wines, one wine in fifty damaged.
set -eu
build=${1:-build}
wine=examples/data/wine
log=$build/demo/log
scores=$build/demo/scores.csv errors=$build/demo/errors.csv

rm -rf "$build/demo"
mkdir -p "$build/demo"
models=()
for file in "$wine"/*.pmml "$wine"/*.pb; do models+=(--model "$file"); done

command=("$build/examples/model_scoring" --log "embedded:$log" --data "$wine/winequality_red.csv"
    "${models[@]}" --partitions 4 --threads 2 --swap-every 100 --break 0.02 --seed 7
    --scores "$scores" --errors "$errors")
echo "Wines and models stream in, scores stream out:"
echo
"${command[@]}"
cat <<END

Scores:  $(wc -l <"$scores") lines in $scores, the first:  $(head -n 1 "$scores")
Errors:  $(wc -l <"$errors") lines in $errors, the first:  $(head -n 1 "$errors")

Try next:
  - kill it while it runs (kill -9) and start it again on the same log: every wine is scored once
        $build/examples/model_scoring --log embedded:$build/demo/mine --swap-every 10 \\
            --data $wine/winequality_red.csv --model $wine/winequalityLinearRegression.pmml
  - the same by processors instead of operators:         --engine processor
  - in memory, or on a Kafka cluster:                    --log memory   --log localhost:9092
  - a model of your own (PMML):                          --model FILE
  - how it is made: examples/model_scoring/topology_dsl.c, topology_processor.c
END
