package io.sidstream.job.ingest;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.record.RawRecord;
import io.sidstream.job.record.Rule;
import java.util.Optional;

/**
 * Says beforehand what ingest would say of a record: the same rules, by the same code. For one
 * thread.
 */
public final class RecordCheck {
  private final Validation validation;

  /** With the limits of a configuration. */
  public RecordCheck(JobConfig config) {
    validation = new Validation(config);
  }

  /**
   * Why a record would become a dead letter.
   *
   * @param rule what it breaks
   * @param reason the field, its value and what is expected
   */
  public record Refusal(Rule rule, String reason) {}

  /**
   * What is wrong with a record of the items topic, empty for nothing.
   *
   * @param now processing time, ms since the epoch
   */
  public Optional<Refusal> item(byte[] key, byte[] value, long now) {
    try {
      validation.item(raw(key, value, now), now);
      return Optional.empty();
    } catch (Rejection e) {
      return Optional.of(new Refusal(e.rule(), e.getMessage()));
    }
  }

  /** The same of a record of the interactions topic. */
  public Optional<Refusal> interaction(byte[] key, byte[] value, long now) {
    try {
      validation.interaction(raw(key, value, now), now);
      return Optional.empty();
    } catch (Rejection e) {
      return Optional.of(new Refusal(e.rule(), e.getMessage()));
    }
  }

  private static RawRecord raw(byte[] key, byte[] value, long now) {
    RawRecord raw = new RawRecord();
    raw.key = key;
    raw.value = value;
    raw.timestamp = now;
    return raw;
  }
}
