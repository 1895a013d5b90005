// SPDX-License-Identifier: Apache-2.0
package kstream.oracle;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.BiPredicate;
import java.util.function.BinaryOperator;
import org.apache.kafka.streams.KeyValue;
import org.apache.kafka.streams.kstream.Windowed;

/** The pure functions of the cases (FORMAT.md, Functions), by name. Null, String, Long, Windowed. */
final class Functions {
    private Functions() { }

    /** "name" or "name:argument". */
    record Spec(String name, String text) {
        static Spec of(String spec) {
            final int colon = spec.indexOf(':');
            return colon < 0 ? new Spec(spec, "")
                             : new Spec(spec.substring(0, colon), spec.substring(colon + 1));
        }

        long number() {
            return Long.parseLong(text);
        }
    }

    interface Aggregation {
        Object apply(Object key, Object value, Object aggregate);
    }

    static IllegalArgumentException unknown(String kind, String name) {
        return new IllegalArgumentException("unknown " + kind + " " + name);
    }

    static String show(Object x) {
        if (x instanceof Windowed<?> w)
            return show(w.key()) + "@" + w.window().start() + "/" + w.window().end();
        return String.valueOf(x);
    }

    static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static long length(Object x) {
        return utf8(show(x)).length;
    }

    private static List<String> words(Object v) {
        final List<String> words = new ArrayList<>();
        if (v != null)
            for (String word : show(v).split(" ", -1))
                if (!word.isEmpty())
                    words.add(word);
        return words;
    }

    private static List<String> fields(Object v) {
        return v == null ? List.of() : Arrays.asList(show(v).split(",", -1));
    }

    static Long strictInteger(String text) {
        return text.matches("-?[0-9]{1,18}") ? Long.valueOf(text) : null;
    }

    static Object field(Object v, long i) {
        final List<String> fields = fields(v);
        return i >= 0 && i < fields.size() ? fields.get((int) i) : null;
    }

    private static Object firstWord(Object v) {
        final List<String> words = words(v);
        return words.isEmpty() ? null : words.get(0);
    }

    private static String firstChar(String text) {
        return text.isEmpty() ? "" : text.substring(0, text.offsetByCodePoints(0, 1));
    }

    private static String ascii(String text, boolean upper) {
        final StringBuilder out = new StringBuilder(text);
        for (int i = 0; i < out.length(); i++) {
            final char c = out.charAt(i);
            if (upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z')
                out.setCharAt(i, (char) (c ^ 0x20));
        }
        return out.toString();
    }

    private static int compare(Object a, Object b) {
        if (a instanceof Long x && b instanceof Long y)
            return Long.compare(x, y);
        return Arrays.compareUnsigned(utf8(show(a)), utf8(show(b)));
    }

    private static Object smallest(Object a, Object v) {
        return a == null ? v : v == null || compare(v, a) >= 0 ? a : v;
    }

    private static Object greatest(Object a, Object v) {
        return a == null ? v : v == null || compare(v, a) <= 0 ? a : v;
    }

    private static long number(Object v) {
        return v == null ? 0 : (Long) v;
    }

    private static String without(String text, String separator, String piece) {
        final List<String> pieces =
            new ArrayList<>(Arrays.asList(text.split(java.util.regex.Pattern.quote(separator), -1)));
        pieces.remove(piece);
        return String.join(separator, pieces);
    }

    /** (k, v) -> v. */
    static BiFunction<Object, Object, Object> value(String spec) {
        final Spec f = Spec.of(spec);
        switch (f.name) {
        case "identity": return (k, v) -> v;
        case "const": return (k, v) -> f.text;
        case "constInt": { final Long n = f.number(); return (k, v) -> n; }
        case "nullTo": return (k, v) -> v == null ? f.text : v;
        case "nullToInt": { final Long n = f.number(); return (k, v) -> v == null ? n : v; }
        case "show": return (k, v) -> show(v);
        case "keyColonValue": return (k, v) -> show(k) + ":" + show(v);
        case "key": return (k, v) -> k == null ? null : show(k);
        case "null": return (k, v) -> null;
        default:
            final BiFunction<Object, Object, Object> strict = strictValue(f);
            return (k, v) -> v == null ? null : strict.apply(k, v);
        }
    }

    private static BiFunction<Object, Object, Object> strictValue(Spec f) {
        switch (f.name) {
        case "upper": return (k, v) -> ascii(show(v), true);
        case "lower": return (k, v) -> ascii(show(v), false);
        case "length": return (k, v) -> length(v);
        case "prefix": return (k, v) -> f.text + show(v);
        case "suffix": return (k, v) -> show(v) + f.text;
        case "parseInt": return (k, v) -> {
            final Long n = strictInteger(show(v));
            return n == null ? Long.valueOf(0) : n;
        };
        case "toStr": return (k, v) -> show(v);
        case "add": { final long n = f.number(); return (k, v) -> (Long) v + n; }
        case "mul": { final long n = f.number(); return (k, v) -> (Long) v * n; }
        case "mod": { final long n = f.number(); return (k, v) -> Math.floorMod((Long) v, n); }
        case "nullIf": return (k, v) -> show(v).equals(f.text) ? null : v;
        case "field": { final long i = f.number(); return (k, v) -> field(v, i); }
        case "firstWord": return (k, v) -> firstWord(v);
        default: throw unknown("value function", f.name);
        }
    }

    /** (k, v) -> k. */
    static BiFunction<Object, Object, Object> key(String spec) {
        final Spec f = Spec.of(spec);
        switch (f.name) {
        case "identity": return (k, v) -> k;
        case "const": return (k, v) -> f.text;
        case "null": return (k, v) -> null;
        case "upper": return (k, v) -> k == null ? null : ascii(inner(k), true);
        case "prefix": return (k, v) -> k == null ? null : f.text + inner(k);
        case "firstChar": return (k, v) -> k == null ? null : firstChar(inner(k));
        case "fromValue": return (k, v) -> v == null ? null : show(v);
        case "fromValueFirstWord": return (k, v) -> firstWord(v);
        case "fromValueFirstChar": return (k, v) -> v == null ? null : firstChar(show(v));
        case "fromField": { final long i = f.number(); return (k, v) -> field(v, i); }
        case "windowShow": return (k, v) -> k == null ? null : show(k);
        case "windowKey": return (k, v) -> k == null ? null : inner(k);
        case "windowStart":
            return (k, v) -> k == null ? null : Long.toString(((Windowed<?>) k).window().start());
        default: throw unknown("key function", f.name);
        }
    }

    private static String inner(Object k) {
        return k instanceof Windowed<?> w ? (String) w.key() : (String) k;
    }

    static BiPredicate<Object, Object> predicate(String spec) {
        final Spec f = Spec.of(spec);
        switch (f.name) {
        case "always": return (k, v) -> true;
        case "never": return (k, v) -> false;
        case "valueNull": return (k, v) -> v == null;
        case "valueNotNull": return (k, v) -> v != null;
        case "keyNull": return (k, v) -> k == null;
        case "keyNotNull": return (k, v) -> k != null;
        case "isEven": return (k, v) -> v != null && (Long) v % 2 == 0;
        case "gt": { final long n = f.number(); return (k, v) -> v != null && (Long) v > n; }
        case "lt": { final long n = f.number(); return (k, v) -> v != null && (Long) v < n; }
        case "startsWith": return (k, v) -> v != null && show(v).startsWith(f.text);
        case "contains": return (k, v) -> v != null && show(v).contains(f.text);
        case "lenGt": { final long n = f.number(); return (k, v) -> v != null && length(v) > n; }
        case "keyIs": return (k, v) -> k != null && inner(k).equals(f.text);
        case "keyStartsWith": return (k, v) -> k != null && inner(k).startsWith(f.text);
        default: throw unknown("predicate", f.name);
        }
    }

    static BiFunction<Object, Object, Iterable<Object>> flatValues(String spec) {
        final Spec f = Spec.of(spec);
        switch (f.name) {
        case "splitWords": return (k, v) -> new ArrayList<>(words(v));
        case "splitComma": return (k, v) -> new ArrayList<>(fields(v));
        case "repeat": {
            final long n = f.number();
            return (k, v) -> {
                final List<Object> out = new ArrayList<>();
                for (long i = 0; i < n; i++)
                    out.add(show(v) + "#" + i);
                return out;
            };
        }
        case "twice": return (k, v) -> Arrays.asList(v, v);
        case "upTo": return (k, v) -> {
            final List<Object> out = new ArrayList<>();
            for (long i = 0; v != null && i < Math.min((Long) v, 10); i++)
                out.add(i);
            return out;
        };
        case "none": return (k, v) -> List.of();
        default: throw unknown("flat value function", f.name);
        }
    }

    static BiFunction<Object, Object, Iterable<KeyValue<Object, Object>>> flat(String spec) {
        final Spec f = Spec.of(spec);
        switch (f.name) {
        case "wordsAsKeys": return (k, v) -> pairs(words(v), v);
        case "wordsWithKey": return (k, v) -> pairs(words(v), k == null ? null : show(k));
        case "fieldsAsKeys": return (k, v) -> pairs(fields(v), v);
        case "dup": return (k, v) -> List.of(
            KeyValue.pair(k, v), KeyValue.pair(k == null ? null : "copy-" + inner(k), v));
        case "none": return (k, v) -> List.of();
        default: throw unknown("flat function", f.name);
        }
    }

    private static List<KeyValue<Object, Object>> pairs(List<String> keys, Object value) {
        final List<KeyValue<Object, Object>> out = new ArrayList<>();
        for (String key : keys)
            out.add(KeyValue.pair(key, value));
        return out;
    }

    /** (k, l, r) -> v. */
    static Aggregation joiner(String spec) {
        switch (spec) {
        case "concat": return (k, l, r) -> show(l) + "|" + show(r);
        case "keyConcat": return (k, l, r) -> show(k) + ":" + show(l) + "|" + show(r);
        case "sum": return (k, l, r) -> number(l) + number(r);
        case "left": return (k, l, r) -> l;
        case "right": return (k, l, r) -> r;
        case "nullIfSame":
            return (k, l, r) -> show(l).equals(show(r)) ? null : show(l) + "|" + show(r);
        case "nullIfRightNull": return (k, l, r) -> r == null ? null : show(l) + "|" + show(r);
        default: throw unknown("joiner", spec);
        }
    }

    static BinaryOperator<Object> reducer(String spec) {
        switch (spec) {
        case "sum": return (a, v) -> number(a) + number(v);
        case "minus": return (a, v) -> number(a) - number(v);
        case "sumNullAtZero": return (a, v) -> {
            final long sum = number(a) + number(v);
            return sum == 0 ? null : sum;
        };
        case "min": return Functions::smallest;
        case "max": return Functions::greatest;
        case "concat": return (a, v) -> show(a) + "+" + show(v);
        case "uncat": return (a, v) -> without(show(a), "+", show(v));
        case "last": return (a, v) -> v;
        case "first": return (a, v) -> a;
        default: throw unknown("reducer", spec);
        }
    }

    private static String text(Object a) {
        return a == null ? "" : show(a);
    }

    static Aggregation aggregator(String spec) {
        final Spec f = Spec.of(spec);
        switch (f.name) {
        case "count": return (k, v, a) -> number(a) + 1;
        case "uncount": return (k, v, a) -> number(a) - 1;
        case "sum": return (k, v, a) -> number(a) + number(v);
        case "minus": return (k, v, a) -> number(a) - number(v);
        case "sumLen": return (k, v, a) -> number(a) + length(v);
        case "minusLen": return (k, v, a) -> number(a) - length(v);
        case "min": return (k, v, a) -> smallest(a, v);
        case "max": return (k, v, a) -> greatest(a, v);
        case "concat": return (k, v, a) -> text(a) + show(v) + ",";
        case "tag": return (k, v, a) -> text(a) + f.text + ":" + show(v) + ",";
        case "remove": return (k, v, a) -> without(text(a), ",", show(v));
        case "lastN": {
            final int n = (int) f.number();
            return (k, v, a) -> {
                final List<String> list = new ArrayList<>();
                if (!text(a).isEmpty())
                    list.addAll(fields(a));
                list.add(show(v));
                return String.join(",", list.subList(Math.max(0, list.size() - n), list.size()));
            };
        }
        case "nullOn":
            return (k, v, a) -> show(v).equals(f.text) ? null : text(a) + show(v) + ",";
        default: throw unknown("aggregator", f.name);
        }
    }

    static BinaryOperator<Object> merger(String spec) {
        switch (spec) {
        case "sum": return (a, b) -> number(a) + number(b);
        case "min": return Functions::smallest;
        case "max": return Functions::greatest;
        case "concat": return (a, b) -> text(a) + text(b);
        default: throw unknown("merger", spec);
        }
    }
}
