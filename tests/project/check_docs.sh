#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every public function stands under a doc block that ends in the five labelled lines, in their
# order; the version is the same everywhere; docs/configuration.md is what the table of properties
# says; docs/metrics.md has all counters and reasons of drops, docs/differences.md tells of Kafka's
# properties which are ours; links between our documents lead somewhere.
set -u
. tests/project/tap.sh
build=${BUILD:-build}

# Declarations that follow each other without an empty line share a block.
undocumented=$(find include/kstream -name '*.h' | sort | xargs -r awk '
    FNR == 1 { documented = 0 }
    /^\/\*\*/ { inside = 1; labels = ""; documented = 0 }
    inside && /^ \* (Ownership|Threads|Errors|Kafka|Since):/ { labels = labels " " $2 }
    inside && /\*\// { inside = 0; documented = 1; next }
    inside { next }
    /^KS_API/ {
        if (!documented) printf "%s:%d: no doc block above %s\n", FILENAME, FNR, $0
        else if (labels != " Ownership: Threads: Errors: Kafka: Since:")
            printf "%s:%d: the labels are:%s\n", FILENAME, FNR, labels
    }
    /^$/ { documented = 0 }')
empty "every public function has a doc block with its labels" "$undocumented"

version=$(scripts/version)
empty "KS_VERSION_TEXT is $version" \
    "$(grep -q "^#define KS_VERSION_TEXT *\"$version\"" include/kstream/api.h || echo "it is not")"
empty "CHANGELOG.md has an entry for $version" \
    "$(grep -qF "$version" CHANGELOG.md || echo "none of that name")"

configuration() { "$build/tools/configuration" | diff -u docs/configuration.md -; }
check "docs/configuration.md is what build/tools/configuration prints" configuration

# first_cells FILE HEADING: the names of the table below a heading, sorted.
first_cells() { sed -n "/^## $2\$/,/^## /s/^| \`\([^\`]*\)\` |.*/\1/p" "$1" | LC_ALL=C sort -u; }

counters() {
    cat lib/runtime/metrics.c lib/testing/driver_metrics.c | tr -s ' \n' ' ' |
        grep -oE 'ks__metrics_add\(metrics, "[a-z-]+"' | cut -d'"' -f2 | LC_ALL=C sort -u |
        diff <(first_cells docs/metrics.md Rows) -
}
check "docs/metrics.md lists the counters, and no others" counters

reasons() {
    { sed -n 's/.*\[KS__DROP_[A-Z_]*\] *= "\(.*\)",/\1/p' lib/runtime/drop.c; printf 'global\nproduction\n'; } |
        LC_ALL=C sort | diff <(first_cells docs/metrics.md 'Reasons of drops') -
}
check "docs/metrics.md lists the reasons of drops, and no others" reasons

# A name is ours if and only if docs/configuration.md has it.
properties() {
    sed -n '/^## Properties$/,$s/^| `\([^`]*\)` | \([a-z]*\) |.*/\1 \2/p' docs/differences.md |
        while read -r name here; do
            grep -qF "| \`$name\` |" docs/configuration.md && is=yes || is=no
            [ "$is" = "$here" ] || echo "$name: $here, but docs/configuration.md says $is"
        done
}
empty "docs/differences.md knows which of Kafka's properties are ours" "$(properties)"
check "docs/differences.md has the properties of Kafka Streams 4.3.1" \
    [ "$(first_cells docs/differences.md Properties | wc -l)" -eq 74 ]

links=$(for document in *.md docs/*.md docs/*/*.md; do
    [ -e "$document" ] || continue
    grep -oE '\]\([^)# ]+' "$document" | sed 's/^](//' | grep -vE '^[a-z]+:' | while read -r target; do
        [ -e "$(dirname "$document")/$target" ] || echo "$document: $target is not there"
    done
done)
empty "links between documents lead somewhere" "$links"

# The anchor of a heading as code hosts make it: lower case, words joined by "-", no other signs.
anchors() { sed -n '/^```/,/^```/d; s/^##* //p' "$1" | tr '[:upper:] ' '[:lower:]-' | tr -cd 'a-z0-9\n_-'; }
lost=$(for document in *.md docs/*.md docs/*/*.md; do
    grep -oE '\]\([a-zA-Z0-9_./-]*#[^)]+' "$document" | sed 's/^](//' | while IFS='#' read -r target anchor; do
        [ -n "$target" ] && target=$(dirname "$document")/$target || target=$document
        anchors "$target" | grep -qxF -- "$anchor" || echo "$document: no heading #$anchor in $target"
    done
done)
empty "links into documents find their headings" "$lost"
done_testing
