// SPDX-License-Identifier: Apache-2.0
package kstream.oracle;

import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.common.utils.Bytes;
import org.apache.kafka.streams.StreamsBuilder;
import org.apache.kafka.streams.kstream.*;
import org.apache.kafka.streams.processor.TimestampExtractor;
import org.apache.kafka.streams.state.KeyValueStore;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;

/** Builds a case's topology with Kafka's DSL, step by step. */
@SuppressWarnings({"unchecked", "rawtypes"})
final class Plan {
    /** What a step made: a stream, table, group, ..., and its types. */
    private record Made(Object what, String kt, String vt) {
        KStream<Object, Object> stream() { return (KStream) what; }
        KTable<Object, Object> table() { return (KTable) what; }
        boolean isTable() { return what instanceof KTable; }
    }

    final StreamsBuilder builder = new StreamsBuilder();
    private final Map<String, Made> made = new HashMap<>();
    private final boolean inMemory;

    Plan(JsonNode topology, boolean inMemory) {
        this.inMemory = inMemory;
        for (JsonNode step : topology)
            build(step);
    }

    static Serde valueSerde(boolean numbers) {
        return numbers ? Serdes.Long() : Serdes.String();
    }

    /** Null for windowed keys: these know their own. */
    private static Serde serde(String type) {
        return type.equals("windowed") ? null : valueSerde(type.equals("int64"));
    }

    private static String text(JsonNode step, String name) {
        return step.path(name).textValue();
    }

    private static Duration ms(JsonNode step, String name) {
        return Duration.ofMillis(step.path(name).asLong());
    }

    private Made find(String id) {
        final Made found = made.get(id);
        if (found == null)
            throw new IllegalArgumentException("no step " + id);
        return found;
    }

    private static Object constant(JsonNode value) {
        return value.isNull() || value.isMissingNode() ? null
            : value.isTextual()                        ? value.textValue()
                                                       : (Object) value.longValue();
    }

    private void build(JsonNode step) {
        final String kt = step.path("kt").asText("string"), vt = step.path("vt").asText("string");
        final String from = step.hasNonNull("from") ? text(step, "from") : text(step, "left");
        final Made in = from == null ? null : find(from);
        final Object out = step.get("op").asText().equals("split")
            ? split(step, in) : make(step, in, serde(kt), serde(vt));
        if (out != null && step.has("id"))
            made.put(text(step, "id"), new Made(out, kt, vt));
    }

    private Object make(JsonNode step, Made in, Serde ks, Serde vs) {
        final String op = text(step, "op");
        switch (op) {
        case "stream": return stream(step, ks, vs);
        case "table": return table(step, ks, vs);
        case "globalTable": return globalTable(step, ks, vs);
        case "filter": case "filterNot": return filter(step, in, ks, vs);
        case "mapValues": return mapValues(step, in, ks, vs);
        case "map": {
            final var key = Functions.key(text(step, "keyFn"));
            final var value = Functions.value(text(step, "fn"));
            return in.stream().map((k, v) -> org.apache.kafka.streams.KeyValue.pair(
                key.apply(k, v), value.apply(k, v)));
        }
        case "selectKey": return in.stream().selectKey(keyMapper(step));
        case "flatMapValues": {
            final var fn = Functions.flatValues(text(step, "fn"));
            return in.stream().flatMapValues((k, v) -> fn.apply(k, v));
        }
        case "flatMap": {
            final var fn = Functions.flat(text(step, "fn"));
            return in.stream().flatMap((k, v) -> fn.apply(k, v));
        }
        case "merge": return in.stream().merge(find(text(step, "right")).stream());
        case "repartition":
            return in.stream().repartition(
                Repartitioned.<Object, Object>as(text(step, "name")).withKeySerde(ks)
                    .withValueSerde(vs));
        case "toTable": return in.stream().toTable(store(step, ks, vs));
        case "toStream":
            return step.has("keyFn") ? in.table().toStream(keyMapper(step))
                                     : in.table().toStream();
        case "to": return to(step, in);
        case "groupByKey": return in.stream().groupByKey(Grouped.with(ks, vs));
        case "groupBy": return groupBy(step, in, ks, vs);
        case "windowedBy": return windowedBy(step, in);
        case "count": case "reduce": case "aggregate": return fold(step, in, ks, vs);
        case "cogroup": return cogroup(step);
        case "suppress": return in.table().suppress(suppressed(step));
        case "joinStreamStream": return joinStreams(step, in, find(text(step, "right")));
        case "joinStreamTable": return joinTable(step, in, find(text(step, "right")));
        case "joinStreamGlobal": return joinGlobal(step, in, find(text(step, "right")));
        case "joinTableTable": return joinTables(step, in, find(text(step, "right")), ks, vs);
        case "joinFk": return joinForeign(step, in, find(text(step, "right")), ks, vs);
        case "process": return process(step, in);
        default: throw Functions.unknown("op", op);
        }
    }

    private static KeyValueMapper<Object, Object, Object> keyMapper(JsonNode step) {
        final var key = Functions.key(text(step, "keyFn"));
        return key::apply;
    }

    // --- sources and sinks ---

    private static Consumed<Object, Object> consumed(JsonNode step, Serde ks, Serde vs) {
        final Consumed<Object, Object> consumed = Consumed.with(ks, vs);
        final String spec = text(step, "tsExtractor");
        if (spec == null)
            return consumed;
        final Functions.Spec f = Functions.Spec.of(spec);
        if (!f.name().equals("valueField"))
            throw Functions.unknown("extractor", spec);
        final TimestampExtractor extractor = (record, time) -> {
            final Object field = Functions.field(record.value(), f.number());
            final Long number = field == null ? null : Functions.strictInteger((String) field);
            return number == null ? -1 : number;
        };
        return consumed.withTimestampExtractor(extractor);
    }

    private Object stream(JsonNode step, Serde ks, Serde vs) {
        final List<String> topics = new ArrayList<>();
        if (step.has("topics"))
            step.get("topics").forEach(topic -> topics.add(topic.textValue()));
        else
            topics.add(text(step, "topic"));
        return builder.stream(topics, consumed(step, ks, vs));
    }

    private Object table(JsonNode step, Serde ks, Serde vs) {
        final Consumed<Object, Object> consumed = consumed(step, ks, vs);
        return step.has("store")
            ? builder.table(text(step, "topic"), consumed, store(step, ks, vs))
            : builder.table(text(step, "topic"), consumed);
    }

    private Object globalTable(JsonNode step, Serde ks, Serde vs) {
        final Consumed<Object, Object> consumed = consumed(step, ks, vs);
        return step.has("store")
            ? builder.globalTable(text(step, "topic"), consumed, store(step, ks, vs))
            : builder.globalTable(text(step, "topic"), consumed);
    }

    private static Object to(JsonNode step, Made in) {
        final Serde keys = in.kt.equals("windowed") ? new Shown() : serde(in.kt);
        in.stream().to(text(step, "topic"), Produced.with(keys, serde(in.vt)));
        return null;
    }

    /** Writes windowed keys in their printed form. */
    private static final class Shown extends Serdes.WrapperSerde<Object> {
        Shown() {
            super((topic, key) -> key == null ? null : Functions.utf8(Functions.show(key)),
                  (topic, bytes) -> { throw new UnsupportedOperationException(); });
        }
    }

    // --- stores ---

    private static Materialized store(JsonNode step, Serde ks, Serde vs) {
        final String name = text(step, "store");
        final Materialized<Object, Object, KeyValueStore<Bytes, byte[]>> store;
        if (step.has("versioned"))
            store = Materialized.as(
                Stores.persistentVersionedKeyValueStore(name, ms(step, "versioned")));
        else
            store = name == null ? Materialized.with(ks, vs) : Materialized.as(name);
        if (step.has("retention"))
            store.withRetention(ms(step, "retention"));
        return store.withKeySerde(ks).withValueSerde(vs);
    }

    // --- stateless ---

    private static Object filter(JsonNode step, Made in, Serde ks, Serde vs) {
        final var predicate = Functions.predicate(text(step, "fn"));
        final boolean not = text(step, "op").equals("filterNot");
        final Predicate<Object, Object> fn = predicate::test;
        if (!in.isTable())
            return not ? in.stream().filterNot(fn) : in.stream().filter(fn);
        if (!step.has("store"))
            return not ? in.table().filterNot(fn) : in.table().filter(fn);
        final Materialized store = store(step, ks, vs);
        return not ? in.table().filterNot(fn, store) : in.table().filter(fn, store);
    }

    private static Object mapValues(JsonNode step, Made in, Serde ks, Serde vs) {
        final var value = Functions.value(text(step, "fn"));
        final ValueMapperWithKey<Object, Object, Object> fn = value::apply;
        if (!in.isTable())
            return in.stream().mapValues(fn);
        return step.has("store") ? in.table().mapValues(fn, store(step, ks, vs))
                                 : in.table().mapValues(fn);
    }

    private Object split(JsonNode step, Made in) {
        BranchedKStream<Object, Object> split =
            in.stream().split(Named.as(text(step, "id") + "-"));
        final String prefix = text(step, "id") + "-", rest = text(step, "default");
        for (JsonNode branch : step.get("branches")) {
            final var predicate = Functions.predicate(text(branch, "fn"));
            split = split.branch(predicate::test, Branched.as(text(branch, "id")));
        }
        final Map<String, KStream<Object, Object>> branches =
            rest == null ? split.noDefaultBranch() : split.defaultBranch(Branched.as(rest));
        branches.forEach((name, stream) -> made.put(
            name.substring(prefix.length()), new Made(stream, in.kt, in.vt)));
        return null;
    }

    private Object process(JsonNode step, Made in) {
        final StoreBuilder<?> own = Processors.ownStore(step, inMemory, in.vt.equals("int64"));
        final String[] stores =
            step.has("store") ? new String[] { text(step, "store") } : new String[0];
        if (own != null)
            builder.addStateStore(own);
        if (Processors.isFixedKey(step))
            return in.stream().processValues(() -> Processors.fixedKey(step), stores);
        return in.stream().process(Processors.of(step)::get, stores);
    }

    // --- groups and folds ---

    private static Object groupBy(JsonNode step, Made in, Serde ks, Serde vs) {
        final var key = Functions.key(text(step, "keyFn"));
        if (!in.isTable())
            return in.stream().groupBy(keyMapper(step), Grouped.with(ks, vs));
        final var value = Functions.value(step.has("fn") ? text(step, "fn") : "identity");
        return in.table().groupBy(
            (k, v) -> org.apache.kafka.streams.KeyValue.pair(key.apply(k, v), value.apply(k, v)),
            Grouped.with(ks, vs));
    }

    private static Object windows(JsonNode step) {
        final Duration grace = ms(step, "grace");
        switch (text(step, "type")) {
        case "tumbling": return TimeWindows.ofSizeAndGrace(ms(step, "size"), grace);
        case "hopping":
            return TimeWindows.ofSizeAndGrace(ms(step, "size"), grace)
                .advanceBy(ms(step, "advance"));
        case "sliding":
            return SlidingWindows.ofTimeDifferenceAndGrace(ms(step, "diff"), grace);
        case "session": return SessionWindows.ofInactivityGapAndGrace(ms(step, "gap"), grace);
        case "unlimited":
            return UnlimitedWindows.of().startOn(
                java.time.Instant.ofEpochMilli(step.path("start").asLong()));
        default: throw Functions.unknown("windows", text(step, "type"));
        }
    }

    private static Object windowedBy(JsonNode step, Made in) {
        final Object windows = windows(step);
        final boolean last = "final".equals(text(step, "emit"));
        if (in.what instanceof CogroupedKStream group) {
            if (last)
                throw new IllegalArgumentException("a cogroup has no emit strategy");
            return windows instanceof SlidingWindows w ? group.windowedBy(w)
                : windows instanceof SessionWindows w  ? group.windowedBy(w)
                                                       : group.windowedBy((Windows) windows);
        }
        final KGroupedStream group = (KGroupedStream) in.what;
        if (windows instanceof SessionWindows w)
            return last ? group.windowedBy(w).emitStrategy(EmitStrategy.onWindowClose())
                        : group.windowedBy(w);
        final TimeWindowedKStream windowed = windows instanceof SlidingWindows w
            ? group.windowedBy(w) : group.windowedBy((Windows) windows);
        return last ? windowed.emitStrategy(EmitStrategy.onWindowClose()) : windowed;
    }

    private static Aggregator<Object, Object, Object> aggregator(JsonNode step, String name) {
        final Functions.Aggregation fn = Functions.aggregator(text(step, name));
        return fn::apply;
    }

    private static Reducer<Object> reducer(JsonNode step, String name) {
        final var fn = Functions.reducer(text(step, name));
        return fn::apply;
    }

    private static Merger<Object, Object> merger(JsonNode step) {
        final var fn = Functions.merger(text(step, "merger"));
        return (key, a, b) -> fn.apply(a, b);
    }

    private static Object fold(JsonNode step, Made in, Serde ks, Serde vs) {
        /* Of windows the store is told the type of the key within. */
        final Materialized store = store(step, ks == null ? Serdes.String() : ks, vs);
        final Object constant = constant(step.path("init"));
        final Initializer<Object> init = () -> constant;
        final String op = text(step, "op");
        if (in.what instanceof CogroupedKStream g)
            return g.aggregate(init, store);
        if (in.what instanceof TimeWindowedCogroupedKStream g)
            return g.aggregate(init, store);
        if (in.what instanceof SessionWindowedCogroupedKStream g)
            return g.aggregate(init, merger(step), store);
        switch (op) {
        case "count": return count(in, store);
        case "reduce": return reduce(step, in, store);
        default: return aggregate(step, in, init, store);
        }
    }

    private static Object count(Made in, Materialized store) {
        if (in.what instanceof KGroupedStream g)
            return g.count(store);
        if (in.what instanceof KGroupedTable g)
            return g.count(store);
        if (in.what instanceof TimeWindowedKStream g)
            return g.count(store);
        return ((SessionWindowedKStream) in.what).count(store);
    }

    private static Object reduce(JsonNode step, Made in, Materialized store) {
        if (in.what instanceof KGroupedStream g)
            return g.reduce(reducer(step, "fn"), store);
        if (in.what instanceof KGroupedTable g)
            return g.reduce(reducer(step, "adder"), reducer(step, "subtractor"), store);
        if (in.what instanceof TimeWindowedKStream g)
            return g.reduce(reducer(step, "fn"), store);
        return ((SessionWindowedKStream) in.what).reduce(reducer(step, "fn"), store);
    }

    private static Object aggregate(JsonNode step, Made in, Initializer<Object> init,
                                    Materialized store) {
        if (in.what instanceof KGroupedStream g)
            return g.aggregate(init, aggregator(step, "fn"), store);
        if (in.what instanceof KGroupedTable g)
            return g.aggregate(init, aggregator(step, "adder"), aggregator(step, "subtractor"),
                               store);
        if (in.what instanceof TimeWindowedKStream g)
            return g.aggregate(init, aggregator(step, "fn"), store);
        return ((SessionWindowedKStream) in.what)
            .aggregate(init, aggregator(step, "fn"), merger(step), store);
    }

    private Object cogroup(JsonNode step) {
        CogroupedKStream group = null;
        for (JsonNode input : step.get("inputs")) {
            final KGroupedStream in = (KGroupedStream) find(text(input, "from")).what;
            group = group == null ? in.cogroup(aggregator(input, "fn"))
                                  : group.cogroup(in, aggregator(input, "fn"));
        }
        return group;
    }

    private static Suppressed suppressed(JsonNode step) {
        final boolean shutdown = "shutdown".equals(text(step, "full"));
        final long most = step.path("maxRecords").asLong();
        final boolean bounded = step.has("maxRecords");
        if (text(step, "mode").equals("untilWindowCloses"))
            return Suppressed.untilWindowCloses(
                bounded ? Suppressed.BufferConfig.maxRecords(most).shutDownWhenFull()
                        : Suppressed.BufferConfig.unbounded());
        if (!text(step, "mode").equals("untilTimeLimit"))
            throw Functions.unknown("mode", text(step, "mode"));
        final Suppressed.BufferConfig buffer = !bounded ? Suppressed.BufferConfig.unbounded()
            : shutdown ? Suppressed.BufferConfig.maxRecords(most).shutDownWhenFull()
                       : Suppressed.BufferConfig.maxRecords(most).emitEarlyWhenFull();
        return Suppressed.untilTimeLimit(ms(step, "ms"), buffer);
    }

    // --- joins ---

    private static Object joinStreams(JsonNode step, Made left, Made right) {
        final Functions.Aggregation fn = Functions.joiner(text(step, "joiner"));
        final ValueJoinerWithKey<Object, Object, Object, Object> joiner = fn::apply;
        final Duration before = ms(step, "before"), after = ms(step, "after");
        final JoinWindows none =
            JoinWindows.ofTimeDifferenceAndGrace(Duration.ZERO, ms(step, "grace"));
        final JoinWindows windows = after.isNegative() ? none.before(before).after(after)
                                                       : none.after(after).before(before);
        final StreamJoined joined =
            StreamJoined.with(serde(left.kt), serde(left.vt), serde(right.vt));
        switch (text(step, "type")) {
        case "inner": return left.stream().join(right.stream(), joiner, windows, joined);
        case "left": return left.stream().leftJoin(right.stream(), joiner, windows, joined);
        default: return left.stream().outerJoin(right.stream(), joiner, windows, joined);
        }
    }

    private static Object joinTable(JsonNode step, Made left, Made right) {
        final Functions.Aggregation fn = Functions.joiner(text(step, "joiner"));
        final ValueJoinerWithKey<Object, Object, Object, Object> joiner = fn::apply;
        Joined joined = Joined.with(serde(left.kt), serde(left.vt), serde(right.vt));
        if (step.has("grace"))
            joined = joined.withGracePeriod(ms(step, "grace"));
        return text(step, "type").equals("left")
            ? left.stream().leftJoin(right.table(), joiner, joined)
            : left.stream().join(right.table(), joiner, joined);
    }

    private static Object joinGlobal(JsonNode step, Made left, Made right) {
        final Functions.Aggregation fn = Functions.joiner(text(step, "joiner"));
        final ValueJoinerWithKey<Object, Object, Object, Object> joiner = fn::apply;
        final GlobalKTable table = (GlobalKTable) right.what;
        return text(step, "type").equals("left")
            ? left.stream().leftJoin(table, keyMapper(step), joiner)
            : left.stream().join(table, keyMapper(step), joiner);
    }

    private static ValueJoiner<Object, Object, Object> tableJoiner(JsonNode step) {
        final Functions.Aggregation fn = Functions.joiner(text(step, "joiner"));
        return (l, r) -> fn.apply(null, l, r);
    }

    private static Object joinTables(JsonNode step, Made left, Made right, Serde ks, Serde vs) {
        final ValueJoiner<Object, Object, Object> joiner = tableJoiner(step);
        final Materialized store = step.has("store") ? store(step, ks, vs) : null;
        final KTable<Object, Object> l = left.table(), r = right.table();
        switch (text(step, "type")) {
        case "inner": return store == null ? l.join(r, joiner) : l.join(r, joiner, store);
        case "left": return store == null ? l.leftJoin(r, joiner) : l.leftJoin(r, joiner, store);
        default: return store == null ? l.outerJoin(r, joiner) : l.outerJoin(r, joiner, store);
        }
    }

    private static Object joinForeign(JsonNode step, Made left, Made right, Serde ks, Serde vs) {
        final var key = Functions.key(text(step, "keyFn"));
        final java.util.function.Function<Object, Object> foreign = v -> key.apply(null, v);
        final Materialized store = store(step, ks, vs);
        return text(step, "type").equals("left")
            ? left.table().leftJoin(right.table(), foreign, tableJoiner(step), store)
            : left.table().join(right.table(), foreign, tableJoiner(step), store);
    }
}
