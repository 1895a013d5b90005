#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# test_fuzz.sh - the corpus of the fuzzers, its prefixes and neighbours; no libFuzzer needed.
set -u
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
exec "${BUILD:-build}/tests/fuzz" tests/fuzz/corpus
