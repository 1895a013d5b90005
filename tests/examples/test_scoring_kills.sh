#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# model_scoring killed with SIGKILL at random times and started again on the same embedded log:
# every row has one score, versions never went back, the statistics add up.
#
#   KILLS=100 SEED=5 tests/examples/test_scoring_kills.sh     (defaults: 8 kills, a new seed)
set -u
. tests/project/tap.sh
build=${BUILD:-build}
kills=${KILLS:-8} seed=${SEED:-$RANDOM}
wine=examples/data/wine
RANDOM=$seed
echo "# SEED=$seed KILLS=$kills"

# run WORK ENGINE: started until it ends by itself; a log is given up after it has ended.
run() {
    local work=$1 engine=$2
    exec "$build/examples/model_scoring" --log "embedded:$work/log" --quiet \
        --engine "$engine" --data $wine/winequality_red.csv --partitions 4 --threads 2 \
        --swap-every 50 --break 0.05 --model $wine/winequalityLinearRegression.pmml \
        --model $wine/winequalityMultilayerPerceptron.pmml \
        --scores "$work/scores" --errors "$work/errors" >"$work/report"
}

# whole WORK: a good wine has one score, a bad one one error, and nothing is missing.
whole() {
    local work=$1
    awk -F, '
        FNR == 1 { file++ }
        file == 1 { if ($1 <= last) { print "row " $1 " twice"; bad = 1 } last = $1; scores++
                    split($2, model, "@"); p = ($1 - 1) % 4
                    if (model[2] + 0 < newest[p] + 0) { print "version back, row " $1; bad = 1 }
                    newest[p] = model[2] }
        file == 2 { at = $1 "," $2 "," $3
                    if (at in seen) { print "error twice: " $0; bad = 1 } seen[at]; errors++ }
        END { if (scores + errors != 1599) { print scores " scores, " errors " errors"; bad = 1 }
              exit bad }' "$work/scores" "$work/errors" || return 1
    if grep UNEXPECTED "$work/report"; then return 1; fi
    awk -v scores="$(wc -l <"$work/scores")" '
        /^  .* [0-9]+ +[0-9:.]+ +[0-9]+ .*%$/ { used += $4 }
        END { if (used != scores) { print used " counted, " scores " scored"; exit 1 } }' \
        "$work/report"
}

killed=0 round=0
while [ "$killed" -lt "$kills" ]; do
    round=$((round + 1))
    engine=$([ $((round % 2)) = 0 ] && echo processor || echo dsl)
    work=$(mktemp -d "$build/kills.XXXXXX")
    tries=0
    while :; do     # at most four kills per log, so that each run gets to its end
        run "$work" $engine 2>"$work/stderr" &
        pid=$!
        if [ $tries -lt 4 ] && [ "$killed" -lt "$kills" ]; then
            sleep "0.$(printf '%03d' $((RANDOM % 600)))"
            tries=$((tries + 1))
            kill -KILL $pid 2>/dev/null && killed=$((killed + 1))
        fi
        wait $pid 2>/dev/null
        status=$?
        [ $status = 137 ] || break
    done
    if [ $status = 0 ]; then
        check "round $round ($engine, $tries kills): every wine once" whole "$work"
    else
        fail "round $round ($engine): exit status $status" "$(cat "$work/stderr")"
        break
    fi
    rm -rf "$work"
done
done_testing
