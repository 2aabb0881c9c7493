package io.sidstream.cli.rows;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sidstream.cli.rows.RowException.Fault;
import java.io.IOException;

/** A JSON object a line; lines without a character are passed over. */
final class JsonLines implements RowReader {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

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
      throw new RowException(
          lines.number(), Fault.NOT_JSON, "not JSON: " + e.getOriginalMessage() + looksLike(text));
    }
    if (!(node instanceof ObjectNode fields)) {
      throw new RowException(
          lines.number(),
          Fault.NOT_JSON,
          "a JSON "
              + node.getNodeType().toString().toLowerCase(java.util.Locale.ROOT)
              + "; expected: an object a line");
    }
    return new Row(lines.number(), fields, text);
  }

  private static String looksLike(String text) {
    if (text.startsWith("PAR1")) {
      return " (it looks like Parquet: say --format parquet)";
    }
    return text.equals("[") || text.equals("{")
        ? " (one object a line, not one over several: jq -c '.[]' makes lines)"
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
