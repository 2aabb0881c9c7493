package io.sidstream.cli.load;

import io.sidstream.cli.rows.Row;
import io.sidstream.cli.rows.RowException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.ingest.RecordCheck;
import java.util.List;
import java.util.Optional;

/** How the records of one kind of file become records of a topic. */
interface Records {
  /** What they are, for people, such as "items". */
  String name();

  /** Name of the topic. */
  String topic(JobConfig config);

  /**
   * Refuses a file whose header lacks columns.
   *
   * @param file its name
   */
  void checkHeader(String file, List<String> columns);

  /** Columns of a CSV or TSV file that has no header; null where it must have one. */
  List<String> headless();

  /**
   * The record of the topic.
   *
   * @throws RowException where the row has none
   */
  Bytes record(Row row) throws RowException;

  /** What ingest would say of it, empty for nothing. */
  Optional<RecordCheck.Refusal> check(Bytes record);

  /**
   * A record of a topic.
   *
   * @param key in UTF-8
   * @param value in the wire format
   */
  record Bytes(byte[] key, byte[] value) {}
}
