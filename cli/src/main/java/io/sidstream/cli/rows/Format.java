package io.sidstream.cli.rows;

import io.sidstream.cli.UsageException;
import java.util.Locale;

/** Forms of a file of records. */
public enum Format {
  /** A JSON object a line. */
  JSONL,
  /** Comma-separated, RFC 4180, a header line. */
  CSV,
  /** Tab-separated, a header line, no quotes. */
  TSV,
  /** Apache Parquet. */
  PARQUET;

  /**
   * The form that a name tells, with or without {@code .gz} at its end.
   *
   * @throws UsageException where it tells none
   */
  public static Format of(String name) {
    String lower = name.toLowerCase(Locale.ROOT);
    String plain = lower.endsWith(".gz") ? lower.substring(0, lower.length() - 3) : lower;
    if (plain.endsWith(".jsonl") || plain.endsWith(".ndjson") || plain.endsWith(".json")) {
      return JSONL;
    }
    if (plain.endsWith(".csv")) {
      return CSV;
    }
    if (plain.endsWith(".tsv") || plain.endsWith(".tab")) {
      return TSV;
    }
    if (lower.endsWith(".parquet")) {
      return PARQUET;
    }
    throw new UsageException(
        name
            + ": its name does not tell its form (.jsonl, .csv, .tsv, .parquet, all but the last also with .gz): say --format jsonl, csv, tsv or parquet");
  }
}
