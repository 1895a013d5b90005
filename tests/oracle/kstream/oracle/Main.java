// SPDX-License-Identifier: Apache-2.0
package kstream.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * check PATH...: run cases with Kafka Streams and compare with what they have recorded.
 * record PATH...: run cases and write what came out into them.
 * generate SEED COUNT DIRECTORY: write COUNT random cases, complete, from SEED on.
 * hunt SEED COUNT RUNNER DIRECTORY: run such cases with RUNNER too; shrunk failures to DIRECTORY.
 * shrink RUNNER PATH...: make cases that fail with RUNNER smaller, in place.
 */
public final class Main {
    private Main() { }

    private static List<Path> cases(String[] args) throws IOException {
        final List<Path> paths = new ArrayList<>();
        for (int i = 1; i < args.length; i++)
            if (Files.isDirectory(Path.of(args[i])))
                try (Stream<Path> files = Files.list(Path.of(args[i]))) {
                    files.filter(file -> file.toString().endsWith(".json")).sorted()
                        .forEach(paths::add);
                }
            else
                paths.add(Path.of(args[i]));
        return paths;
    }

    /** The parts of `expected` in a form that can be compared. */
    private static JsonNode normal(String part, JsonNode value) throws IOException {
        if (!part.equals("describe"))
            return Case.JSON.readTree(value.toString());
        final ObjectNode parts = Case.JSON.createObjectNode();
        for (JsonNode item : value) {
            final TreeSet<String> lines = new TreeSet<>();
            item.path("nodes").forEach(line -> lines.add(line.asText()));
            parts.put((item.has("global") ? "global " : "") +
                          item.path("global").asText(item.path("subtopology").asText()),
                      String.join("\n", lines));
        }
        return parts;
    }

    private static int compare(ObjectNode recorded, ObjectNode now, String name)
            throws IOException {
        final JsonNode want = recorded.get("expected"), got = now.get("expected");
        final TreeSet<String> parts = new TreeSet<>();
        want.fieldNames().forEachRemaining(parts::add);
        got.fieldNames().forEachRemaining(parts::add);
        int differences = 0;
        for (String part : parts) {
            if (normal(part, want.path(part)).equals(normal(part, got.path(part))))
                continue;
            differences++;
            System.out.println("FAIL " + name + " " + part + "\n  recorded " + want.path(part) +
                               "\n  now      " + got.path(part));
        }
        return differences;
    }

    private static int check(String[] args) throws IOException {
        int passed = 0, failed = 0;
        for (Path path : cases(args)) {
            final ObjectNode recorded = Case.read(path);
            final int differences =
                compare(recorded, Replay.record(recorded), path.getFileName().toString());
            passed += differences == 0 ? 1 : 0;
            failed += differences == 0 ? 0 : 1;
        }
        System.out.println(passed + " passed, " + failed + " failed");
        return failed > 0 ? 1 : 0;
    }

    private static int record(String[] args) throws IOException {
        for (Path path : cases(args))
            Case.write(path, Replay.record(Case.read(path)));
        return 0;
    }

    private static int generate(String[] args) throws IOException {
        final long from = Long.parseLong(args[1]), count = Long.parseLong(args[2]);
        final Path directory = Files.createDirectories(Path.of(args[3]));
        for (long seed = from; seed < from + count; seed++)
            Case.write(directory.resolve("seed-" + seed + ".json"),
                       Replay.record(Generator.generate(seed)));
        return 0;
    }

    public static void main(String[] args) throws IOException, InterruptedException {
        switch (args.length == 0 ? "" : args[0]) {
        case "check": System.exit(check(args));
        case "record": System.exit(record(args));
        case "generate": System.exit(generate(args));
        case "hunt":
            System.exit(new Hunt(args[3], Path.of(args[4]))
                            .run(Long.parseLong(args[1]), Long.parseLong(args[2])));
        default:
            System.err.println("usage: check PATH... | record PATH... | generate ... | hunt ...");
            System.exit(2);
        }
    }
}
