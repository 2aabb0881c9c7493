package io.sidstream.cli.rows;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.csv.CsvFactory;
import com.fasterxml.jackson.dataformat.csv.CsvParser;
import com.fasterxml.jackson.dataformat.csv.CsvSchema;
import io.sidstream.cli.UsageException;
import io.sidstream.cli.rows.RowException.Fault;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PushbackInputStream;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipException;

/**
 * CSV (RFC 4180: cells may be quoted, and a quoted one may hold line breaks) or TSV (no quotes: a
 * tab parts, whatever is between). The first line names the columns; where the caller knows them
 * and that line is a record of its own, it is read as one.
 */
final class Delimited implements RowReader {
  private static final Pattern OTHERS = Pattern.compile("[;\t|]");
  private static final Pattern COMMAS = Pattern.compile(",");

  private final Input input;
  private final CsvParser parser;
  private final List<String> columns;
  private final List<String> ahead;
  private final long aheadLine;
  private boolean first = true;
  private long line;

  /**
   * Opens it and reads its head.
   *
   * @param headless columns of a file that has no header, or null; the first line is taken as a
   *     record where {@code isRecord} says so
   * @param isRecord whether cells are a record rather than names
   */
  Delimited(
      Input input,
      boolean tabs,
      List<String> headless,
      java.util.function.Predicate<List<String>> isRecord)
      throws IOException {
    this.input = input;
    CsvSchema.Builder schema =
        CsvSchema.builder().setColumnSeparator(tabs ? '\t' : ',').setUseHeader(false);
    if (tabs) {
      schema.disableQuoteChar();
    }
    parser =
        new CsvFactory()
            .createParser(
                new InputStreamReader(
                    withoutMark(input.bytes()), StandardCharsets.UTF_8.newDecoder()));
    parser.enable(CsvParser.Feature.SKIP_EMPTY_LINES);
    parser.setSchema(schema.build());
    List<String> head = cells();
    if (head == null) {
      columns = headless == null ? List.of() : headless;
      ahead = null;
      aheadLine = 0;
    } else if (headless != null && isRecord.test(head)) {
      columns = headless;
      ahead = head;
      aheadLine = line;
    } else {
      columns = head.stream().map(String::strip).toList();
      ahead = null;
      aheadLine = 0;
      checkSeparator(tabs);
      if (headless != null && EventTime.looksLikeTime(head.get(head.size() - 1))) {
        throw new UsageException(
            "%s:%d: the first line is no header, and has %d columns; without a header they are %s: add a line with the names of the columns"
                .formatted(input.name(), line, head.size(), headless));
      }
      Set<String> seen = new HashSet<>();
      for (String name : columns) {
        if (name.isEmpty() || !seen.add(name)) {
          throw new UsageException(
              "%s:%d: the header has %s; each column needs a name of its own: %s"
                  .formatted(
                      input.name(),
                      line,
                      name.isEmpty() ? "a column without a name" : "'" + name + "' twice",
                      columns));
        }
      }
    }
  }

  /** One column whose name is several: parted by something else. */
  private void checkSeparator(boolean tabs) {
    Matcher other = (tabs ? COMMAS : OTHERS).matcher(columns.get(0));
    if (columns.size() == 1 && other.find()) {
      boolean tab = other.group().equals("\t");
      throw new UsageException(
          "%s: the header '%s' is one column: it is parted by %s, %s is expected: %s"
              .formatted(
                  input.name(),
                  columns.get(0),
                  tab ? "tabs" : "'" + other.group() + "'",
                  tabs ? "a tab" : "','",
                  tab
                      ? "say --format tsv"
                      : tabs ? "say --format csv" : "save it with commas (Excel: CSV UTF-8)"));
    }
  }

  private static InputStream withoutMark(InputStream in) throws IOException {
    PushbackInputStream bytes = new PushbackInputStream(in, 3);
    byte[] head = bytes.readNBytes(3);
    boolean marked =
        head.length == 3
            && head[0] == (byte) 0xEF
            && head[1] == (byte) 0xBB
            && head[2] == (byte) 0xBF;
    if (!marked) {
      bytes.unread(head);
    }
    return bytes;
  }

  @Override
  public List<String> columns() {
    return columns;
  }

  @Override
  public Row next() throws IOException, RowException {
    List<String> cells;
    long number;
    if (first && ahead != null) {
      cells = ahead;
      number = aheadLine;
    } else {
      cells = cells();
      number = line;
    }
    first = false;
    if (cells == null) {
      return null;
    }
    if (cells.size() != columns.size()) {
      throw new RowException(
          number,
          Fault.COLUMNS,
          "%d columns; expected: the %d of the header, %s"
              .formatted(cells.size(), columns.size(), columns));
    }
    ObjectNode fields = JsonNodeFactory.instance.objectNode();
    for (int i = 0; i < cells.size(); i++) {
      if (!cells.get(i).isEmpty()) {
        fields.put(columns.get(i), cells.get(i));
      }
    }
    return new Row(number, fields, String.join("\t", cells));
  }

  /** Cells of the next line that has any, null at the end. */
  private List<String> cells() throws IOException {
    List<String> cells;
    do {
      cells = line();
      // The parser takes CR LF alone for a line of one empty cell.
    } while (cells != null && cells.size() == 1 && cells.get(0).isEmpty());
    return cells;
  }

  private List<String> line() throws IOException {
    try {
      JsonToken token = parser.nextToken();
      if (token == null) {
        return null;
      }
      List<String> cells = new ArrayList<>(columns == null ? 8 : columns.size());
      while ((token = parser.nextToken()) != null && token != JsonToken.END_ARRAY) {
        if (cells.isEmpty()) {
          // Before it, the location is still that of the row before.
          line = parser.currentTokenLocation().getLineNr();
        }
        cells.add(token == JsonToken.VALUE_NULL ? "" : parser.getText());
      }
      return cells;
    } catch (CharacterCodingException e) {
      Lines.check(input.name());
      throw new UsageException(
          "%s: after line %d are bytes that are not UTF-8; convert the file (iconv -t UTF-8)"
              .formatted(input.name(), line));
    } catch (ZipException | EOFException e) {
      throw Input.broken(input.name(), e);
    } catch (JsonProcessingException e) {
      throw new UsageException(
          "%s: after line %d: %s (is a quote not closed?)"
              .formatted(input.name(), line, e.getOriginalMessage()));
    }
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
