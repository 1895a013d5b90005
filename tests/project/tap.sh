# SPDX-License-Identifier: Apache-2.0
#
# tap.sh - sourced by the scripts of tests/project: names what passed and what failed, one line
# each, in the form that scripts/run-tests counts.
tap_number=0 tap_failed=0

pass() {
    tap_number=$((tap_number + 1))
    echo "ok $tap_number - $1"
}

# fail NAME [DETAIL]: the details are what somebody needs to repair it.
fail() {
    tap_number=$((tap_number + 1)) tap_failed=$((tap_failed + 1))
    echo "not ok $tap_number - $1"
    [ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/# /'
}

# check NAME COMMAND...: passes when the command does; its output is shown otherwise.
check() {
    local tap_title=$1 tap_output
    shift
    if tap_output=$("$@" 2>&1); then pass "$tap_title"; else fail "$tap_title" "$tap_output"; fi
}

# empty NAME TEXT: passes when the text is empty: a list of findings.
empty() {
    if [ -z "$2" ]; then pass "$1"; else fail "$1" "$2"; fi
}

done_testing() {
    echo "1..$tap_number"
    [ "$tap_failed" -eq 0 ] && [ "$tap_number" -gt 0 ]
    exit
}
