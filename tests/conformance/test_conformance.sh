#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# test_conformance.sh - the recorded cases of first.txt, also with restarts (after every step; in the
# longest after every 22nd), and all of them optimized too, as a part of `make test`. Under valgrind
# (TEST_WRAP) every twelfth of them.
set -u
folder=tests/conformance
cases=$folder/first.txt
[ -z "${TEST_WRAP:-}" ] || cases=$(awk -v folder=$folder 'NR % 12 == 1 { print folder "/cases/" $0 }' $cases)
# shellcheck disable=SC2086 # a command with its arguments, and a list of files
exec ${TEST_WRAP:-} "${BUILD:-build}/tests/conformance" -r -o -m 100 $cases
