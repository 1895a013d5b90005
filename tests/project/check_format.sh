#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The form of the files: see scripts/check-format.
set -u
. tests/project/tap.sh
check "columns, tabs, spaces, licence lines, lengths of functions and files" scripts/check-format
done_testing
