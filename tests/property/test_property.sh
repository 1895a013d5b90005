#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# test_property.sh - five hundred random programs against the model; a hundred of them in
# instrumented builds.
set -u
seeds=500
[ "${BUILD:-build}" = build ] || seeds=100
# Each program opens many small stores: in memory they cost little.
[ -n "${TMPDIR:-}" ] || [ ! -w /dev/shm ] || export TMPDIR=/dev/shm
exec "${BUILD:-build}/tests/property" --seeds $seeds
