#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# make-methods.sh - writes tests/parity/methods.txt: every public method of Kafka Streams' public
# classes, one line each: Class#method(types of the arguments), the class without its package
# prefix org.apache.kafka.streams, types without packages and type arguments.
#
# Run it by hand when the pinned version changes, then bring docs/parity.md in line with what
# tests/project/check_parity.sh says. It needs mvn, javap and unzip; the jars come from Maven
# Central and must have the checksums below.
set -eu
version=4.3.1
sums='bd73f3805e116f711e8456ee89a8a5b43ff5dcf5a5bb865afae29deae89e7c4b  kafka-streams-4.3.1.jar
e84547c830b86dffdc4f5556d9d58fd1de5020a820b0de34d837b27aa4452d8c  kafka-streams-test-utils-4.3.1.jar'

here=$(cd "$(dirname "$0")" && pwd)
jars=$(mktemp -d)
trap 'rm -rf "$jars"' EXIT
cat >"$jars/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>kstream</groupId><artifactId>parity</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-streams</artifactId>
      <version>$version</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-streams-test-utils</artifactId>
      <version>$version</version></dependency>
  </dependencies>
</project>
POM
mvn -q -B -C -f "$jars/pom.xml" dependency:copy-dependencies -DexcludeTransitive=true \
    -DoutputDirectory="$jars" >&2
(cd "$jars" && echo "$sums" | sha256sum --quiet -c -) >&2

# The documented packages; a class whose name is a number is anonymous.
packages='(kstream/|processor/|processor/api/|processor/assignment/|state/|errors/|query/|test/)?'
classes=$(for jar in "$jars"/kafka-streams*.jar; do unzip -Z1 "$jar"; done |
    grep -E "^org/apache/kafka/streams/$packages[A-Z][A-Za-z0-9_]*(\\\$[A-Z][A-Za-z0-9_]*)*\.class$" |
    sed 's/\.class$//; s,/,.,g')

# shellcheck disable=SC2086 # a list of classes
javap -public -cp "$(echo "$jars"/kafka-streams*.jar | tr ' ' ':')" $classes | awk '
    function plain(text) {     # without type arguments, annotations of variance and packages
        while (gsub(/<[^<>]*>/, "", text)) continue
        gsub(/\.\.\./, "[]", text)
        while (match(text, /(^|[^A-Za-z0-9_.])[a-z][a-z0-9_]*\./)) {
            first = substr(text, RSTART, 1) ~ /[a-z]/ ? "" : substr(text, RSTART, 1)
            text = substr(text, 1, RSTART - 1) first substr(text, RSTART + RLENGTH)
        }
        gsub(/\$/, ".", text)
        gsub(/, /, ",", text); gsub(/,/, ", ", text)
        return text
    }
    /^[a-z].*{$/ {             # the head of a class; inner classes of hidden ones stay hidden
        public = /^public /
        sub(/ (extends|implements) .*/, " ")
        match($0, /org\.apache\.kafka\.streams\.[A-Za-z0-9_.$]+/)
        full = substr($0, RSTART, RLENGTH)
        class = substr(full, length("org.apache.kafka.streams.") + 1)
        gsub(/\$/, ".", class)
        next
    }
    public && /\(/ {
        sub(/ throws .*/, ""); sub(/;$/, "")
        open = index($0, "(")
        name = substr($0, 1, open - 1); sub(/.* /, "", name)
        if (name == full) { name = class; sub(/.*\./, "", name); name = "new " name }
        print class "#" name plain(substr($0, open))
    }' | LC_ALL=C sort -u >"$here/methods.txt"
wc -l <"$here/methods.txt" >&2
