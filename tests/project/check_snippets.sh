#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The C blocks of README.md and docs/*.md compile against the public headers, without a warning,
# and run. The blocks of a page are one program: what stands at file scope (static, struct, enum,
# typedef, #) stays there, everything else is the body of one function, in the order of the page;
# tests/project/snippets.h declares the names that pages use without saying what they are. What the
# page claims is checked by statements in an HTML comment that begins with "<!-- check", which a
# reader does not see. In the end all that was declared must build. The small examples compile with
# the flags of a careful user, who defines no feature macro.
set -u
. tests/project/tap.sh
CC=${CC:-gcc} build=${BUILD:-build}
folder=$build/snippets
flags="-std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror -Wno-unused -g -Iinclude
    -Wno-unused-parameter -Itests/project"
mkdir -p "$folder"

# Each block begins a scope in the one before, so that it sees its names and may use them anew.
program() {
    echo '#include "snippets.h"'
    awk -v page="$1" -v part=file "$blocks" "$1"
    echo 'static void page(void) {'
    awk -v page="$1" -v part=body "$blocks" "$1"
    echo 'int main(void) { return snippets_run(page); }'
}
blocks='
    function at() { if (gap) printf "#line %d \"%s\"\n", FNR, page; gap = 0 }
    /^```c$/ || /^<!-- check$/ {
        inside = 1; outer = 0; gap = 1
        if (part == "body") { print "{"; depth++ }
        next
    }
    /^```$/ || /^-->$/ { inside = 0 }
    !inside { next }
    {
        starts = !outer && /^(static|struct [a-z_]+$|struct [a-z_]+ \{|enum|typedef|#)/
        if (starts) outer = 1
        if ((part == "file") == outer) { at(); print } else gap = 1
        if (outer && (/^}/ || /;( *\/\*.*\*\/| *\/\/.*)?$/ && /^[a-z#]/ || /^#/ || /^  .*\);$/ && !body))
            outer = 0
        body = outer && (body || /^\{/)
    }
    END { while (depth-- > 0) printf "}"; if (part == "body") print "}" }
'

compiled() {
    program "$1" > "$folder/$2.c"
    # README is copied into programs of strict flags
    local flags=$flags
    [ "$1" != README.md ] || flags="$flags -Wunused-parameter"
    # shellcheck disable=SC2086 # a list of flags
    $CC $flags "$folder/$2.c" -o "$folder/$2" -L"$build" -lkstream -Wl,-rpath,"$PWD/$build"
}
for page in README.md docs/*.md; do
    grep -q '^```c$' "$page" || continue
    name=$(basename "$page" .md)
    rm -f "$folder/$name"
    check "the C of $page compiles" compiled "$page" "$name"
    [ ! -x "$folder/$name" ] || check "what $page claims holds" "$folder/$name"
done
for example in examples/*.c; do
    check "$example compiles as plain C11, without a warning" \
        "$CC" -std=c11 -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only "$example"
done
done_testing
