#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What `make install` puts down is enough to build a program with pkg-config, against the shared
# library and against libkstream.a; DESTDIR is respected, and uninstall leaves no file behind.
set -u
. tests/project/tap.sh
build=$(cd "${BUILD:-build}" && pwd)
root=$(mktemp -d "$build/install.XXXXXX")
trap 'rm -rf "$root"' EXIT
CC=${CC:-gcc} CXX=${CXX:-g++}
export MAKEFLAGS=    # an own run of make: options such as -j or T= are not for it

# The tree under $root/stage is moved to its prefix, as a package would be.
prefix=$root/tree
in_stage() { make -s BUILD="$build" DESTDIR="$root/stage" PREFIX="$prefix" "$1"; }
check "make install with DESTDIR" in_stage install
empty "nothing is written outside DESTDIR" "$(find "$prefix" 2>/dev/null)"
mv "$root/stage$prefix" "$prefix" || fail "the staged tree can be moved to its prefix"
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
library=$prefix/lib

check "pkg-config knows the version" pkg-config --exists "kstream = $(scripts/version)"
soname=$(readelf -d "$library"/libkstream.so | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
check "the SONAME leads to the library" test -n "$soname" -a -f "$library/$soname"

# build NAME COMPILER MODULE SOURCE FLAGS...: compile as a user would, with nothing of this tree.
build() {
    local name=$1 compiler=$2 module=$3 source=$4
    shift 4
    # shellcheck disable=SC2046 # lists of flags
    (cp "$source" "$root/" && cd "$root" &&
        $compiler "$@" "$(basename "$source")" -o "$name" $(pkg-config --cflags --libs "$module"))
}
runs() { LD_LIBRARY_PATH=$2 "$root/$1" --help; }
warnings="-Wall -Wextra -Wpedantic -Werror"
c_flags="-std=c11 -D_POSIX_C_SOURCE=200809L $warnings"

# shellcheck disable=SC2086 # lists of flags
{
check "word_count.c builds against the shared library" \
    build dynamic "$CC" kstream examples/word_count.c $c_flags
check "it runs --help" runs dynamic "$library"
check "it loads libkstream.so from there" \
    sh -c "LD_LIBRARY_PATH=$library ldd $root/dynamic | grep -q '$library/$soname'"
check "word_count.c builds against libkstream.a, librdkafka and LMDB shared" \
    build static "$CC" kstream-static examples/word_count.c $c_flags
check "it runs --help without the shared library" runs static /nonexistent
check "it does not load libkstream.so" sh -c "test -x $root/static && ! ldd $root/static | grep libkstream"
check "word_count.cc builds as C++20" \
    build cpp "$CXX" kstream examples/word_count.cc -std=c++20 -pedantic $warnings
check "it runs --help" runs cpp "$library"
}

mkdir -p "$root/stage$(dirname "$prefix")" && mv "$prefix" "$root/stage$prefix"
check "make uninstall" in_stage uninstall
empty "uninstall leaves no file" "$(find "$root/stage" ! -type d)"
empty "uninstall leaves no folder of ours" "$(find "$root/stage" -type d -name '*kstream*')"
done_testing
