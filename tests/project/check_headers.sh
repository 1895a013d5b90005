#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Every public header compiles alone as C11, C++17 and C++20, without a warning and without the
# headers of librdkafka or LMDB.
set -u
. tests/project/tap.sh
CC=${CC:-gcc} CXX=${CXX:-g++}
strict="-Wall -Wextra -Wpedantic -Wshadow -Wcast-qual -Wundef -Werror -fsyntax-only -Iinclude"

headers=$(find include/kstream -name '*.h' | sort)
[ -n "$headers" ] || fail "there are public headers"
for header in $headers; do
    name=${header#include/}
    # shellcheck disable=SC2086 # a list of flags
    alone() { local driver=$1 language=$2; shift 2
              echo "#include <$name>" | $driver -x "$language" "$@" $strict -; }
    check "$name compiles alone as C11" alone "$CC" c -std=c11
    check "$name compiles alone as C++17" alone "$CXX" c++ -std=c++17
    check "$name compiles alone as C++20" alone "$CXX" c++ -std=c++20
done
# shellcheck disable=SC2086
empty "no public header includes librdkafka's or LMDB's" \
    "$(grep -nE '#[ ]*include[ ]*[<"](librdkafka/|rdkafka|lmdb)' $headers /dev/null)"
# shellcheck disable=SC2086
empty "public headers include each other as <kstream/...>" \
    "$(grep -nE '#[ ]*include[ ]*"' $headers /dev/null)"
done_testing
