#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# test_conformance_kills.sh - recorded cases in children that are killed after every tenth step
# (`-K`), as a part of `make test`: every sixth case of first.txt; `make soak` runs them all.
set -u
folder=tests/conformance
cases=$(awk -v folder=$folder 'NR % 6 == 3 { print folder "/cases/" $0 }' $folder/first.txt)
# shellcheck disable=SC2086 # a list of files
exec "${BUILD:-build}/tests/conformance" -K $cases
