#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The shared library exports what the headers declare with KS_API, all of it and nothing else; the
# static library defines no name outside ks_; and the names, struct sizes and constants are those of
# tests/project/abi, so that a change of the interface is seen (`make abi` accepts it).
set -u
. tests/project/tap.sh
build=${BUILD:-build}
headers=$(find include/kstream -name '*.h' | sort)

# shellcheck disable=SC2086 # a list of files
declared=$(scripts/public-symbols $headers)
exported=$(nm -D --defined-only "$build/libkstream.so" | sed 's/@.*//' | awk '$2 != "A" { print $3 }' |
    LC_ALL=C sort -u)
defined=$(nm -g --defined-only "$build/libkstream.a" 2>/dev/null | awk 'NF == 3 { print $3 }' |
    LC_ALL=C sort -u)

[ -n "$declared" ] || fail "the headers declare functions"
[ -n "$exported" ] || fail "the shared library exports functions"
empty "every function of the headers is exported" \
    "$(comm -23 <(echo "$declared") <(echo "$exported"))"
empty "nothing else is exported" "$(comm -13 <(echo "$declared") <(echo "$exported"))"
empty "the static library defines only names that begin with ks_" \
    "$(echo "$defined" | grep -v '^ks_')"
empty "internal names begin with ks__" \
    "$(echo "$defined" | grep -v '^ks__' | comm -23 - <(echo "$declared"))"

same() { diff -u "tests/project/abi/$1" "$build/abi/$1"; }
scripts/abi "$build/abi" || fail "the interface can be listed"
check "the public names are those of tests/project/abi/symbols.txt" same symbols.txt
check "sizes and constants are those of tests/project/abi/layout.txt" same layout.txt
done_testing
