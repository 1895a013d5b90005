#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# test_word_count_kills.sh - word count killed at random times counts every word once; at least
# once, every record that its counting half was given.
#
#   KILLS=200 SEED=5 tests/kill/test_word_count_kills.sh      (defaults: 16 kills per guarantee, a new seed)
set -u
build=${BUILD:-build}
exec "$build/tests/kill" "$build/examples/word_count"
