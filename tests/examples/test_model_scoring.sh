#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The model_scoring program as a whole: golden scores through the topics, the same file from both
# engines and from one and four partitions, swaps, broken wines and models, and resuming.
set -u
. tests/project/tap.sh
build=${BUILD:-build}
program=$build/examples/model_scoring
wine=examples/data/wine
work=$(mktemp -d "$build/scoring.XXXXXX")
trap 'rm -rf "$work"' EXIT

# score OUTPUT OPTIONS...: scores all wines into $work/OUTPUT, with the report in OUTPUT.txt.
score() {
    local out=$1
    shift
    timeout 100 "$program" --data $wine/winequality_red.csv --quiet --scores "$work/$out" \
        --errors "$work/$out.errors" "$@" >"$work/$out.txt"
}
all_models() { for file in $wine/*.pmml $wine/*.pb; do printf '%s\n' --model "$file"; done; }
mapfile -t models < <(all_models)

# sums FILE ROWS SUM: every row once and in order, and their sum within a thousandth.
sums() {
    awk -F, -v rows="$2" -v sum="$3" '
        $1 != NR { print "row " $1 " in line " NR; bad = 1 }
        { total += $3 }
        END { if (NR != rows) { print NR " rows"; bad = 1 }
              if (total - sum > 1e-3 || sum - total > 1e-3) { print "sum " total; bad = 1 }
              exit bad }' "$1"
}

# Every row once; versions never go back within a partition (row r is in partition (r-1) mod N).
in_order() {
    awk -F, -v partitions="$2" '
        { split($2, model, "@"); p = ($1 - 1) % partitions
          if ($1 != NR) { print "row " $1 " in line " NR; bad = 1 }
          if (model[2] + 0 < newest[p] + 0) { print "version back at row " $1; bad = 1 }
          newest[p] = model[2] }
        END { if (NR != 1599) { print NR " rows"; bad = 1 } exit bad }' "$1"
}

# used FILE: the usage of all models in a report, added up.
used() { awk '/^  .* [0-9]+ +[0-9:.]+ +[0-9]+ .*%$/ { sum += $4 } END { print sum + 0 }' "$1"; }

while read -r file sum; do
    check "$file scores through the topics" score golden --model "$wine/$file"
    check "$file: golden sum" sums "$work/golden" 1599 "$sum"
done <<'END'
winequalityLinearRegression.pmml 9012.0
winequalityGeneralizedLinearRegressionGaussian.pmml 9012.0
winequalityGeneralizedLinearRegressionGamma.pmml 8995.5736
winequalityDesisionTreeRegression.pmml 9012.0
winequalityDecisionTreeClassification.pmml 8924
winequalityRandonForrestClassification.pmml 8924
winequalityMultilayerPerceptron.pmml 8777
optimized_WineQuality.pb 8820
END
check "the share equal to the quality is printed" \
    grep -q 'Equal to the quality that people gave, when rounded: 0.5929' "$work/golden.txt"

for engine in dsl processor; do
    for partitions in 1 4; do
        name=$engine-$partitions
        check "$name scores with a swap every 50 wines" score "$name" --engine $engine \
            --partitions $partitions --swap-every 50 "${models[@]}"
        check "$name gives the same file" cmp "$work/dsl-1" "$work/$name"
        check "$name never goes back" in_order "$work/$name" $partitions
        check "$name: the statistics add up" test "$(used "$work/$name.txt")" = 1599
    done
done

for engine in dsl processor; do
    log=embedded:$work/$engine.log
    check "$engine with threads on the embedded log" score "threads-$engine" --log "$log" \
        --engine $engine --partitions 4 --threads 2 --swap-every 50 "${models[@]}"
    check "$engine: every row once, versions in order" in_order "$work/threads-$engine" 4
    check "$engine again on the same log" score "again-$engine" --log "$log" --engine $engine \
        --partitions 4 --threads 2 --swap-every 50 "${models[@]}"
    check "$engine: nothing is scored again" cmp "$work/threads-$engine" "$work/again-$engine"
    check "$engine: the statistics add up" test "$(used "$work/again-$engine.txt")" = 1599
done

check "damaged wines go to the errors" score broken --break 0.05 --seed 3 --partitions 4 \
    --model $wine/winequalityLinearRegression.pmml
check "good and bad wines are all wines" test \
    "$(cat "$work/broken" "$work/broken.errors" | wc -l)" = 1599
check "about one in twenty is bad" test "$(wc -l <"$work/broken.errors")" -gt 40 -a \
    "$(wc -l <"$work/broken.errors")" -lt 120
head -c 900 $wine/winequalityLinearRegression.pmml >"$work/cut.pmml"
check "a cut-off model is refused and the old one goes on" score cut --swap-every 1000 \
    --model $wine/winequalityLinearRegression.pmml --model "$work/cut.pmml"
check "all wines have the old model's scores" sums "$work/cut" 1599 9012.0
check "the report counts refused wines and models apart" \
    grep -q 'On the errors topic: 0 wines, 1 models\.' "$work/cut.txt"
check "the reason is on the errors topic" grep -q '^models,0,1,line 1[0-9]*: ' "$work/cut.errors"

says() {
    local status=$1 text=$2 output
    shift 2
    output=$("$program" "$@" 2>&1)
    [ $? = "$status" ] && grep -qF -- "$text" <<<"$output" || { echo "$output"; return 1; }
}
check "--help" says 0 "Usage: model_scoring" --help
check "a missing option" says 2 "--model is missing" --data x
check "a missing file" says 1 "/nowhere: No such file" --data /nowhere --model x
check "an unknown property" says 1 "commit.interval.ms" --data $wine/winequality_red.csv \
    --model $wine/winequalityLinearRegression.pmml -X commit.intervall.ms=5
check "no model at all" says 1 "no model was accepted" --data $wine/winequality_red.csv \
    --model README.md --quiet
check "all wines damaged, but a model" score all-broken --break 1 \
    --model $wine/winequalityLinearRegression.pmml
done_testing
