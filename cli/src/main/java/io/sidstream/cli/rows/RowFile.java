package io.sidstream.cli.rows;

import java.io.IOException;
import java.util.List;

/**
 * A file of records.
 *
 * @param name its path, or {@code -} for standard input
 * @param format its form; null for what its name tells
 */
public record RowFile(String name, Format format) {
  /** A file whose name tells its form. */
  public static RowFile of(String name) {
    return new RowFile(name, null);
  }

  /** For messages. */
  public String shown() {
    return name.equals(Input.STANDARD) ? "standard input" : name;
  }

  /** The form that was said, or that the name tells; JSON lines for standard input. */
  public Format form() {
    return format != null ? format : name.equals(Input.STANDARD) ? Format.JSONL : Format.of(name);
  }

  /**
   * Opens it.
   *
   * @param headless columns of a CSV or TSV file that has no header, or null where it must have
   *     one. It has none where its first line has as many cells and the last of them is a time, or
   *     a number.
   * @throws io.sidstream.cli.UsageException where it cannot be read; names it
   */
  public RowReader open(List<String> headless) throws IOException {
    Format form = form();
    if (form == Format.PARQUET) {
      return ParquetRows.open(name);
    }
    Input input = Input.open(name);
    if (form == Format.JSONL) {
      return new JsonLines(input);
    }
    try {
      return new Delimited(
          input,
          form == Format.TSV,
          headless,
          cells ->
              cells.size() == headless.size()
                  && EventTime.looksLikeTime(cells.get(cells.size() - 1)));
    } catch (IOException | RuntimeException e) {
      input.close();
      throw e;
    }
  }
}
