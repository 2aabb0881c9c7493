package io.sidstream.cli.ui;

import io.sidstream.cli.report.ReportData;
import io.sidstream.cli.report.ReportData.Row;
import io.sidstream.cli.status.CodebookSet;
import java.util.List;

/**
 * What the live page shows of a job. Any thread may ask. Every method throws {@link
 * RefusedException} for what it cannot answer; the page's JSON has the names of the records here.
 */
interface LiveView extends AutoCloseable {
  /**
   * All views of the report.
   *
   * @param stamp of the report that the reader has, 0 for none
   * @param table the stamp of its rows, 0 for none; the same rows are not sent again
   * @return null where nothing has changed
   */
  Report report(long stamp, long table);

  /**
   * Items whose identifier or title contains a text, or whose token begins with it, in the order of
   * tokens.
   *
   * @param most rows at most
   */
  Found search(String text, int most);

  /** An item, why it has its token, and what shares its prefixes. */
  Item item(String id);

  /** The token that an item with this text would get now. */
  TextToken text(String text);

  /**
   * One step of constrained decoding: the codes that may follow a prefix, the likeliest first.
   *
   * @param from what is decoded
   * @param prefix codes of the levels before; all levels: the items of a token
   */
  Step step(Source from, int[] prefix);

  @Override
  void close();

  /**
   * What a token is decoded from.
   *
   * @param text of an item; null where it is a history
   * @param history items of a user, oldest first; empty where it is a text
   */
  record Source(String text, List<String> history) {}

  /**
   * The views.
   *
   * @param stamp changes when anything does
   * @param table changes when a row does
   * @param note what is wrong or waited for, for people; empty for nothing
   * @param data null while the topics are read for the first time
   */
  record Report(long stamp, long table, String note, ReportData data) {}

  /**
   * What a search found.
   *
   * @param count of all that fit
   * @param rows the first of them
   */
  record Found(int count, List<Row> rows) {}

  /**
   * An item.
   *
   * @param levels why it has each code
   * @param prefixes longest first
   */
  record Item(Row row, List<Level> levels, List<Prefix> prefixes) {}

  /**
   * A code of an item.
   *
   * @param code as the quantizer chose it
   * @param distance to the codeword
   * @param margin how much further the next one was
   * @param near the codewords next to it, nearest first
   */
  record Level(int code, float distance, float margin, List<CodebookSet.Neighbour> near) {}

  /**
   * Items that share a prefix.
   *
   * @param count of all, but the one that was asked for
   * @param rows some of them
   */
  record Prefix(int[] prefix, int count, List<Row> rows) {}

  /**
   * The token of a text.
   *
   * @param version whose model made it
   * @param model text model
   * @param nearest as the quantizer chooses it
   * @param distances per level
   * @param margins per level
   * @param holder the item that has it already; null where it is free
   * @param codes what an item of this text would be given
   * @param suffix of it; 0 for none
   * @param prefixes longest first
   */
  record TextToken(
      int version,
      String model,
      int[] nearest,
      float[] distances,
      float[] margins,
      Row holder,
      int[] codes,
      int suffix,
      List<Prefix> prefixes) {}

  /**
   * A step.
   *
   * @param version of the table that restricts it
   * @param revision of the recommender; 0 for a text
   * @param levels of a token
   * @param codewords of this level, whether or not an item has them
   * @param unrestricted the code that would be taken without the restriction; -1 where there is
   *     none to take
   * @param count codes that may follow
   * @param choices the first of them
   * @param items of the token, where the prefix is whole
   */
  record Step(
      int version,
      long revision,
      int levels,
      int codewords,
      int unrestricted,
      int count,
      List<Choice> choices,
      List<Row> items) {}

  /**
   * A code that may follow.
   *
   * @param value distance of the codeword from what is left of a text's vector, or the probability,
   *     after the prefix, that the next item of a history is below it
   * @param items below it
   * @param example the likeliest of them for a history, the first of them for a text
   */
  record Choice(int code, double value, int items, Row example) {}
}
