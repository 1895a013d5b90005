// SPDX-License-Identifier: Apache-2.0
package kstream.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.TreeMap;

/** Compares random cases with a runner (a program that replays a case and exits with 0 if it passes). */
final class Hunt {
    private final List<String> runner;
    private final Path directory;
    private final Path probe;

    Hunt(String runner, Path directory) throws IOException {
        this.runner = List.of(runner.split(" "));
        this.directory = Files.createDirectories(directory);
        this.probe = directory.resolve("probe.json");
    }

    /** What the runner says of a file; null = it passes. */
    private String complaint(Path path) throws IOException, InterruptedException {
        final List<String> command = new ArrayList<>(runner);
        command.add(path.toString());
        final Process process =
            new ProcessBuilder(command).redirectErrorStream(true).start();
        final String text = new String(process.getInputStream().readAllBytes());
        final int status = process.waitFor();
        return status == 0 ? null : status == 1 ? text : "died of " + status + "\n" + text;
    }

    /** Failures of one kind are thought to have one cause. */
    private static String kind(String complaint) {
        return complaint.startsWith("died")               ? "died"
            : complaint.contains("expected a topology")   ? "refused"
            : complaint.contains("expected a refusal")    ? "built"
            : complaint.contains("drops\n  got")           ? "drops"
            : complaint.contains(" at the end")           ? "end"
            : complaint.contains("expected a failure")    ? "error"
            : complaint.contains("expected no failure")   ? "error"
                                                          : "out";
    }

    private final Set<String> kinds =
        Set.of(System.getProperty("oracle.kinds", "").split(",")).contains("")
            ? Set.of() : Set.of(System.getProperty("oracle.kinds").split(","));

    int run(long from, long count) throws IOException, InterruptedException {
        final TreeMap<String, Integer> refused = new TreeMap<>();
        int passed = 0, failed = 0, steps = 0;
        for (long seed = from; seed < from + count; seed++) {
            final ObjectNode kase;
            try {
                kase = Replay.record(Generator.generate(seed));
            } catch (OutOfMemoryError e) { // what comes out can grow with the square of the input
                refused.merge("(too large)", 1, Integer::sum);
                continue;
            }
            steps += kase.get("input").size();
            if (failsToOptimize(kase)) {
                refused.merge("(optimization fails)", 1, Integer::sum);
                continue;
            }
            if (Replay.refused(kase.get("expected")))
                refused.merge(kase.get("expected").get("error").get("class").asText(), 1,
                              Integer::sum);
            Case.write(probe, kase);
            final String complaint = complaint(probe);
            if (complaint == null) {
                passed++;
                continue;
            }
            if (!kinds.isEmpty() && !kinds.contains(kind(complaint)))
                continue;
            failed++;
            final ObjectNode small = shrink(kase, kind(complaint));
            Case.write(directory.resolve("seed-" + seed + ".json"), small);
            Case.write(probe, small);
            System.out.println("seed " + seed + " (" + kind(complaint) + "): " + complaint(probe));
            System.out.flush();
        }
        Files.deleteIfExists(probe);
        System.out.println("seeds " + from + " to " + (from + count - 1) + ": " + steps +
                           " steps of input; left out or refused by Kafka: " + refused);
        System.out.println(passed + " passed, " + failed + " failed");
        return failed > 0 ? 1 : 0;
    }

    /** Kafka's own mistake: "Found a null keyChangingChild node". */
    private static boolean failsToOptimize(ObjectNode kase) {
        return Replay.refused(kase.get("expected")) && kase.get("config").has("optimize") &&
               kase.get("expected").get("error").get("class").asText().equals("StreamsException");
    }

    // --- shrinking ---

    private ObjectNode best;

    ObjectNode shrink(ObjectNode kase, String kind) throws IOException, InterruptedException {
        best = kase;
        for (int before = -1; before != best.toString().length();) {
            before = best.toString().length();
            shrinkInput(kind);
            shrinkTopology(kind);
            shrinkConfig(kind);
        }
        return best;
    }

    private boolean take(ObjectNode smaller, String kind) throws IOException, InterruptedException {
        final boolean refused = Replay.refused(best.get("expected"));
        final ObjectNode recorded;
        smaller.remove("expected");
        if (smaller.get("topology").isEmpty())
            return false;
        try {
            recorded = Replay.record(smaller);
        } catch (RuntimeException e) {
            return false;
        }
        if (Replay.refused(recorded.get("expected")) != refused)
            return false;
        Case.write(probe, recorded);
        final String complaint = complaint(probe);
        if (complaint == null || !kind(complaint).equals(kind))
            return false;
        best = recorded;
        return true;
    }

    private void shrinkInput(String kind) throws IOException, InterruptedException {
        for (int chunk = Math.max(1, best.get("input").size() / 2); chunk > 0; chunk /= 2)
            for (int at = best.get("input").size() - chunk; at >= 0; at -= chunk) {
                final ObjectNode smaller = best.deepCopy();
                final ArrayNode input = (ArrayNode) smaller.get("input");
                for (int i = 0; i < chunk && at < input.size(); i++)
                    input.remove(at);
                take(smaller, kind);
            }
    }

    private static String text(JsonNode step, String name) {
        return step.path(name).asText();
    }

    private static boolean reads(JsonNode step, Set<String> ids, Set<String> stores) {
        for (String name : new String[] { "from", "left", "right" })
            if (ids.contains(text(step, name)))
                return true;
        for (JsonNode input : step.path("inputs"))
            if (ids.contains(text(input, "from")))
                return true;
        return text(step, "proc").equals("storeLookup") && stores.contains(text(step, "store"));
    }

    /** The topology without step `at` and all that depends on it. */
    private static ObjectNode without(ObjectNode kase, int at) {
        final ObjectNode smaller = kase.deepCopy();
        final ArrayNode kept = smaller.putArray("topology");
        final Set<String> ids = new HashSet<>(), stores = new HashSet<>();
        int i = 0;
        for (JsonNode step : kase.get("topology")) {
            if (i++ == at || reads(step, ids, stores)) {
                if (step.has("id"))
                    ids.add(text(step, "id"));
                if (step.has("store"))
                    stores.add(text(step, "store"));
                step.path("branches").forEach(branch -> ids.add(text(branch, "id")));
                if (step.has("default"))
                    ids.add(text(step, "default"));
            } else {
                kept.add(step);
            }
        }
        return withoutTopics(smaller);
    }

    /** Topics and inputs that the topology does not name go. */
    private static ObjectNode withoutTopics(ObjectNode kase) {
        final Set<String> used = new HashSet<>();
        for (JsonNode step : kase.get("topology")) {
            used.add(text(step, "topic"));
            step.path("topics").forEach(topic -> used.add(topic.asText()));
        }
        for (String list : new String[] { "topics", "input" }) {
            final ArrayNode kept = Case.JSON.createArrayNode();
            for (JsonNode item : kase.get(list))
                if (item.has("advanceWallClock") ||
                    used.contains(text(item, list.equals("topics") ? "name" : "topic")))
                    kept.add(item);
            kase.set(list, kept);
        }
        return kase;
    }

    /** The topology with those who read step `at` reading what it reads, or null. */
    private static ObjectNode around(ObjectNode kase, int at) {
        final ObjectNode smaller = kase.deepCopy();
        final ArrayNode steps = (ArrayNode) smaller.get("topology");
        final JsonNode gone = steps.get(at);
        if (!gone.has("id") || !(gone.has("from") || gone.has("left")) ||
            text(gone, "op").matches("groupBy|groupByKey|windowedBy|cogroup"))
            return null;
        final String id = text(gone, "id"), to = text(gone, gone.has("from") ? "from" : "left");
        steps.remove(at);
        for (JsonNode step : steps) {
            for (String name : new String[] { "from", "left", "right" })
                if (text(step, name).equals(id))
                    ((ObjectNode) step).put(name, to);
            for (JsonNode input : step.path("inputs"))
                if (text(input, "from").equals(id))
                    ((ObjectNode) input).put("from", to);
        }
        return smaller;
    }

    private void shrinkTopology(String kind) throws IOException, InterruptedException {
        for (int at = best.get("topology").size() - 1; at >= 0; at--) {
            if (at >= best.get("topology").size())
                continue;
            if (take(without(best, at), kind))
                continue;
            final ObjectNode bypassed = around(best, at);
            if (bypassed != null && sameTypes(best.get("topology"), at))
                take(withoutTopics(bypassed), kind);
        }
    }

    private static boolean sameTypes(JsonNode topology, int at) {
        final JsonNode gone = topology.get(at);
        final String from = text(gone, gone.has("from") ? "from" : "left");
        for (JsonNode step : topology)
            if (text(step, "id").equals(from))
                return text(step, "kt").equals(text(gone, "kt")) &&
                       text(step, "vt").equals(text(gone, "vt"));
        return false;
    }

    private void shrinkConfig(String kind) throws IOException, InterruptedException {
        for (String name : new String[] { "cacheBytes", "joinEmitIntervalMs", "windowEmitIntervalMs" })
            if (best.get("config").path(name).asLong() != 0) {
                final ObjectNode smaller = best.deepCopy();
                ((ObjectNode) smaller.get("config")).put(name, 0L);
                take(smaller, kind);
            }
        if (best.get("config").has("optimize")) {
            final ObjectNode smaller = best.deepCopy();
            ((ObjectNode) smaller.get("config")).remove("optimize");
            take(smaller, kind);
        }
    }
}
