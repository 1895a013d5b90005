// SPDX-License-Identifier: Apache-2.0
package kstream.oracle;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;

/** Random cases over the whole vocabulary of FORMAT.md; the same seed gives the same case. */
final class Generator {
    private enum Kind { STREAM, TABLE, GLOBAL, GROUP, GROUPED_TABLE, WINDOWED, COGROUP }

    /** What a step made, as far as the next one needs to know. */
    private static final class Node {
        final String id, kt, vt;
        final Kind kind;
        String window;     /* its type: "tumbling", ...; tables and streams of windowed keys too */
        boolean last;      /* emit final */
        boolean versioned; /* a versioned table */
        boolean rekeyed;
        String store;
        boolean used;

        Node(String id, Kind kind, String kt, String vt) {
            this.id = id;
            this.kind = kind;
            this.kt = kt;
            this.vt = vt;
        }
    }

    private static final String[] WORDS = { "a", "b", "aa", "x y", "b,a", "1,2", "", " ", "k,1",
                                            "7", "-3", "z z z", "a,,c", "\u00e4\u00f6", "\u20ac,b" };
    private static final String[] KEYS = { "a", "b", "c", "aa", "ab", "", "\u00e9", "k1" };

    private final Random random;
    private final ObjectNode kase = Case.JSON.createObjectNode();
    private final ArrayNode topics = Case.JSON.createArrayNode();
    private final ArrayNode topology = Case.JSON.createArrayNode();
    private final List<Node> nodes = new ArrayList<>();
    private final TreeMap<String, String> inputs = new TreeMap<>(); /* topic to value type */
    private final TreeMap<String, String> sinks = new TreeMap<>();
    private final List<String> stores = new ArrayList<>();
    private final TreeSet<String> unshared = new TreeSet<>(); /* topics with an extractor */
    private final boolean optimize;
    private final long scale;
    private int ids;

    private Generator(long seed) {
        random = new Random(seed * 0x9E3779B97F4A7C15L);
        random.nextLong();
        optimize = chance(Integer.getInteger("oracle.optimize", 10));
        scale = pick(1L, 1L, 5L, 10L, 100L, 1000L);
    }

    static ObjectNode generate(long seed) {
        return new Generator(seed).make(seed);
    }

    // --- dice ---

    private boolean chance(int percent) {
        return random.nextInt(100) < percent;
    }

    @SafeVarargs
    private final <T> T pick(T... choices) {
        return choices[random.nextInt(choices.length)];
    }

    private <T> T pick(List<T> choices) {
        return choices.isEmpty() ? null : choices.get(random.nextInt(choices.size()));
    }

    private long sometimes(int percent, Long... choices) {
        return chance(percent) ? pick(choices) : 0;
    }

    private long upTo(long most) {
        return (long) (random.nextDouble() * (most + 1));
    }

    private Node some(Predicate<Node> wanted) {
        final List<Node> found = new ArrayList<>();
        for (Node node : nodes)
            if (wanted.test(node))
                for (int i = node.used ? 1 : 3; i > 0; i--)
                    found.add(node);
        return pick(found);
    }

    private static boolean isStream(Node n) {
        return n.kind == Kind.STREAM;
    }

    private static boolean isTable(Node n) {
        return n.kind == Kind.TABLE;
    }

    private static boolean isPlain(Node n) {
        return n.kt.equals("string");
    }

    /** Kafka knows no serde for keys of unlimited windows. */
    private static boolean hasSerde(Node n) {
        return !"unlimited".equals(n.window);
    }

    // --- functions ---

    private String text(String name) {
        return name + ":" + pick("a", "b", "1", ",", "x", "", "k");
    }

    private String number(String name) {
        return name + ":" + pick(0, 1, 2, 3, 10, -1, 5);
    }

    /** A value function, and the type it gives in [1]. */
    private String[] valueFunction(String vt) {
        if (chance(8))
            return new String[] { "identity", vt };
        if (vt.equals("int64"))
            return pick(new String[] { number("add"), "int64" }, new String[] { number("mul"), "int64" },
                        new String[] { "mod:" + pick(2, 3, 5), "int64" },
                        new String[] { "toStr", "string" }, new String[] { "show", "string" },
                        new String[] { "nullIf:" + pick(0, 1, 2), "int64" },
                        new String[] { number("nullToInt"), "int64" },
                        new String[] { number("constInt"), "int64" },
                        new String[] { "keyColonValue", "string" }, new String[] { "null", "int64" },
                        new String[] { "key", "string" }, new String[] { text("const"), "string" });
        return pick(new String[] { "upper", "string" }, new String[] { "lower", "string" },
                    new String[] { "length", "int64" }, new String[] { "length", "int64" },
                    new String[] { text("prefix"), "string" }, new String[] { text("suffix"), "string" },
                    new String[] { "parseInt", "int64" }, new String[] { "show", "string" },
                    new String[] { "toStr", "string" }, new String[] { text("nullIf"), "string" },
                    new String[] { text("nullTo"), "string" }, new String[] { number("constInt"), "int64" },
                    new String[] { "field:" + pick(0, 1, 2), "string" },
                    new String[] { "firstWord", "string" }, new String[] { "key", "string" },
                    new String[] { "keyColonValue", "string" }, new String[] { "null", "string" },
                    new String[] { text("const"), "string" });
    }

    private String keyFunction(Node of) {
        if (!isPlain(of) && chance(70))
            return pick("windowShow", "windowKey", "windowStart", "windowKey");
        if (of.vt.equals("int64"))
            return pick("fromValue", "fromValueFirstChar", text("const"),
                        isPlain(of) ? "identity" : "windowKey",
                        isPlain(of) ? "firstChar" : "fromValue");
        if (!isPlain(of))
            return pick("fromValue", "fromValueFirstChar", "fromField:0", text("const"));
        return pick("fromValue", "fromValueFirstWord", "fromValueFirstChar", "fromField:0",
                    "fromField:1", "firstChar", "upper", text("prefix"), "identity", text("const"),
                    "fromField:0", "fromValueFirstChar", chance(30) ? "null" : "fromField:0");
    }

    private String predicate(Node of) {
        if (chance(25))
            return pick("always", "never", "valueNull", "valueNotNull", "valueNotNull");
        if (of.vt.equals("int64"))
            return pick("isEven", "gt:" + pick(0, 1, 2, 5), "lt:" + pick(1, 3, 10));
        if (isPlain(of) && chance(30))
            return pick("keyIs:" + pick(KEYS), "keyStartsWith:" + pick("a", "k", ""), "keyNotNull",
                        chance(20) ? "keyNull" : "keyNotNull");
        return pick(text("startsWith"), text("contains"), "contains:a", "lenGt:" + pick(0, 1, 2, 4));
    }

    private String[] joiner(String left, String right, boolean keyed) {
        if (left.equals("int64") && right.equals("int64") && chance(60))
            return new String[] { "sum", "int64" };
        return pick(new String[] { "concat", "string" }, new String[] { "concat", "string" },
                    new String[] { "left", left }, new String[] { "right", right },
                    new String[] { "nullIfSame", "string" }, new String[] { "nullIfRightNull", "string" },
                    new String[] { keyed ? "keyConcat" : "concat", "string" });
    }

    private String reducer(String vt) {
        return vt.equals("int64") ? pick("sum", "sum", "minus", "sumNullAtZero", "min", "max", "last", "first")
                                  : pick("concat", "uncat", "last", "first", "min", "max", "concat");
    }

    /** An aggregator of values of a type into aggregates of a type. */
    private String aggregator(String vt, String at) {
        if (at.equals("int64"))
            return vt.equals("int64") ? pick("count", "sum", "minus", "min", "max", "sumLen", "uncount")
                                      : pick("count", "sumLen", "minusLen", "sumLen");
        if (vt.equals("string") && chance(20))
            return pick("min", "max");
        return pick("concat", "concat", text("tag"), "lastN:" + pick(1, 2, 3), "remove",
                    "nullOn:" + pick("a", "b", "", "1"));
    }

    private void init(ObjectNode step, String at) {
        if (chance(25))
            step.putNull("init");
        else if (at.equals("int64"))
            step.put("init", pick(0L, 0L, 100L, -1L));
        else
            step.put("init", pick("", "", "I", "a,"));
    }

    // --- steps ---

    private ObjectNode step(String op) {
        return Case.JSON.createObjectNode().put("id", "n" + ++ids).put("op", op);
    }

    private Node add(ObjectNode step, Kind kind, String kt, String vt, Node... from) {
        final Node node = new Node(step.get("id").asText(), kind, kt, vt);
        step.put("kt", kt).put("vt", vt);
        topology.add(step);
        nodes.add(node);
        for (Node n : from) {
            n.used = true;
            if (kt.equals("windowed"))
                node.window = n.window;
        }
        if (step.has("store"))
            node.store = step.get("store").asText();
        return node;
    }

    private void store(ObjectNode step) {
        final String name = "st" + ++ids;
        step.put("store", name);
        stores.add(name);
    }

    private String topic(String vt) {
        final String name = "in" + (inputs.size() + 1);
        inputs.put(name, vt);
        topics.addObject().put("name", name).put("dir", "in").put("key", "string").put("value", vt);
        return name;
    }

    private String type() {
        return pick("string", "string", "string", "int64");
    }

    private void source() {
        final int dice = random.nextInt(100);
        String vt = type();
        if (dice < 55) {
            final ObjectNode step = step("stream");
            final int before = inputs.size();
            if (chance(8)) {
                step.putArray("topics").add(topic(vt)).add(topic(vt));
            } else if (chance(10) && !inputs.isEmpty()) {
                final String again = pick(new ArrayList<>(inputs.keySet()));
                vt = inputs.get(again);
                step.put("topic", unshared.contains(again) ? topic(vt) : again);
            } else {
                step.put("topic", topic(vt));
            }
            if (vt.equals("string") && inputs.size() > before && chance(6)) {
                step.put("tsExtractor", "valueField:" + pick(0, 1));
                unshared.add(step.path("topic").asText());
            }
            add(step, Kind.STREAM, "string", vt);
        } else if (dice < 92) {
            final ObjectNode step = step("table").put("topic", topic(vt));
            if (chance(65)) {
                store(step);
                if (chance(25))
                    step.put("versioned", upTo(20) * scale * pick(0L, 1L, 1L, 10L));
            }
            if (vt.equals("string") && chance(3))
                step.put("tsExtractor", "valueField:" + pick(0, 1));
            add(step, Kind.TABLE, "string", vt).versioned = step.has("versioned");
        } else {
            final ObjectNode step = step("globalTable").put("topic", topic(vt));
            if (chance(60))
                store(step);
            add(step, Kind.GLOBAL, "string", vt);
        }
    }

    private boolean extend() {
        switch (random.nextInt(20)) {
        case 0: case 1: return stateless();
        case 2: return rekey();
        case 3: return branchOrMerge();
        case 4: return repartitionOrTable();
        case 5: return toStream();
        case 6: case 7: return group();
        case 8: case 9: return window();
        case 10: case 11: case 12: return fold();
        case 13: return cogroup();
        case 14: return suppress();
        case 15: return joinStreams();
        case 16: return chance(70) ? joinTable() : joinGlobal();
        case 17: return joinTables();
        case 18: return joinForeign();
        default: return process();
        }
    }

    private boolean stateless() {
        final Node in = some(n -> isStream(n) || isTable(n));
        if (in == null)
            return false;
        if (isStream(in) && chance(20)) {
            final ObjectNode step = step("flatMapValues").put("from", in.id);
            final String fn = in.vt.equals("int64") && chance(60) ? "upTo"
                : pick("splitWords", "splitComma", "repeat:" + pick(0, 1, 2), "twice", "twice", "none");
            final String vt = fn.equals("upTo") ? "int64"
                : fn.equals("twice") || fn.equals("none") ? in.vt : "string";
            add(step.put("fn", fn), Kind.STREAM, in.kt, vt, in).rekeyed = in.rekeyed;
            return true;
        }
        final boolean filter = chance(50);
        final String[] fn = valueFunction(in.vt);
        final ObjectNode step = step(filter ? pick("filter", "filterNot") : "mapValues")
            .put("from", in.id).put("fn", filter ? predicate(in) : fn[0]);
        if (isTable(in) && hasSerde(in) && chance(35))
            store(step);
        final Node made = add(step, in.kind, in.kt, filter ? in.vt : fn[1], in);
        made.rekeyed = in.rekeyed;
        made.versioned = in.versioned && !step.has("store");
        made.last = in.last;
        return true;
    }

    private boolean rekey() {
        final Node in = some(Generator::isStream);
        if (in == null)
            return false;
        final int dice = random.nextInt(100);
        final ObjectNode step;
        String vt = in.vt;
        if (dice < 55) {
            step = step("selectKey").put("from", in.id).put("keyFn", keyFunction(in));
        } else if (dice < 80 || !isPlain(in)) {
            final String[] fn = valueFunction(in.vt);
            step = step("map").put("from", in.id).put("keyFn", keyFunction(in)).put("fn", fn[0]);
            vt = fn[1];
        } else {
            final String fn = pick("wordsAsKeys", "wordsWithKey", "fieldsAsKeys", "dup", "none", "dup");
            step = step("flatMap").put("from", in.id).put("fn", fn);
            vt = fn.equals("wordsWithKey") ? "string" : vt;
        }
        add(step, Kind.STREAM, "string", vt, in).rekeyed = true;
        return true;
    }

    private boolean branchOrMerge() {
        final Node in = some(Generator::isStream);
        if (in == null)
            return false;
        if (chance(45)) {
            final Node other =
                some(n -> isStream(n) && n.kt.equals(in.kt) && n.vt.equals(in.vt));
            add(step("merge").put("left", in.id).put("right", other.id), Kind.STREAM, in.kt, in.vt,
                in, other).rekeyed = in.rekeyed || other.rekeyed;
            return true;
        }
        final ObjectNode step = step("split").put("from", in.id);
        final ArrayNode branches = step.putArray("branches");
        final List<String> made = new ArrayList<>();
        for (int i = random.nextInt(2) + 1; i > 0; i--) {
            made.add("b" + ++ids);
            branches.addObject().put("id", "b" + ids).put("fn", predicate(in));
        }
        if (chance(50)) {
            made.add("d" + ++ids);
            step.put("default", "d" + ids);
        }
        topology.add(step.put("kt", in.kt).put("vt", in.vt));
        in.used = true;
        for (String id : made) {
            final Node node = new Node(id, Kind.STREAM, in.kt, in.vt);
            node.window = in.window;
            node.rekeyed = in.rekeyed;
            nodes.add(node);
        }
        return true;
    }

    private boolean repartitionOrTable() {
        final Node in = some(n -> isStream(n) && isPlain(n));
        if (in == null)
            return false;
        if (chance(40)) {
            add(step("repartition").put("from", in.id).put("name", "rp" + ids), Kind.STREAM, in.kt,
                in.vt, in);
            return true;
        }
        final ObjectNode step = step("toTable").put("from", in.id);
        if (chance(70)) {
            store(step);
            if (chance(20))
                step.put("versioned", upTo(20) * scale * pick(0L, 1L, 10L));
        }
        add(step, Kind.TABLE, in.kt, in.vt, in).versioned = step.has("versioned");
        return true;
    }

    private boolean toStream() {
        final Node in = some(Generator::isTable);
        if (in == null)
            return false;
        final ObjectNode step = step("toStream").put("from", in.id);
        final boolean keyed = chance(25);
        if (keyed)
            step.put("keyFn", keyFunction(in));
        add(step, Kind.STREAM, keyed ? "string" : in.kt, in.vt, in).rekeyed = keyed;
        return true;
    }

    private boolean group() {
        final Node in = some(n -> isTable(n) || isStream(n));
        if (in == null)
            return false;
        if (isStream(in) && isPlain(in) && chance(60)) {
            add(step("groupByKey").put("from", in.id), Kind.GROUP, in.kt, in.vt, in);
            return true;
        }
        final ObjectNode step =
            step("groupBy").put("from", in.id).put("keyFn", keyFunction(in));
        String vt = in.vt;
        if (isTable(in) && chance(40)) {
            final String[] fn = valueFunction(in.vt);
            step.put("fn", fn[0]);
            vt = fn[1];
        }
        add(step, isTable(in) ? Kind.GROUPED_TABLE : Kind.GROUP, "string", vt, in);
        return true;
    }

    private boolean window() {
        final Node in = some(n -> n.kind == Kind.GROUP || n.kind == Kind.COGROUP);
        if (in == null)
            return false;
        final String type = pick("tumbling", "hopping", "sliding", "session", "tumbling", "session",
                                 "sliding", "hopping", chance(30) ? "unlimited" : "tumbling");
        final ObjectNode step = step("windowedBy").put("from", in.id).put("type", type);
        final long size = (1 + upTo(12)) * scale;
        switch (type) {
        case "tumbling": step.put("size", size); break;
        case "hopping": step.put("size", size).put("advance", 1 + upTo(size - 1)); break;
        case "sliding": step.put("diff", size); break;
        case "session": step.put("gap", chance(10) ? 0 : size); break;
        default: step.put("start", upTo(10) * scale);
        }
        if (type.equals("hopping") && size / step.get("advance").asLong() > 20)
            step.put("advance", size / 7 + 1);
        if (!type.equals("unlimited"))
            step.put("grace", pick(0L, upTo(10) * scale, upTo(3), size, 10 * size));
        final boolean last = in.kind == Kind.GROUP && chance(25);
        if (last)
            step.put("emit", "final");
        final Node made = add(step, Kind.WINDOWED, "string", in.vt, in);
        made.window = type;
        made.last = last;
        cogroups.put(made.id, in.kind == Kind.COGROUP);
        return true;
    }

    private final TreeMap<String, Boolean> cogroups = new TreeMap<>();

    private boolean fold() {
        final Node in = some(n -> n.kind == Kind.GROUP || n.kind == Kind.GROUPED_TABLE ||
                                  n.kind == Kind.WINDOWED || n.kind == Kind.COGROUP);
        if (in == null)
            return false;
        final boolean cogroup = in.kind == Kind.COGROUP || cogroups.getOrDefault(in.id, false);
        final boolean table = in.kind == Kind.GROUPED_TABLE;
        final boolean session = "session".equals(in.window) && in.kind == Kind.WINDOWED;
        final String op = cogroup ? "aggregate" : pick("count", "reduce", "aggregate");
        final ObjectNode step = step(op).put("from", in.id);
        String vt = in.vt;
        if (op.equals("count")) {
            vt = "int64";
        } else if (op.equals("reduce")) {
            if (table)
                step.put("adder", reducer(vt)).put("subtractor", reducer(vt));
            else
                step.put("fn", reducer(vt));
        } else {
            if (!cogroup)
                vt = type();
            init(step, vt);
            if (table)
                step.put("adder", aggregator(in.vt, vt)).put("subtractor", aggregator(in.vt, vt));
            else if (!cogroup)
                step.put("fn", aggregator(in.vt, vt));
            if (session)
                step.put("merger", vt.equals("int64") ? pick("sum", "min", "max")
                                                      : pick("concat", "min", "max", "concat"));
        }
        if (chance(85))
            store(step);
        final Node made = add(step, Kind.TABLE, in.window == null ? "string" : "windowed", vt, in);
        made.window = in.window;
        made.last = in.last;
        if (in.window != null && !in.window.equals("unlimited") && chance(30))
            retention(step, in);
        return true;
    }

    /** Longer than the default, which is the shortest that is allowed. */
    private void retention(ObjectNode step, Node windowed) {
        for (var w : topology)
            if (windowed.id.equals(w.path("id").asText())) {
                final long grace = w.path("grace").asLong();
                final long least = w.path("size").asLong() + w.path("gap").asLong() +
                                   2 * w.path("diff").asLong() + grace;
                step.put("retention", least + upTo(10) * scale * pick(1L, 10L));
            }
    }

    private boolean cogroup() {
        final List<Node> groups = new ArrayList<>();
        for (Node node : nodes)
            if (node.kind == Kind.GROUP)
                groups.add(node);
        if (groups.isEmpty())
            return false;
        final String at = type();
        final ObjectNode step = step("cogroup");
        final ArrayNode in = step.putArray("inputs");
        final int count = random.nextInt(3) + 1;
        for (int i = 0; i < count && !groups.isEmpty(); i++) {
            final Node group = groups.remove(random.nextInt(groups.size()));
            in.addObject().put("from", group.id).put("fn", aggregator(group.vt, at));
            group.used = true;
        }
        add(step, Kind.COGROUP, "string", at);
        return true;
    }

    private boolean suppress() {
        final Node in = some(n -> isTable(n) && hasSerde(n) && (!n.versioned || chance(5)) &&
                                  (!n.last || chance(20)));
        if (in == null)
            return false;
        final ObjectNode step = step("suppress").put("from", in.id);
        final boolean close = in.kt.equals("windowed") && !"unlimited".equals(in.window) && chance(65);
        step.put("mode", close ? "untilWindowCloses" : "untilTimeLimit");
        if (!close)
            step.put("ms", pick(0L, upTo(20) * scale, upTo(5)));
        if (chance(30)) {
            step.put("maxRecords", close ? pick(3, 5, 10) : pick(1, 2, 3));
            if (!close && chance(30))
                step.put("full", pick("emit", "shutdown"));
        }
        add(step, Kind.TABLE, in.kt, in.vt, in);
        return true;
    }

    /** Can optimization not make one stream of both? An optimized outer self join loses results. */
    private boolean isApart(Node left, Node right) {
        return left != right && !left.rekeyed && !right.rekeyed;
    }

    private boolean joinStreams() {
        final Node left = some(n -> isStream(n) && (isPlain(n) || chance(15)));
        final Node right = left == null ? null
            : chance(15) ? left : some(n -> isStream(n) && n.kt.equals(left.kt));
        if (right == null)
            return false;
        if (!isPlain(left) && (left.window == null || !left.window.equals(right.window)))
            return false;
        final String[] joiner = joiner(left.vt, right.vt, true);
        long before = pick(0L, upTo(10) * scale, upTo(10) * scale, upTo(4));
        long after = pick(0L, upTo(10) * scale, before, upTo(4));
        final boolean self = optimize && !isApart(left, right);
        if (chance(12) && !self)
            after = -upTo(before);
        else if (chance(12) && !self)
            before = -upTo(after);
        add(step("joinStreamStream").put("left", left.id).put("right", right.id)
                .put("type", self ? "inner" : pick("inner", "left", "outer", "left", "outer"))
                .put("before", before)
                .put("after", after).put("grace", pick(0L, upTo(10) * scale, upTo(4)))
                .put("joiner", joiner[0]),
            Kind.STREAM, left.kt, joiner[1], left, right);
        return true;
    }

    private boolean joinTable() {
        final Node left = some(n -> isStream(n) && (isPlain(n) || chance(30)));
        final Node right = left == null ? null : some(n -> isTable(n) && n.kt.equals(left.kt));
        if (right == null || (!isPlain(left) && (left.window == null || !left.window.equals(right.window))))
            return false;
        final String[] joiner = joiner(left.vt, right.vt, true);
        final ObjectNode step = step("joinStreamTable").put("left", left.id).put("right", right.id)
                                    .put("type", pick("inner", "left")).put("joiner", joiner[0]);
        if (right.versioned && chance(50)) { /* a left join fails in Kafka at the first null key */
            step.put("grace", pick(0L, upTo(10) * scale));
            if (chance(90))
                step.put("type", "inner");
        }
        add(step, Kind.STREAM, left.kt, joiner[1], left, right);
        return true;
    }

    private boolean joinGlobal() {
        final Node left = some(Generator::isStream);
        final Node right = some(n -> n.kind == Kind.GLOBAL);
        if (left == null || right == null)
            return false;
        final String[] joiner = joiner(left.vt, right.vt, true);
        add(step("joinStreamGlobal").put("left", left.id).put("right", right.id)
                .put("type", pick("inner", "left")).put("keyFn", keyFunction(left))
                .put("joiner", joiner[0]),
            Kind.STREAM, left.kt, joiner[1], left, right).rekeyed = left.rekeyed;
        return true;
    }

    private boolean joinTables() {
        final Node left = some(Generator::isTable);
        final Node right = left == null ? null : some(n -> isTable(n) && n.kt.equals(left.kt));
        if (right == null || (!isPlain(left) && (left.window == null || !left.window.equals(right.window))))
            return false;
        final String[] joiner = joiner(left.vt, right.vt, false);
        final ObjectNode step = step("joinTableTable").put("left", left.id).put("right", right.id)
                                    .put("type", pick("inner", "left", "outer"))
                                    .put("joiner", joiner[0]);
        if (hasSerde(left) && chance(40))
            store(step);
        add(step, Kind.TABLE, left.kt, joiner[1], left, right);
        return true;
    }

    private boolean joinForeign() {
        final Node left = some(n -> isTable(n) && isPlain(n));
        final Node right = some(n -> isTable(n) && isPlain(n));
        if (left == null || right == null)
            return false;
        final String key = left.vt.equals("int64") ? pick("fromValue", "fromValueFirstChar")
            : pick("fromField:0", "fromField:1", "fromValueFirstWord", "fromValueFirstChar",
                   "fromValue", text("const"));
        final String[] joiner = joiner(left.vt, right.vt, false);
        final ObjectNode step = step("joinFk").put("left", left.id).put("right", right.id)
                                    .put("type", pick("inner", "left")).put("keyFn", key)
                                    .put("joiner", joiner[0]);
        if (chance(65))
            store(step);
        add(step, Kind.TABLE, "string", joiner[1], left, right);
        return true;
    }

    private boolean process() {
        final Node in = some(n -> isStream(n) && isPlain(n));
        if (in == null)
            return false;
        final String proc = pick("dedup", "countEvery", "windowRangeCount", "streamTime", "tsShift",
                                 "idleExpire", "ticks", "storeLookup", "runningCount", "rangeKeys",
                                 "versionedAsOf");
        final ObjectNode step = step("process").put("from", in.id).put("proc", proc);
        String vt = in.vt;
        if (proc.equals("storeLookup")) {
            final Node table = some(n -> isTable(n) && isPlain(n) && n.store != null && !n.versioned);
            if (table == null)
                return false;
            step.put("store", table.store);
        } else if (!proc.equals("streamTime") && !proc.equals("tsShift") && !proc.equals("ticks")) {
            store(step);
        }
        switch (proc) {
        case "countEvery":
            step.put("interval", (1 + upTo(15)) * scale).put("clock", pick("stream", "wall"));
            if (chance(40))
                step.put("clear", true);
            vt = "int64";
            break;
        case "windowRangeCount":
            step.put("range", upTo(10) * scale).put("retention", (1 + upTo(30)) * scale);
            if (chance(40))
                step.put("duplicates", true);
            vt = "int64";
            break;
        case "idleExpire":
            step.put("interval", (1 + upTo(10)) * scale).put("idle", upTo(10) * scale);
            break;
        case "ticks":
            step.put("interval", (1 + upTo(15)) * scale).put("times", 1 + upTo(4))
                .put("clock", pick("stream", "wall"));
            vt = "int64";
            break;
        case "rangeKeys":
            step.put("lo", pick("", "a", "b"));
            if (chance(60))
                step.put("hi", pick("aa", "b", "zz"));
            if (chance(40))
                step.put("reverse", true);
            vt = "string";
            break;
        case "versionedAsOf":
            if (!in.vt.equals("string"))
                return false;
            step.put("history", upTo(30) * scale).put("lag", upTo(10) * scale);
            break;
        case "tsShift": step.put("by", upTo(20) * scale - 10 * scale); break;
        case "storeLookup": vt = "string"; break;
        case "streamTime": case "runningCount": vt = "int64"; break;
        default: break;
        }
        add(step, Kind.STREAM, "string", vt, in).rekeyed = !proc.equals("runningCount");
        return true;
    }

    // --- the case ---

    private void sink(Node in) {
        String name = "out" + (sinks.size() + 1);
        if (sinks.size() > 0 && chance(12)) {
            final String other = pick(new ArrayList<>(sinks.keySet()));
            if (isPlain(in) && sinks.get(other).equals(in.kt + in.vt))
                name = other;
        }
        if (sinks.put(name, in.kt + in.vt) == null)
            topics.addObject().put("name", name).put("dir", "out").put("key", in.kt)
                .put("value", in.vt);
        topology.addObject().put("op", "to").put("from", in.id).put("topic", name);
        in.used = true;
    }

    private void sinkLeaves() {
        for (Node node : new ArrayList<>(nodes)) {
            if (node.used && !(chance(20) && (isStream(node) || isTable(node))))
                continue;
            if (isStream(node))
                sink(node);
            else if (isTable(node))
                sink(add(step("toStream").put("from", node.id), Kind.STREAM, node.kt, node.vt, node));
        }
    }

    private ObjectNode make(long seed) {
        final int sources = 1 + random.nextInt(3);
        final int steps = 2 + random.nextInt(chance(20) ? 16 : 8);
        for (int i = 0; i < sources; i++)
            source();
        for (int made = 0, tries = 0; made < steps && tries < 400; tries++)
            made += extend() ? 1 : 0;
        for (int tries = 0; tries < 60 && some(n -> !n.used && n.kind.ordinal() > 2) != null; tries++)
            fold();
        sinkLeaves();
        final ObjectNode config = Case.JSON.createObjectNode();
        config.put("cacheBytes", sometimes(25, 1048576L, 10485760L));
        config.put("joinEmitIntervalMs", sometimes(15, 10L, 1000L));
        config.put("windowEmitIntervalMs", sometimes(15, 10L, 1000L));
        if (optimize)
            config.put("optimize", true);
        kase.put("format", 1L).put("name", "seed-" + seed)
            .put("why", "random topology and input of seed " + seed).put("kafka", "4.3.1");
        kase.set("config", config);
        kase.set("topics", topics);
        kase.set("topology", topology);
        kase.set("input", new Inputs().make());
        return kase;
    }

    /** The steps of the input: time goes forward in general, in several manners. */
    private final class Inputs {
        private final ArrayNode out = Case.JSON.createArrayNode();
        private final List<String> names = new ArrayList<>(inputs.keySet());
        private final int keys = 1 + random.nextInt(KEYS.length);
        private final int late = pick(0, 10, 30), jump = pick(0, 0, 3), wall = pick(0, 3, 10);
        private final int nullKeys = pick(0, 3, 10), nullValues = pick(0, 8, 25);
        private long now = upTo(20) * scale;

        ArrayNode make() {
            final int size = chance(1) ? 2000 + random.nextInt(300)
                : chance(10) ? 150 + random.nextInt(150) : 10 + random.nextInt(60);
            for (int i = 0; i < size; i++)
                if (chance(wall))
                    out.addObject().put("advanceWallClock", pick(1L, 5L, 10L, 100L, 1000L, 2500L));
                else
                    record(pick(names));
            return out;
        }

        private long time() {
            if (chance(jump))
                now += Math.min(pick(50L, 300L, 1000L, 100_000L) * scale, 10_000_000L);
            else if (!chance(25))
                now += upTo(5) * scale;
            return chance(late) ? Math.max(0, now - upTo(chance(20) ? 100 : 15) * scale) : now;
        }

        private long integer() {
            return chance(3) ? pick(Long.MAX_VALUE, Long.MIN_VALUE) : upTo(12) - 3;
        }

        private void record(String topic) {
            final ObjectNode row = out.addObject().put("topic", topic);
            final String key = KEYS[random.nextInt(keys)];
            if (chance(nullKeys))
                row.putNull("key");
            else
                row.put("key", key);
            if (chance(nullValues))
                row.putNull("value");
            else if (inputs.get(topic).equals("int64"))
                row.put("value", integer());
            else
                row.put("value", chance(40) ? pick(KEYS) : pick(WORDS));
            row.put("ts", time());
        }
    }
}
