package io.sidstream.cli.tokens;

import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import io.sidstream.client.Token;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tokens export}. */
@Command(
    name = "export",
    mixinStandardHelpOptions = true,
    description =
        "Write the tokens that a reader is served now: the newest committed table, checked against its COMMIT record, and the items that have come since. With --at the table of a version alone.")
public final class ExportCommand implements Callable<Integer> {
  enum Format {
    JSONL,
    CSV
  }

  @Mixin private TokensCommand.Where where;

  @Option(
      names = "--format",
      defaultValue = "jsonl",
      description =
          "jsonl (with the explanation, where the row is in the log) or csv (default: ${DEFAULT-VALUE}).")
  private Format format;

  @Option(
      names = "--at",
      paramLabel = "V",
      description = "The version; without it the newest committed one and what has come since.")
  private int version;

  @Option(
      names = {"-o", "--out"},
      paramLabel = "FILE",
      description = "Where to; without it to standard output.")
  private Path out;

  @Override
  public Integer call() throws IOException {
    if (version < 0) {
      throw new UsageException("--at " + version + ": 1 or more");
    }
    OutputFile.check("--out", out);
    TokenLog log = where.log("versions", "tokens");
    Map<String, Token> table = version == 0 ? served(log) : TokensCommand.table(log, version);
    if (out == null) {
      // Not closed: standard output is not ours.
      PrintWriter writer = new PrintWriter(System.out, false, StandardCharsets.UTF_8);
      write(log, table, format, writer);
      writer.flush();
    } else {
      write(log, table, format, out);
    }
    System.err.printf(
        "version %d: %,d items%n", version == 0 ? log.newest() : version, table.size());
    return 0;
  }

  /**
   * Writes the tokens that a reader is served, an object a line.
   *
   * @param bootstrap brokers
   * @param prefix of the topics
   * @param to file, replaced whole
   * @return how many items have one
   * @throws IllegalStateException where no version is committed, or its rows are no longer there
   * @throws IOException if the file cannot be written
   */
  public static int write(String bootstrap, String prefix, Path to) throws IOException {
    TokenLog log = TokenLog.read(bootstrap, prefix, new Properties(), "versions", "tokens");
    Map<String, Token> table = served(log);
    write(log, table, Format.JSONL, to);
    return table.size();
  }

  private static Map<String, Token> served(TokenLog log) {
    Map<String, Token> served = TokensCommand.table(log, 0);
    served.putAll(log.additions(served));
    return served;
  }

  private static void write(TokenLog log, Map<String, Token> table, Format format, Path file)
      throws IOException {
    OutputFile.write(
        file,
        to -> {
          PrintWriter writer = new PrintWriter(to, false, StandardCharsets.UTF_8);
          write(log, table, format, writer);
          // A PrintWriter keeps its failures to itself.
          if (writer.checkError()) {
            throw new IOException("not all could be written");
          }
        });
  }

  private static void write(
      TokenLog log, Map<String, Token> table, Format format, PrintWriter writer) {
    RowText text = new RowText();
    if (format == Format.CSV) {
      int levels = table.values().stream().mapToInt(t -> t.codes().length).max().orElse(0);
      writer.println(RowText.csvHeader(levels));
    }
    table.forEach(
        (item, token) ->
            writer.println(
                format == Format.CSV
                    ? RowText.csv(item, token)
                    : text.json(item, token, row(log.rows.get(item), token))));
  }

  /** The row that published a token, null where only the row after it is left. */
  private static byte[] row(List<TokenLog.Row> rows, Token token) {
    for (TokenLog.Row row : rows) {
      if (token.equals(row.token())) {
        return row.value();
      }
    }
    return null;
  }
}
