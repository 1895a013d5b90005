#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# test_conformance.sh - the recorded cases of first.txt, each but the longest also with restarts, as a
# part of `make test`.
set -u
exec "${BUILD:-build}/tests/conformance" -r -m 200 tests/conformance/first.txt
