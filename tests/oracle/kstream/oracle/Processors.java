// SPDX-License-Identifier: Apache-2.0
package kstream.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.processor.Cancellable;
import org.apache.kafka.streams.processor.PunctuationType;
import org.apache.kafka.streams.processor.api.ContextualFixedKeyProcessor;
import org.apache.kafka.streams.processor.api.ContextualProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyProcessor;
import org.apache.kafka.streams.processor.api.FixedKeyRecord;
import org.apache.kafka.streams.processor.api.Processor;
import org.apache.kafka.streams.processor.api.ProcessorContext;
import org.apache.kafka.streams.processor.api.Record;
import org.apache.kafka.streams.state.KeyValueIterator;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.apache.kafka.streams.state.TimestampedKeyValueStore;
import org.apache.kafka.streams.state.ValueAndTimestamp;
import org.apache.kafka.streams.state.VersionedKeyValueStore;
import org.apache.kafka.streams.state.VersionedRecord;
import org.apache.kafka.streams.state.WindowStore;
import org.apache.kafka.streams.state.WindowStoreIterator;

/** The processors of the cases (FORMAT.md, Processors). */
final class Processors {
    private Processors() { }

    private abstract static class Base extends ContextualProcessor<Object, Object, Object, Object> {
        final JsonNode step;

        Base(JsonNode step) {
            this.step = step;
        }

        <S extends org.apache.kafka.streams.processor.StateStore> S store() {
            return context().getStateStore(step.get("store").asText());
        }

        long number(String name) {
            return step.get(name).asLong();
        }

        void forward(Object key, Object value, long time) {
            context().forward(new Record<>(key, value, time));
        }

        Duration interval() {
            return Duration.ofMillis(number("interval"));
        }

        PunctuationType clock() {
            return step.path("clock").asText().equals("wall") ? PunctuationType.WALL_CLOCK_TIME
                                                              : PunctuationType.STREAM_TIME;
        }
    }

    private static final class Dedup extends Base {
        private KeyValueStore<String, Object> store;

        Dedup(JsonNode step) {
            super(step);
        }

        @Override
        public void init(ProcessorContext<Object, Object> context) {
            super.init(context);
            store = store();
        }

        @Override
        public void process(Record<Object, Object> record) {
            final String key = (String) record.key();
            if (key == null)
                return;
            if (record.value() == null)
                store.delete(key);
            else if (record.value().equals(store.get(key)))
                return;
            else
                store.put(key, record.value());
            context().forward(record);
        }
    }

    /** The keys of the store as they are now. */
    private static <V> List<String> keys(KeyValueStore<String, V> store) {
        final List<String> keys = new ArrayList<>();
        try (KeyValueIterator<String, V> rows = store.all()) {
            rows.forEachRemaining(row -> keys.add(row.key));
        }
        return keys;
    }

    private static final class CountEvery extends Base {
        private KeyValueStore<String, Long> store;

        CountEvery(JsonNode step) {
            super(step);
        }

        @Override
        public void init(ProcessorContext<Object, Object> context) {
            super.init(context);
            store = store();
            context.schedule(interval(), clock(), this::tick);
        }

        private void tick(long now) {
            for (String key : keys(store)) {
                forward(key, store.get(key), now);
                if (step.path("clear").asBoolean())
                    store.delete(key);
            }
        }

        @Override
        public void process(Record<Object, Object> record) {
            if (record.key() != null)
                addOne(store, (String) record.key());
        }
    }

    private static long addOne(KeyValueStore<String, Long> store, String key) {
        final Long before = store.get(key);
        final long count = before == null ? 1 : before + 1;
        store.put(key, count);
        return count;
    }

    private static final class RunningCount
            extends ContextualFixedKeyProcessor<Object, Object, Object> {
        private final JsonNode step;

        RunningCount(JsonNode step) {
            this.step = step;
        }

        @Override
        public void process(FixedKeyRecord<Object, Object> record) {
            final KeyValueStore<String, Long> store =
                context().getStateStore(step.get("store").asText());
            final Long count = record.key() == null ? 0L : addOne(store, (String) record.key());
            context().forward(record.withValue(count));
        }
    }

    private static final class WindowRangeCount extends Base {
        private WindowStore<String, String> store;

        WindowRangeCount(JsonNode step) {
            super(step);
        }

        @Override
        public void init(ProcessorContext<Object, Object> context) {
            super.init(context);
            store = store();
        }

        @Override
        public void process(Record<Object, Object> record) {
            final String key = (String) record.key();
            final long time = record.timestamp(), range = number("range");
            long count = 0;
            if (key == null)
                return;
            store.put(key, record.value() == null ? null : Functions.show(record.value()), time);
            try (WindowStoreIterator<String> rows =
                     store.fetch(key, Math.max(0, time - range), time + range)) {
                for (; rows.hasNext(); rows.next())
                    count++;
            }
            context().forward(record.withValue(count));
        }
    }

    private static final class StreamTime extends Base {
        StreamTime(JsonNode step) {
            super(step);
        }

        @Override
        public void process(Record<Object, Object> record) {
            context().forward(record.withValue(context().currentStreamTimeMs()));
        }
    }

    private static final class TsShift extends Base {
        TsShift(JsonNode step) {
            super(step);
        }

        @Override
        public void process(Record<Object, Object> record) {
            context().forward(
                record.withTimestamp(Math.max(0, record.timestamp() + number("by"))));
        }
    }

    private static final class IdleExpire extends Base {
        private KeyValueStore<String, Long> store;

        IdleExpire(JsonNode step) {
            super(step);
        }

        @Override
        public void init(ProcessorContext<Object, Object> context) {
            super.init(context);
            store = store();
            context.schedule(interval(), PunctuationType.STREAM_TIME, this::tick);
        }

        private void tick(long now) {
            for (String key : keys(store))
                if (now - store.get(key) >= number("idle")) {
                    store.delete(key);
                    forward(key, null, now);
                }
        }

        @Override
        public void process(Record<Object, Object> record) {
            final String key = (String) record.key();
            if (key == null)
                return;
            final Long last = store.get(key);
            store.put(key, last == null ? record.timestamp() : Math.max(last, record.timestamp()));
            context().forward(record);
        }
    }

    private static final class Ticks extends Base {
        private Cancellable schedule;
        private long fired;

        Ticks(JsonNode step) {
            super(step);
        }

        @Override
        public void init(ProcessorContext<Object, Object> context) {
            super.init(context);
            schedule = context.schedule(interval(), clock(), this::tick);
        }

        private void tick(long now) {
            forward("tick", now, now);
            if (++fired >= number("times"))
                schedule.cancel();
        }

        @Override
        public void process(Record<Object, Object> record) { }
    }

    private static final class StoreLookup extends Base {
        private TimestampedKeyValueStore<String, Object> store;

        StoreLookup(JsonNode step) {
            super(step);
        }

        @Override
        public void init(ProcessorContext<Object, Object> context) {
            super.init(context);
            store = store();
        }

        @Override
        public void process(Record<Object, Object> record) {
            final ValueAndTimestamp<Object> row =
                record.key() == null ? null : store.get((String) record.key());
            final String found =
                row == null ? "null" : Functions.show(row.value()) + "@" + row.timestamp();
            context().forward(record.withValue(Functions.show(record.value()) + "|" + found));
        }
    }

    private static final class RangeKeys extends Base {
        private KeyValueStore<String, Object> store;

        RangeKeys(JsonNode step) {
            super(step);
        }

        @Override
        public void init(ProcessorContext<Object, Object> context) {
            super.init(context);
            store = store();
        }

        private KeyValueIterator<String, Object> rows() {
            final String lo = step.path("lo").textValue(), hi = step.path("hi").textValue();
            return step.path("reverse").asBoolean() ? store.reverseRange(lo, hi)
                                                    : store.range(lo, hi);
        }

        @Override
        public void process(Record<Object, Object> record) {
            final List<String> found = new ArrayList<>();
            if (record.key() == null)
                return;
            store.put((String) record.key(), record.value());
            try (KeyValueIterator<String, Object> rows = rows()) {
                rows.forEachRemaining(row -> found.add(row.key));
            }
            context().forward(record.withValue(String.join(",", found)));
        }
    }

    private static final class VersionedAsOf extends Base {
        private VersionedKeyValueStore<String, Object> store;

        VersionedAsOf(JsonNode step) {
            super(step);
        }

        @Override
        public void init(ProcessorContext<Object, Object> context) {
            super.init(context);
            store = store();
        }

        private static String show(VersionedRecord<Object> version) {
            return version == null ? "none"
                                   : Functions.show(version.value()) + "@" + version.timestamp();
        }

        @Override
        public void process(Record<Object, Object> record) {
            final String key = (String) record.key();
            final long time = record.timestamp();
            if (key == null)
                return;
            final long end = store.put(key, record.value(), time);
            final String put =
                end == VersionedKeyValueStore.PUT_RETURN_CODE_VALID_TO_UNDEFINED ? "latest"
                : end == VersionedKeyValueStore.PUT_RETURN_CODE_NOT_PUT ? "dropped"
                : Long.toString(end);
            forward(key,
                    "put=" + put + " asOf=" + show(store.get(key, time - number("lag"))) +
                        " now=" + show(store.get(key)),
                    time);
        }
    }

    static boolean isFixedKey(JsonNode step) {
        return step.get("proc").asText().equals("runningCount");
    }

    static FixedKeyProcessor<Object, Object, Object> fixedKey(JsonNode step) {
        return new RunningCount(step);
    }

    static Supplier<Processor<Object, Object, Object, Object>> of(JsonNode step) {
        final String name = step.get("proc").asText();
        switch (name) {
        case "dedup": return () -> new Dedup(step);
        case "countEvery": return () -> new CountEvery(step);
        case "windowRangeCount": return () -> new WindowRangeCount(step);
        case "streamTime": return () -> new StreamTime(step);
        case "tsShift": return () -> new TsShift(step);
        case "idleExpire": return () -> new IdleExpire(step);
        case "ticks": return () -> new Ticks(step);
        case "storeLookup": return () -> new StoreLookup(step);
        case "rangeKeys": return () -> new RangeKeys(step);
        case "versionedAsOf": return () -> new VersionedAsOf(step);
        default: throw Functions.unknown("processor", name);
        }
    }

    /** The processor's own store, or null (none, or that of a table). */
    static StoreBuilder<?> ownStore(JsonNode step, boolean inMemory, boolean numbers) {
        final String name = step.path("store").asText();
        switch (step.get("proc").asText()) {
        case "countEvery": case "idleExpire": case "runningCount":
            return keyValue(name, inMemory, true);
        case "dedup": case "rangeKeys":
            return keyValue(name, inMemory, numbers);
        case "windowRangeCount": {
            final Duration retention = Duration.ofMillis(step.get("retention").asLong());
            final Duration size = Duration.ofMillis(1);
            final boolean duplicates = step.path("duplicates").asBoolean();
            return Stores.windowStoreBuilder(
                inMemory ? Stores.inMemoryWindowStore(name, retention, size, duplicates)
                         : Stores.persistentWindowStore(name, retention, size, duplicates),
                Serdes.String(), Serdes.String());
        }
        case "versionedAsOf":
            return Stores.versionedKeyValueStoreBuilder(
                Stores.persistentVersionedKeyValueStore(
                    name, Duration.ofMillis(step.get("history").asLong())),
                Serdes.String(), Plan.valueSerde(numbers));
        default:
            return null;
        }
    }

    private static StoreBuilder<?> keyValue(String name, boolean inMemory, boolean numbers) {
        return Stores.keyValueStoreBuilder(inMemory ? Stores.inMemoryKeyValueStore(name)
                                                    : Stores.persistentKeyValueStore(name),
                                           Serdes.String(), Plan.valueSerde(numbers));
    }
}
