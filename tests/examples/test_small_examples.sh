#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The examples that fit on a page, as a reader of them would run them.
set -u
. tests/project/tap.sh
build=${BUILD:-build}
work=$(mktemp -d "$build/examples.XXXXXX")
trap 'rm -rf "$work"' EXIT

# prints EXPECTED COMMAND...: the command succeeds and prints just that.
prints() {
    local expected=$1
    shift
    [ "$(timeout 100 "$@")" = "$expected" ]
}

readings() { printf '%s\n' '0 door open' '5 door open' '9 door shut' '60 lamp on' 'nonsense'; }
processor() { readings | "$build/examples/processor" "state.dir=$work/state"; }
watchdog='changes at 0 s: door open
changes at 9 s: door shut
changes at 60 s: lamp on
silent at 60 s: door since 9 s'
export -f readings processor
export build work
check "processor tells changes and silence" prints "$watchdog" bash -c processor
check "processor starts anew each time" prints "$watchdog" bash -c processor
check "processor ends without input" prints '' "$build/examples/processor" "state.dir=$work/state" </dev/null
check "processor leaves no state" test ! -e "$work/state/processor-example"
check "processor --help tells how to use it" bash -c '"$0" --help </dev/null | grep -q ^usage:' \
    "$build/examples/processor"
check "processor refuses a property that is not there" \
    bash -c '! "$0" nonsense=1 </dev/null 2>/dev/null' "$build/examples/processor"

"$build/examples/test_driver" >"$work/tap"
check "test_driver passes" [ $? -eq 0 ]
check "test_driver has a line for each of its tests" [ "$(grep -c '^ok' "$work/tap")" -eq 6 ]
check "test_driver tells their number" grep -qx '1\.\.6' "$work/tap"

done_testing
