package io.sidstream.cli.rows;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.cli.rows.RowException.Fault;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An item of a file.
 *
 * @param item identifier, not empty
 * @param title short name, or null
 * @param text what the content vector is computed from, or null
 * @param vector content vector, or null
 * @param time ms since 1970, or null
 * @param row row in a file of vectors, from 1, or null
 * @param attributes the columns that are no field; lists joined by ", "
 */
public record ItemRow(
    String item,
    String title,
    String text,
    float[] vector,
    Long time,
    Integer row,
    Map<String, String> attributes) {
  /** The fields that columns can be mapped to. */
  public static final List<String> FIELDS =
      List.of("item", "title", "text", "vector", "time", "idx");

  /** Those that every file must have. */
  public static final List<String> NEEDED = List.of("item");

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * The item of a record.
   *
   * @throws RowException where the record has none; names the field, its value and what is expected
   */
  public static ItemRow of(Row row, Mapping map) throws RowException {
    String id =
        Identifiers.check(map.needed(row, "item", "the identifier, a text"), "item", row.number());
    String time = map.text(row, "time");
    Map<String, String> attributes = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : row.fields().properties()) {
      if (!map.uses(field.getKey())) {
        attribute(attributes, field.getKey(), field.getValue());
      }
    }
    return new ItemRow(
        id,
        map.text(row, "title"),
        map.text(row, "text"),
        vector(row, map.value(row, "vector")),
        time == null ? null : time(row, "time", time),
        index(row, map.value(row, "idx")),
        attributes);
  }

  private static void attribute(Map<String, String> attributes, String name, JsonNode value) {
    if (value.isArray()) {
      List<String> parts = new ArrayList<>();
      value.forEach(part -> parts.add(part.asText()));
      attributes.put(name, String.join(", ", parts));
    } else if (value.isValueNode() && !Mapping.isNothing(value)) {
      attributes.put(name, value.asText());
    }
  }

  private static Integer index(Row row, JsonNode idx) throws RowException {
    if (idx == null) {
      return null;
    }
    // In CSV a number is a text.
    boolean text = idx.isTextual() && idx.asText().matches("[1-9]\\d{0,8}");
    boolean whole = text || idx.canConvertToExactIntegral() && idx.canConvertToInt();
    if (!whole || idx.asInt() < 1) {
      throw new RowException(
          row.number(),
          Fault.FIELD_TYPE,
          "idx %s is not a whole number from 1 to %d".formatted(idx, Integer.MAX_VALUE));
    }
    return idx.asInt();
  }

  /** Of a list of numbers, or of its text, as CSV has it. */
  private static float[] vector(Row row, JsonNode value) throws RowException {
    JsonNode list = value;
    if (value != null && value.isTextual()) {
      try {
        list = JSON.readTree(value.asText());
      } catch (JsonProcessingException e) {
        list = value;
      }
    }
    if (list == null || list.isEmpty() && list.isArray()) {
      return null;
    }
    if (!list.isArray()) {
      throw new RowException(
          row.number(), Fault.FIELD_TYPE, "'vector' is no list of numbers, such as [0.1, -0.2]");
    }
    float[] vector = new float[list.size()];
    for (int i = 0; i < vector.length; i++) {
      JsonNode x = list.get(i);
      if (!x.isNumber()) {
        throw new RowException(
            row.number(),
            Fault.FIELD_TYPE,
            "'vector' has %s at %d; expected: numbers".formatted(x, i));
      }
      vector[i] = x.floatValue();
    }
    return vector;
  }

  static long time(Row row, String field, String text) throws RowException {
    try {
      return EventTime.parse(text);
    } catch (IllegalArgumentException e) {
      throw new RowException(row.number(), Fault.TIME, "%s: %s".formatted(field, e.getMessage()));
    }
  }
}
