#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The rooms of lib/ see only those they may see. One line per room (or folder of a room): what its
# files may include beside their own folder: a room, or one header of a room. <kstream/...> is open
# to all. A folder without a line of its own goes by that of its room.
set -u
. tests/project/tap.sh

rules='
base
window          base
serde           base window
lmdb            base
state           base window serde lmdb
topology        base window serde state/store.h
dsl             base window serde state/store.h state/versioned.h state/window_store.h topology
log             base
log/kafka       base log
log/embedded    base log lmdb
log/memory      base log
log/user        base log
runtime         base window serde state topology log
query           base window serde state topology log runtime
testing         base window serde state topology log runtime
'

# Prints "file:line: reason" for each include that breaks a rule.
broken=$(
    find lib -name '*.[ch]' | sort | xargs -r awk -v rules="$rules" '
    BEGIN {
        count = split(rules, line, "\n")
        for (i = 1; i <= count; i++) {
            words = split(line[i], word, " ")
            if (words == 0) continue
            known[word[1]] = 1
            for (j = 2; j <= words; j++) may[word[1], word[j]] = 1
        }
    }
    function folder_of(path) { sub(/\/[^\/]*$/, "", path); return path }
    function room_of(path)   { sub(/\/.*/, "", path); return path }
    function broken(reason)  { printf "%s:%d: %s\n", FILENAME, FNR, reason }
    FNR == 1 {
        path = FILENAME; sub(/^lib\//, "", path)
        room = room_of(path); folder = folder_of(path)
        rule = folder in known ? folder : room
        if (!(rule in known)) broken("the room " room " has no rule in tests/project/check_rooms.sh")
    }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        target = $0; sub(/^[^"]*"/, "", target); sub(/".*/, "", target)
        if (target !~ /\//) { broken("\"" target "\" does not name its room"); next }
        theirs = room_of(target); their_folder = folder_of(target)
        if (their_folder == folder) next
        # Inside a room: its folders see the room itself, folders of log/ do not see each other.
        if (theirs == room && !(their_folder in known && their_folder != room)) next
        if ((rule, target) in may || (rule, their_folder) in may) next
        if ((rule, theirs) in may && !(their_folder in known && their_folder != theirs)) next
        broken(rule " may not see " target)
    }
    /^[ \t]*#[ \t]*include[ \t]*</ {
        target = $0; sub(/^[^<]*</, "", target); sub(/>.*/, "", target)
        if (target ~ /rdkafka/ && folder != "log/kafka") broken("only log/kafka includes " target)
        if (target ~ /^lmdb\.h$/ && room != "lmdb") broken("only lmdb/ includes " target)
        if (target ~ /^(base|window|serde|lmdb|state|topology|dsl|log|runtime|query|testing)\//)
            broken("<" target "> is an internal header: include it with quotes")
    }')
# The runtime opens the three logs through one table, so exactly one place may name the folders.
empty "the rooms of lib/ include only what they may see" "$broken"

outside=$(grep -nE '^[ 	]*#[ 	]*include[ 	]*"(base|window|serde|lmdb|state|topology|dsl|log|runtime|query|testing)/' \
    $(find examples bench -name '*.[ch]' -o -name '*.cc' 2>/dev/null) /dev/null)
empty "examples and benchmarks use public headers only" "$outside"
done_testing
