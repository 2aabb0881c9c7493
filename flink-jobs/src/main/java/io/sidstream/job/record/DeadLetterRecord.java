package io.sidstream.job.record;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.util.OutputTag;

/** A record that could not be used, on its way to the dead-letters topic. */
public class DeadLetterRecord {
  /** The side output of dead letters. */
  public static final OutputTag<DeadLetterRecord> DEAD_LETTERS =
      new OutputTag<>("dead-letters", TypeInformation.of(DeadLetterRecord.class));

  /** Longest reason, characters: a reason may quote what a library says of the bytes. */
  private static final int MAX_REASON = 1000;

  public String topic;

  /** Partition and offset; -1 where they are not known. */
  public int partition;

  public long offset;

  /** Kafka timestamp, ms since the epoch. */
  public long timestamp;

  /** Name of the {@link Rule} that was broken. */
  public String code;

  /** The field, its value and what is expected. */
  public String reason;

  /**
   * Key as it was, cut to a quarter of dead-letters.max-bytes where it is longer; null for null.
   */
  public byte[] key;

  /**
   * Value as it was, cut such that value and twice the key fit dead-letters.max-bytes; null for
   * null.
   */
  public byte[] value;

  /** Length of the whole value, bytes; -1 for null. */
  public long valueLength;

  /** Processing time of the rejection, ms since the epoch. */
  public long time;

  /**
   * The dead letter of a record.
   *
   * @param rule what it breaks
   * @param reason the field, its value and what is expected
   * @param maxBytes dead-letters.max-bytes
   * @param now processing time, ms since the epoch
   */
  public static DeadLetterRecord of(
      RawRecord raw, Rule rule, String reason, int maxBytes, long now) {
    DeadLetterRecord letter = new DeadLetterRecord();
    letter.topic = raw.topic;
    letter.partition = raw.partition;
    letter.offset = raw.offset;
    letter.timestamp = raw.timestamp;
    letter.code = rule.name();
    letter.reason =
        reason.length() <= MAX_REASON ? reason : reason.substring(0, MAX_REASON) + "...";
    // The key goes out twice: as the key of the dead letter and inside it.
    letter.key = cut(raw.key, maxBytes / 4);
    letter.value = cut(raw.value, maxBytes - (letter.key == null ? 0 : 2 * letter.key.length));
    letter.valueLength = raw.value == null ? -1 : raw.value.length;
    letter.time = now;
    return letter;
  }

  /**
   * The dead letter of an item whose record passed ingest, but that later turns out to be unusable:
   * as if of a record of the items topic with the item as its key, whose place and value are no
   * longer known.
   *
   * @param itemsTopic name of the items topic
   * @param rule what it breaks
   * @param reason what is wrong with it and what becomes of the item
   * @param timestamp event time of the item, ms since the epoch
   * @param now processing time, ms since the epoch
   */
  public static DeadLetterRecord of(
      String itemsTopic, String item, Rule rule, String reason, long timestamp, long now) {
    RawRecord raw = new RawRecord();
    raw.topic = itemsTopic;
    raw.partition = -1;
    raw.offset = -1;
    raw.timestamp = timestamp;
    raw.key = item.getBytes(StandardCharsets.UTF_8);
    // An identifier that ingest let pass is kept whole.
    return of(raw, rule, reason, 4 * raw.key.length, now);
  }

  private static byte[] cut(byte[] bytes, int max) {
    return bytes == null || bytes.length <= max ? bytes : Arrays.copyOf(bytes, max);
  }
}
