package io.sidstream.cli.rows;

import java.io.IOException;
import java.util.List;

/** Reads the records of one file, in their order. For one thread. */
public interface RowReader extends AutoCloseable {
  /**
   * The next record, null at the end.
   *
   * @throws RowException where the record is none; reading can go on
   * @throws io.sidstream.cli.UsageException where the file is not what it was said to be; names it
   */
  Row next() throws IOException, RowException;

  /** Names of the columns where the file says them at its head; null where it does not. */
  default List<String> columns() {
    return null;
  }

  /** How much was read, in the unit of {@link #size}. */
  long position();

  /** How much there is, bytes of the file or rows; -1 where that is not known. */
  long size();

  @Override
  void close() throws IOException;
}
