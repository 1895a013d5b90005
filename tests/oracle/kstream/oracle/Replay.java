// SPDX-License-Identifier: Apache-2.0
package kstream.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.apache.kafka.common.Metric;
import org.apache.kafka.common.serialization.Deserializer;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.serialization.Serializer;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.TestInputTopic;
import org.apache.kafka.streams.TestOutputTopic;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.TopologyDescription;
import org.apache.kafka.streams.TopologyTestDriver;
import org.apache.kafka.streams.kstream.Windowed;
import org.apache.kafka.streams.processor.StateStore;
import org.apache.kafka.streams.state.*;
import org.apache.kafka.streams.test.TestRecord;

/** Runs a case with Kafka Streams' TopologyTestDriver (FORMAT.md, Replay) and says what came out. */
final class Replay {
    /** How a run may differ from the plain one, to find what is sensitive to it. */
    record Variant(boolean inMemory, boolean longRetention) { }

    private static final long VERY_LONG_MS = 1_000_000_000L;
    private static final Comparator<String> BY_BYTES =
        (a, b) -> Arrays.compareUnsigned(Functions.utf8(a), Functions.utf8(b));

    private final ObjectNode kase;
    private final ObjectNode expected = Case.JSON.createObjectNode();
    private final ArrayNode out = expected.putArray("out");
    private final ArrayNode drops = expected.putArray("drops");
    private final TreeMap<String, TestOutputTopic<Object, Object>> outputs = new TreeMap<>();
    private final TreeMap<String, TestInputTopic<Object, Object>> inputs = new TreeMap<>();
    private final List<Metric> dropped = new ArrayList<>();
    private TopologyTestDriver driver;
    private int metrics;
    private long dropsBefore;

    private Replay(ObjectNode kase) {
        this.kase = kase;
    }

    /** The case with what Kafka Streams makes of it as `expected`. */
    static ObjectNode record(ObjectNode kase) throws IOException {
        final ObjectNode complete = kase.deepCopy();
        final ObjectNode plain = run(kase, new Variant(false, false));
        if (!refused(plain)) {
            sensitivity(kase, plain);
            if (hasRetention(kase)) {
                final ObjectNode longer = run(kase, new Variant(false, true));
                if (!longer.get("out").equals(plain.get("out")))
                    plain.put("retentionSensitive", true);
            }
        }
        complete.put("kafka", org.apache.kafka.common.utils.AppInfoParser.getVersion());
        complete.set("expected", plain);
        return complete;
    }

    static boolean refused(JsonNode expected) {
        return expected.has("error") && expected.get("error").get("step").asInt() < 0;
    }

    private static void sensitivity(ObjectNode kase, ObjectNode plain) throws IOException {
        final ObjectNode other = run(kase, new Variant(true, false));
        final ArrayNode parts = Case.JSON.createArrayNode();
        for (String part : new String[] { "out", "drops", "stores" })
            if (!other.path(part).equals(plain.path(part)))
                parts.add(part);
        if (!parts.isEmpty())
            plain.set("storeSensitive", parts);
    }

    private static boolean isWindowed(JsonNode topology, JsonNode id) {
        for (JsonNode step : topology)
            if (id != null && id.equals(step.get("id")))
                return step.get("op").asText().equals("windowedBy") &&
                       !step.get("type").asText().equals("unlimited");
        return false;
    }

    private static boolean hasRetention(ObjectNode kase) {
        for (JsonNode step : kase.get("topology"))
            if (isWindowed(kase.get("topology"), step.get("from")))
                return true;
        return false;
    }

    static ObjectNode run(ObjectNode kase, Variant variant) throws IOException {
        final ObjectNode own = kase.deepCopy();
        if (variant.longRetention)
            for (JsonNode step : own.get("topology"))
                if (isWindowed(own.get("topology"), step.get("from")))
                    ((ObjectNode) step).put("retention", VERY_LONG_MS);
        return new Replay(own).run(variant.inMemory);
    }

    // --- a run ---

    private ObjectNode run(boolean inMemory) throws IOException {
        final Path memory = Path.of("/dev/shm");
        final Path directory = Files.isWritable(memory)
            ? Files.createTempDirectory(memory, "oracle") : Files.createTempDirectory("oracle");
        int step = -1;
        try {
            final Properties properties = properties(directory, inMemory);
            final Topology topology =
                new Plan(kase.get("topology"), inMemory).builder.build(properties);
            final ArrayNode describe = describe(topology.describe());
            try {
                start(topology, properties);
                for (JsonNode input : kase.get("input")) {
                    step++;
                    feed(input);
                    collect(step);
                    countDrops(step);
                }
                expected.set("stores", stores());
            } catch (RuntimeException e) {
                if (step >= 0)
                    collect(step);
                fail(step, e);
            }
            expected.set("describe", describe);
        } catch (RuntimeException e) {
            fail(-1, e);
        } finally {
            close();
            remove(directory);
        }
        return expected;
    }

    private void fail(int step, RuntimeException e) {
        expected.putObject("error").put("step", step).put("class", e.getClass().getSimpleName());
        if (Boolean.getBoolean("oracle.trace"))
            e.printStackTrace();
    }

    private Properties properties(Path directory, boolean inMemory) {
        final JsonNode config = kase.get("config");
        final Properties p = new Properties();
        p.put(StreamsConfig.APPLICATION_ID_CONFIG, "oracle");
        p.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, "none:1");
        p.put(StreamsConfig.STATE_DIR_CONFIG, directory.toString());
        p.put(StreamsConfig.DEFAULT_KEY_SERDE_CLASS_CONFIG, Serdes.StringSerde.class);
        p.put(StreamsConfig.DEFAULT_VALUE_SERDE_CLASS_CONFIG, AnyValue.class);
        p.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, config.path("cacheBytes").asLong());
        p.put(StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_OUTER_JOIN_SPURIOUS_RESULTS_FIX,
              config.path("joinEmitIntervalMs").asLong());
        p.put(StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_WINDOWED_AGGREGATION,
              config.path("windowEmitIntervalMs").asLong());
        if (config.path("optimize").asBoolean())
            p.put(StreamsConfig.TOPOLOGY_OPTIMIZATION_CONFIG, StreamsConfig.OPTIMIZE);
        if (inMemory)
            p.put(StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG,
                  BuiltInDslStoreSuppliers.InMemoryDslStoreSuppliers.class);
        return p;
    }

    /**
     * The serde of what Kafka keeps between operators without being told the type: strings as they
     * are, numbers behind a byte that UTF-8 does not have.
     */
    public static final class AnyValue extends Serdes.WrapperSerde<Object> {
        private static final byte NUMBER = (byte) 0xFF;

        public AnyValue() {
            super((topic, value) -> write(value), (topic, bytes) -> read(bytes));
        }

        private static byte[] write(Object value) {
            return value instanceof Long number
                ? ByteBuffer.allocate(9).put(NUMBER).putLong(number).array()
                : value == null ? null : Functions.utf8((String) value);
        }

        private static Object read(byte[] bytes) {
            return bytes == null                               ? null
                : bytes.length == 9 && bytes[0] == NUMBER      ? ByteBuffer.wrap(bytes, 1, 8).getLong()
                : (Object) new String(bytes, StandardCharsets.UTF_8);
        }
    }

    @SuppressWarnings("unchecked")
    private static Serializer<Object> serializer(String type) {
        return Plan.valueSerde(type.equals("int64")).serializer();
    }

    private static Deserializer<Object> deserializer(String type) {
        return Plan.valueSerde(type.equals("int64")).deserializer();
    }

    private void start(Topology topology, Properties properties) {
        driver = new TopologyTestDriver(topology, properties, Instant.ofEpochMilli(0));
        for (JsonNode topic : kase.get("topics")) {
            final String name = topic.get("name").asText();
            final String key = topic.get("key").asText(), value = topic.get("value").asText();
            if (topic.get("dir").asText().equals("in"))
                inputs.put(name, driver.createInputTopic(name, serializer(key), serializer(value)));
            else
                outputs.put(name,
                            driver.createOutputTopic(name, deserializer(key), deserializer(value)));
        }
    }

    private static Object value(JsonNode value) {
        return value.isNull() ? null : value.isTextual() ? value.textValue()
                                                         : (Object) value.longValue();
    }

    private void feed(JsonNode input) {
        if (input.has("advanceWallClock"))
            driver.advanceWallClockTime(Duration.ofMillis(input.get("advanceWallClock").asLong()));
        else
            inputs.get(input.get("topic").asText())
                .pipeInput(value(input.get("key")), value(input.get("value")),
                           input.get("ts").asLong());
    }

    private static void put(ObjectNode row, String name, Object value) {
        if (value instanceof Long number)
            row.put(name, number);
        else
            row.put(name, (String) value);
    }

    private void collect(int step) {
        outputs.forEach((name, topic) -> {
            while (!topic.isEmpty()) {
                final TestRecord<Object, Object> record = topic.readRecord();
                final ObjectNode row = out.addObject();
                row.put("step", step).put("topic", name);
                put(row, "key", record.key());
                put(row, "value", record.value());
                row.put("ts", record.timestamp());
            }
        });
    }

    private void countDrops(int step) {
        final var all = driver.metrics();
        if (all.size() != metrics) {
            metrics = all.size();
            dropped.clear();
            all.forEach((name, metric) -> {
                if (name.name().equals("dropped-records-total"))
                    dropped.add(metric);
            });
        }
        long now = 0;
        for (Metric metric : dropped)
            now += ((Double) metric.metricValue()).longValue();
        if (now != dropsBefore)
            drops.addObject().put("step", step).put("n", now - dropsBefore);
        dropsBefore = now;
    }

    private void close() {
        try {
            if (driver != null)
                driver.close();
        } catch (RuntimeException e) {
            // A failed task cannot be closed properly; what it did is recorded.
        }
    }

    private static void remove(Path directory) throws IOException {
        try (Stream<Path> files = Files.walk(directory)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        }
    }

    // --- stores ---

    private ObjectNode stores() {
        final TreeSet<String> names = new TreeSet<>();
        for (JsonNode step : kase.get("topology"))
            if (step.has("store"))
                names.add(step.get("store").asText());
        final ObjectNode stores = Case.JSON.createObjectNode();
        for (String name : names) {
            final ObjectNode store = stores.putObject(name);
            final StateStore state = stateStore(name);
            if (state instanceof VersionedKeyValueStore<?, ?>)
                versions(store, name, driver.getVersionedKeyValueStore(name));
            else if (state instanceof SessionStore<?, ?>)
                sessions(store, driver.getSessionStore(name));
            else if (state instanceof WindowStore<?, ?>)
                windows(store, name, state);
            else
                keyValues(store, name, state);
        }
        return stores;
    }

    private StateStore stateStore(String name) {
        final StateStore store = driver.getAllStateStores().get(name);
        if (store == null)
            throw new IllegalStateException("no store " + name);
        return store;
    }

    private record Row(String key, long start, ObjectNode row) { }

    private static void addRows(ObjectNode store, String kind, List<Row> rows) {
        rows.sort(Comparator.comparing(Row::key, BY_BYTES).thenComparing(Row::start));
        store.put("kind", kind);
        rows.forEach(row -> store.withArray("rows").add(row.row));
        store.withArray("rows");
    }

    private void keyValues(ObjectNode store, String name, StateStore state) {
        final List<Row> rows = new ArrayList<>();
        if (state instanceof TimestampedKeyValueStore<?, ?>) {
            final KeyValueStore<Object, ValueAndTimestamp<Object>> own =
                driver.getTimestampedKeyValueStore(name);
            try (KeyValueIterator<Object, ValueAndTimestamp<Object>> all = own.all()) {
                all.forEachRemaining(entry -> {
                    final ObjectNode row = row(rows, entry.key, 0);
                    put(row, "value", entry.value.value());
                    row.put("ts", entry.value.timestamp());
                });
            }
        } else {
            final KeyValueStore<Object, Object> own = driver.getKeyValueStore(name);
            try (KeyValueIterator<Object, Object> all = own.all()) {
                all.forEachRemaining(entry -> put(row(rows, entry.key, 0), "value", entry.value));
            }
        }
        addRows(store, "kv", rows);
    }

    private static ObjectNode row(List<Row> rows, Object key, long start) {
        final ObjectNode row = Case.JSON.createObjectNode();
        row.put("key", Functions.show(key));
        rows.add(new Row(Functions.show(key), start, row));
        return row;
    }

    private void windows(ObjectNode store, String name, StateStore state) {
        final List<Row> rows = new ArrayList<>();
        if (state instanceof TimestampedWindowStore<?, ?>) {
            final WindowStore<Object, ValueAndTimestamp<Object>> own =
                driver.getTimestampedWindowStore(name);
            try (KeyValueIterator<Windowed<Object>, ValueAndTimestamp<Object>> all = own.all()) {
                all.forEachRemaining(entry -> {
                    final long start = entry.key.window().start();
                    final ObjectNode row = row(rows, entry.key.key(), start).put("start", start);
                    put(row, "value", entry.value.value());
                    row.put("ts", entry.value.timestamp());
                });
            }
        } else {
            final WindowStore<Object, Object> own = driver.getWindowStore(name);
            try (KeyValueIterator<Windowed<Object>, Object> all = own.all()) {
                all.forEachRemaining(entry -> {
                    final long start = entry.key.window().start();
                    put(row(rows, entry.key.key(), start).put("start", start), "value",
                        entry.value);
                });
            }
        }
        addRows(store, "window", rows);
    }

    private static void sessions(ObjectNode store, SessionStore<Object, Object> own) {
        final List<Row> rows = new ArrayList<>();
        try (KeyValueIterator<Windowed<Object>, Object> all = own.fetch(null, null)) {
            all.forEachRemaining(entry -> {
                final long start = entry.key.window().start();
                final ObjectNode row = row(rows, entry.key.key(), start).put("start", start);
                put(row.put("end", entry.key.window().end()), "value", entry.value);
            });
        }
        addRows(store, "session", rows);
    }

    /** The probes of the case's own `expected`, else some of all keys at times around the inputs. */
    private void versions(ObjectNode store, String name, VersionedKeyValueStore<Object, Object> own) {
        store.put("kind", "versioned");
        final ArrayNode rows = store.putArray("rows");
        final JsonNode old = kase.path("expected").path("stores").path(name).path("rows");
        if (old.isArray()) {
            for (JsonNode probe : old)
                probe(rows, own, probe.get("key").asText(),
                      probe.get("asOf").isNull() ? null : probe.get("asOf").asLong());
            return;
        }
        final TreeSet<String> keys = new TreeSet<>(BY_BYTES);
        final TreeSet<Long> times = new TreeSet<>();
        for (JsonNode input : kase.get("input"))
            if (input.hasNonNull("key")) {
                keys.add(input.get("key").asText());
                for (long around = -1; around <= 1; around++)
                    times.add(input.get("ts").asLong() + around);
            }
        final List<Long> some = thinned(times);
        for (String key : keys) {
            probe(rows, own, key, null);
            for (Long time : some)
                probe(rows, own, key, time);
        }
    }

    private static List<Long> thinned(Set<Long> times) {
        final List<Long> all = new ArrayList<>(times), some = new ArrayList<>();
        final int each = all.size() / 24 + 1;
        for (int i = 0; i < all.size(); i += each)
            if (all.get(i) >= 0)
                some.add(all.get(i));
        return some;
    }

    private static void probe(ArrayNode rows, VersionedKeyValueStore<Object, Object> own,
                              String key, Long time) {
        final VersionedRecord<Object> found = time == null ? own.get(key) : own.get(key, time);
        final ObjectNode row = rows.addObject().put("key", key).put("asOf", time);
        put(row, "value", found == null ? null : found.value());
        if (found == null)
            return;
        row.put("validFrom", found.timestamp());
        if (found.validTo().isPresent())
            row.put("validTo", found.validTo().get());
    }

    // --- the description ---

    private static String names(Set<TopologyDescription.Node> nodes) {
        final TreeSet<String> names = new TreeSet<>();
        nodes.forEach(node -> names.add(node.name()));
        return String.join(",", names);
    }

    private static String line(TopologyDescription.Node node) {
        final StringBuilder line = new StringBuilder(node.name());
        if (node instanceof TopologyDescription.Source source)
            line.append(" <").append(String.join(",", new TreeSet<>(source.topicSet()))).append(">");
        if (node instanceof TopologyDescription.Processor processor && !processor.stores().isEmpty())
            line.append(" [").append(String.join(",", new TreeSet<>(processor.stores())))
                .append("]");
        if (node instanceof TopologyDescription.Sink sink)
            line.append(" >").append(sink.topic());
        if (!node.successors().isEmpty())
            line.append(" -> ").append(names(node.successors()));
        return line.toString();
    }

    private static ArrayNode describe(TopologyDescription description) {
        final ArrayNode parts = Case.JSON.createArrayNode();
        for (TopologyDescription.Subtopology part : description.subtopologies()) {
            final ObjectNode row = parts.addObject().put("subtopology", part.id());
            final ArrayNode nodes = row.putArray("nodes");
            part.nodes().forEach(node -> nodes.add(line(node)));
        }
        for (TopologyDescription.GlobalStore part : description.globalStores()) {
            final ObjectNode row = parts.addObject().put("global", part.id());
            row.putArray("nodes").add(line(part.source())).add(line(part.processor()));
        }
        return parts;
    }
}
