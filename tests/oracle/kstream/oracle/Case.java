// SPDX-License-Identifier: Apache-2.0
package kstream.oracle;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/** Case files (FORMAT.md): reading, and writing in the layout of the recorded ones. */
final class Case {
    static final ObjectMapper JSON = 
        new ObjectMapper().enable(DeserializationFeature.USE_LONG_FOR_INTS);

    private Case() { }

    static ObjectNode read(Path path) throws IOException {
        return (ObjectNode) JSON.readTree(path.toFile());
    }

    /** Replace `path` by the case: the new file appears complete or not at all. */
    static void write(Path path, ObjectNode kase) throws IOException {
        final Path part = path.resolveSibling(path.getFileName() + ".part");
        Files.writeString(part, text(kase));
        Files.move(part, path, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }

    /** One record, step or row a line. */
    static String text(ObjectNode kase) {
        final List<String> members = new ArrayList<>();
        for (Iterator<Map.Entry<String, JsonNode>> it = kase.fields(); it.hasNext();) {
            final Map.Entry<String, JsonNode> member = it.next();
            final JsonNode value = member.getValue();
            final String text = value.isArray()             ? list(value, 1)
                : member.getKey().equals("expected") ? expected(value) : value.toString();
            members.add(" \"" + member.getKey() + "\":" + text);
        }
        return "{\n" + String.join(",\n", members) + "\n}\n";
    }

    private static String list(JsonNode list, int depth) {
        final String margin = " ".repeat(depth);
        final List<String> lines = new ArrayList<>();
        for (JsonNode item : list)
            lines.add(margin + " " + item);
        return lines.isEmpty() ? "[]" : "[\n" + String.join(",\n", lines) + "\n" + margin + "]";
    }

    private static String expected(JsonNode expected) {
        final List<String> members = new ArrayList<>();
        expected.fields().forEachRemaining(member -> {
            final JsonNode value = member.getValue();
            final String text = member.getKey().equals("stores") ? stores(value)
                : member.getKey().equals("out") || member.getKey().equals("describe")
                    ? list(value, 2) : value.toString();
            members.add("  \"" + member.getKey() + "\":" + text);
        });
        return "{\n" + String.join(",\n", members) + "\n }";
    }

    private static String stores(JsonNode stores) {
        final List<String> members = new ArrayList<>();
        stores.fields().forEachRemaining(member -> members.add(
            "   \"" + member.getKey() + "\":{\"kind\":" + member.getValue().get("kind") +
            ",\"rows\":" + list(member.getValue().get("rows"), 3) + "}"));
        return members.isEmpty() ? "{}" : "{\n" + String.join(",\n", members) + "}";
    }
}
