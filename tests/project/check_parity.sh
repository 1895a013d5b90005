#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# docs/parity.md and tests/parity/methods.txt agree: every method of Kafka Streams has one row, every
# row has its methods, as many as it says, and the C names in it are declared in the public headers.
# Says how many methods have a function, something else, a reason. One of the three is needed: "not
# yet" is no reason.
set -u
. tests/project/tap.sh
methods=tests/parity/methods.txt document=docs/parity.md
headers=$(find include/kstream -name '*.h' | sort)

# What the C column may name, a kind and a name per line: "function ks_x", "name KS_X" (macros,
# constants, types), "name ks_struct.member", "name a.property".
# shellcheck disable=SC2086 # a list of files
declared=$(
    scripts/public-symbols $headers | sed 's/^/function /'
    awk '{ line = $0; if (sub(/^#define +/, "", line)) { sub(/[^A-Za-z0-9_].*/, "", line); print line } }
        ' $headers | sed 's/^/name /'
    cat $headers | tr '\n' ' ' | sed 's,/\*,\n/*,g; s,\*/,*/\n,g' | grep -v '^/\*' | tr '\n' ' ' |
        sed 's/;/;\n/g; s/[{}]/\n&\n/g' | awk '
        # A line is a declaration up to its semicolon, or a single brace.
        /^[ ]*{/ { if (depth++ == 0) open = kind != ""; next }
        /^[ ]*}/ { depth--; next }
        depth == 0 {
            if (/typedef/ && match($0, /ks_[a-z0-9_]+ *(\(.*\))?;$/)) {
                name = substr($0, RSTART); sub(/[^a-z0-9_].*/, "", name); print "name " name
            }
            kind = ""
            if (match($0, /(struct|enum) +ks_[a-z0-9_]+ *$/)) {
                split(substr($0, RSTART, RLENGTH), word, " ")
                kind = word[1]; tag = word[2]; print "name " tag
            }
            next
        }
        depth == 1 && open && kind == "enum" {
            while (match($0, /KS_[A-Z0-9_]+/)) {
                print "name " substr($0, RSTART, RLENGTH); $0 = substr($0, RSTART + RLENGTH)
            }
        }
        depth == 1 && open && kind == "struct" {
            gsub(/KS_ZERO|KS_SIZEOF\([a-z_]*\)|\[[A-Z0-9_]*\]/, "")
            if (match($0, /\(\*[a-z_]+\)/)) print "name " tag "." substr($0, RSTART + 2, RLENGTH - 3)
            else if (match($0, /[a-z0-9_]+ *;$/)) {
                name = substr($0, RSTART); sub(/ *;$/, "", name); print "name " tag "." name
            }
        }'
    grep -ohE 'XX\(KS_[A-Z]+' $headers | sed 's/XX(/name /'
    sed -n 's/^| `\([^`]*\)` |.*/name \1/p' docs/configuration.md)

# Prints what is wrong, and last the numbers after "total".
result=$(awk '
    function wrong(text) { printf "%s:%d: %s\n", document, at[row], text }
    function trim(text)  { gsub(/^[ ]+|[ ]+$/, "", text); return text }

    FILENAME == "-" { known[$2] = $1; next }

    FILENAME == document && /^## / {
        package = $2; sub(/^org\.apache\.kafka\.streams\.?/, "", package)
        if (package != "") package = package "."
        next
    }
    FILENAME == document && /^\| [`*]/ {
        row = ++rows; at[row] = FNR
        split($0, cell, "|")
        class = trim(cell[2]); gsub(/`/, "", class)
        class = class == "*any*" ? "*" : package class
        expected[row] = 1
        if (match(cell[3], /×[0-9]+/)) expected[row] = 0 + substr(cell[3], RSTART + length("×"))
        pattern = cell[3]; sub(/^[^`]*`/, "", pattern); sub(/`.*/, "", pattern)
        if ((class, pattern) in seen) wrong("a second row for " class " " pattern)
        seen[class, pattern] = 1
        patterns[class, ++count[class]] = pattern; row_of[class, count[class]] = row
        named[row] = class " " pattern
        names = trim(cell[4]); note = trim(cell[5])
        if (names == "none") {
            kind[row] = "reason"
            if (note == "") wrong("no reason why there is none")
        } else {
            kind[row] = "other"
            number = split(names, name, /, */)
            if (number == 0) wrong("nothing in the column C")
            for (i = 1; i <= number; i++) {
                if (name[i] !~ /^`[^`]+`$/) { wrong("not understood: " name[i]); continue }
                gsub(/`/, "", name[i])
                if (!(name[i] in known)) wrong(name[i] " is not declared")
                else if (known[name[i]] == "function") kind[row] = "function"
            }
        }
        next
    }
    FILENAME == document { next }

    # The best row of a class for a method: its own, the longest beginning, its name, the rest.
    function best(class, method,    i, row, score, most, pattern, start) {
        most = 0; row = 0
        for (i = 1; i <= count[class]; i++) {
            pattern = patterns[class, i]; score = 0
            if (pattern == method) score = 1000
            else if (pattern == "*") score = 1
            else if (pattern ~ /\.\.\.\)$/) {
                start = substr(pattern, 1, length(pattern) - 4)
                if (index(method, start) == 1) score = 1 + length(start)
                else if (start ~ /, $/ && method == substr(start, 1, length(start) - 2) ")")
                    score = 1 + length(start)
            }
            if (score > most) { most = score; row = row_of[class, i] }
        }
        return row
    }
    {
        lines++
        class = $0; sub(/#.*/, "", class); method = $0; sub(/^[^#]*#/, "", method)
        row = best(class, method)
        if (!row) row = best("*", method)
        if (!row) { printf "%s:%d: %s has no row\n", FILENAME, FNR, $0; next }
        found[row]++; total[kind[row]]++
    }
    END {
        for (row = 1; row <= rows; row++) {
            if (!found[row]) wrong(named[row] " is no method of the list, or all are in other rows")
            else if (found[row] != expected[row])
                wrong(named[row] " is " found[row] " methods, the row says " expected[row])
        }
        print "total", lines + 0, total["function"] + 0, total["other"] + 0, total["reason"] + 0
    }' document="$document" - "$document" "$methods" <<<"$declared")

read -r _ lines function other reason <<<"$(grep '^total' <<<"$result")"
[ "${lines:-0}" -gt 1000 ] || fail "$methods lists the methods" "${lines:-no} lines"
empty "each of $lines methods has a row: $function a function, $other an option, type or property, \
$reason a reason; the rows have methods and declared names" \
    "$(grep -v '^total' <<<"$result")"
done_testing
