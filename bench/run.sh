#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run.sh BUILD - measure throughput, CPU time, memory and first output; print a table, write
# BUILD/bench.json (one object per run, as build/bench/streams prints them).
#
#   RUNS=5              runs of each row; the table shows the median and, behind it, least and most
#   RECORDS=5000000     records on the memory log, EMBEDDED_RECORDS=2000000 on the embedded one
#   BENCH_DIR=DIR       where state and embedded logs are put (default: a new folder in TMPDIR)
#   ROWS=PATTERN        only the rows whose label matches this extended regular expression
set -euo pipefail

build=${1:?usage: bench/run.sh BUILD}
streams=$build/bench/streams
runs=${RUNS:-5}
records=${RECORDS:-5000000}
embedded_records=${EMBEDDED_RECORDS:-2000000}
rows=${ROWS:-.}
dir=${BENCH_DIR:-$(mktemp -d "${TMPDIR:-/tmp}/kstream-bench.XXXXXX")}
results=$dir/results
mkdir -p "$dir"
trap 'rm -rf "$dir/state" "$dir/log" "$results"; [ -n "${BENCH_DIR:-}" ] || rmdir "$dir"' EXIT
: >"$results"

# row LABEL LOG RECORDS WORKLOAD OPTION...: run it, keep "LABEL<TAB>JSON" lines.
row() {
    local label=$1 log=$2 count=$3 workload=$4 i address
    shift 4
    [[ $label =~ $rows ]] || return 0
    for ((i = 0; i < runs; i++)); do
        rm -rf "$dir/state" "$dir/log"
        address=memory:bench
        [ "$log" = memory ] || address=embedded:$dir/log
        printf '%s\t' "$label" >>"$results"
        "$streams" "$workload" --brokers "$address" --records "$count" --state-dir "$dir/state" \
            "$@" >>"$results"
    done
    printf '.' >&2
}

for log in memory embedded; do
    count=$records
    [ $log = memory ] || count=$embedded_records
    for guarantee in at_least_once exactly_once_v2; do
        for workload in stateless count scoring; do
            row "$log, $guarantee: $workload" $log "$count" $workload --guarantee $guarantee
        done
    done
done
row "memory, at_least_once: count, every update" memory "$records" count --cache-bytes 0
row "start: stateless, at_least_once" embedded 10000 stateless
row "start: count, at_least_once" embedded 10000 count
row "start: count, exactly_once_v2" embedded 10000 count --guarantee exactly_once_v2
row "start: count, exactly_once_v2, commit 10 ms" embedded 10000 count \
    --guarantee exactly_once_v2 -X commit.interval.ms=10
row "idle: stateless" embedded 0 stateless --idle-ms 500
row "idle: count" embedded 0 count --idle-ms 500
printf '\n' >&2

{
    printf '[\n'
    sed -e 's/^\([^\t]*\)\t{/{"row":"\1",/' -e '$!s/$/,/' "$results"
    printf ']\n'
} >"$build/bench.json"

# Median, least and most of a number, over the runs of a row.
awk -F '\t' '
function value(json, name,   at) {
    at = index(json, "\"" name "\":")
    return substr(json, at + length(name) + 3) + 0
}
function sorted(row, name,   i, j, n, v) {
    n = count[row]
    for (i = 1; i <= n; i++) {
        v = value(runs[row, i], name)
        for (j = i; j > 1 && order[j - 1] > v; j--)
            order[j] = order[j - 1]
        order[j] = v
    }
    return n
}
function show(row, name, format,   n) {
    n = sorted(row, name)
    return sprintf(format " (" format " to " format ")", order[int((n + 1) / 2)], order[1], order[n])
}
function thousands(row,   n) {
    n = sorted(row, "records_per_s")
    return sprintf("%.0f k (%.0f to %.0f)", order[int((n + 1) / 2)] / 1000, order[1] / 1000,
                   order[n] / 1000)
}
{
    if (!($1 in count))
        names[++total] = $1
    runs[$1, ++count[$1]] = $2
}
END {
    printf "%-46s %-24s %-22s %-20s %s\n", "", "records/s", "CPU s per million", "peak RSS, MB",
           "first output, ms"
    for (r = 1; r <= total; r++) {
        row = names[r]
        idle = row ~ /^idle/
        printf "%-46s %-24s %-22s %-20s %s\n", row,
               row ~ /^(idle|start)/ ? "-" : thousands(row),
               row ~ /^(idle|start)/ ? "-" : show(row, "cpu_s_per_mrec", "%.2f"),
               idle ? show(row, "max_rss_mb", "%.1f") : show(row, "max_rss_mb", "%.0f"),
               idle ? "-" : show(row, "first_output_ms", "%.1f")
    }
}' "$results"
