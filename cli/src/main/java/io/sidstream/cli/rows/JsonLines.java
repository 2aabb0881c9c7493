package io.sidstream.cli.rows;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sidstream.cli.rows.RowException.Fault;
import java.io.IOException;
import java.util.regex.Pattern;

/** A JSON object a line; lines without a character are passed over. */
final class JsonLines implements RowReader {
  /** NaN is what Python writes where a table has no value. */
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** What is of use to whoever wrote the parser: a place in the line's own text, a setting. */
  private static final Pattern INNER =
      Pattern.compile(" \\(start marker at .*\\)$|: enable `JsonReadFeature.*$|, from `[^`]*`");

  private final Input input;
  private final Lines lines;

  JsonLines(Input input) {
    this.input = input;
    this.lines = new Lines(input);
  }

  @Override
  public Row next() throws IOException, RowException {
    String text;
    do {
      text = lines.next();
    } while (text != null && text.isBlank());
    if (text == null) {
      return null;
    }
    JsonNode node;
    try {
      node = JSON.readTree(text);
    } catch (JsonProcessingException e) {
      String why = INNER.matcher(e.getOriginalMessage()).replaceAll("");
      throw new RowException(lines.number(), Fault.NOT_JSON, "not JSON: " + why + looksLike(text));
    }
    if (!(node instanceof ObjectNode fields)) {
      throw new RowException(
          lines.number(),
          Fault.NOT_JSON,
          "a JSON "
              + node.getNodeType().toString().toLowerCase(java.util.Locale.ROOT)
              + "; expected: an object a line"
              + looksLike(text));
    }
    return new Row(lines.number(), fields, text);
  }

  private String looksLike(String text) {
    String t = text.strip();
    boolean several = t.startsWith("[") || t.equals("{") || lines.number() > 1 && t.endsWith(",");
    return several
        ? " (one object a line, without brackets and commas: jq -c '.[]' makes them)"
        : "";
  }

  @Override
  public long position() {
    return input.position();
  }

  @Override
  public long size() {
    return input.size();
  }

  @Override
  public void close() throws IOException {
    input.close();
  }
}
