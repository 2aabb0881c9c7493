package io.sidstream.job.kafka;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.schemas.Printable;
import io.sidstream.schemas.TokenHeaders;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import io.sidstream.schemas.WireFormatException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;
import org.apache.avro.SchemaNormalization;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The versions topic as a reader of committed records sees it.
 *
 * <p>A job puts its name, {@code kafka.group}, into the header {@link #JOB} of what it says there.
 * A record of another name is not the job's. One without a name, of an earlier build or of a
 * stranger, is the job's as far as that can be: versions and revisions are numbered from 1 and each
 * has a record in this topic, so that a number above the record's own place in it was given by
 * nobody.
 */
public final class VersionsTopic {
  /** Header of a version record: {@code kafka.group} of the job that says it, UTF-8. */
  public static final String JOB = TokenHeaders.JOB;

  /** Records that are read in one go, from the end back. */
  private static final int BLOCK = 10_000;

  private static final Logger LOG = LoggerFactory.getLogger(VersionsTopic.class);

  private VersionsTopic() {}

  /**
   * The newest numbers that a topic has, or a job has said; 0 for none.
   *
   * @param begun token version of a BEGIN
   * @param committed token version of a COMMIT
   * @param revision revision of a REVISION
   */
  public record Newest(int begun, int committed, long revision) {
    /** Nothing. */
    public static final Newest NONE = new Newest(0, 0, 0);

    /** With a record. */
    public Newest with(VersionRecord record) {
      return switch (record.getState()) {
        case BEGIN -> new Newest(Math.max(begun, record.getVersion()), committed, revision);
        case COMMIT -> new Newest(begun, Math.max(committed, record.getVersion()), revision);
        case REVISION -> new Newest(begun, committed, Math.max(revision, record.getRevision()));
        default -> this;
      };
    }

    /**
     * In what this is older than another, as {@code token version 3 (BEGIN), this one 2}; null
     * where it is not.
     */
    public String olderThan(Newest other) {
      if (other.begun > begun) {
        return "token version %d (BEGIN), the state %d".formatted(other.begun, begun);
      }
      if (other.committed > committed) {
        return "token version %d (COMMIT), the state %d".formatted(other.committed, committed);
      }
      return other.revision > revision
          ? "revision %d, the state %d".formatted(other.revision, revision)
          : null;
    }
  }

  /**
   * The newest numbers of a job in its topic. Read from the end back, until one of each kind is
   * found.
   *
   * @throws IllegalStateException where the topic cannot be read; names it and the broker
   */
  public static Newest newest(JobConfig config) throws InterruptedException {
    TopicPartition partition = new TopicPartition(Topics.versions(config), 0);
    try (TopicTail tail = new TopicTail(config)) {
      long end = tail.end(partition);
      long beginning = tail.beginning(partition);
      Newest[] newest = {Newest.NONE};
      WireFormat wire = new WireFormat();
      for (long to = end; to > beginning && !complete(newest[0]); to -= BLOCK) {
        long from = Math.max(beginning, to - BLOCK);
        tail.read(
            partition,
            from,
            to,
            record -> {
              VersionRecord version = own(record, config, wire);
              newest[0] = version == null ? newest[0] : newest[0].with(version);
            });
      }
      return newest[0];
    } catch (KafkaException e) {
      throw unreadable(config, e);
    }
  }

  /**
   * What the topic has of a job of another name, as {@code token version 7 of kafka.group shop};
   * null for nothing. Reads all of the topic.
   *
   * @throws IllegalStateException where the topic cannot be read; names it and the broker
   */
  public static String another(JobConfig config) throws InterruptedException {
    TopicPartition partition = new TopicPartition(Topics.versions(config), 0);
    try (TopicTail tail = new TopicTail(config)) {
      String[] found = new String[1];
      WireFormat wire = new WireFormat();
      tail.read(
          partition,
          tail.beginning(partition),
          tail.end(partition),
          record -> {
            String named = another(record, config, wire);
            found[0] = named == null ? found[0] : named;
          });
      return found[0];
    } catch (KafkaException e) {
      throw unreadable(config, e);
    }
  }

  /** As {@link #another(JobConfig)}, of one record. */
  static String another(ConsumerRecord<byte[], byte[]> record, JobConfig config, WireFormat wire) {
    Header job = record.headers().lastHeader(JOB);
    if (job == null || record.value() == null || Arrays.equals(job.value(), name(config))) {
      return null;
    }
    try {
      VersionRecord version = wire.decode(record.value(), VersionRecord.class);
      return version.getState() == VersionState.BEGIN || version.getState() == VersionState.COMMIT
          ? "token version %d of kafka.group %s"
              .formatted(
                  version.getVersion(),
                  Printable.of(new String(job.value(), StandardCharsets.UTF_8)))
          : null;
    } catch (WireFormatException e) {
      return null;
    }
  }

  private static boolean complete(Newest newest) {
    return newest.begun > 0 && newest.committed > 0 && newest.revision > 0;
  }

  /**
   * The records that were written since a time, and that are committed or may yet be: behind the
   * first open transaction nobody knows. That broker and committer take their time, as after a
   * restart of both, makes no record a lost one.
   *
   * @param since ms since the epoch
   * @throws IllegalStateException where the topic cannot be read; names it and the broker
   */
  public static Set<VersionRecord> written(JobConfig config, long since)
      throws InterruptedException {
    TopicPartition partition = new TopicPartition(Topics.versions(config), 0);
    try (TopicTail committed = new TopicTail(config);
        TopicTail all = TopicTail.ofAll(config)) {
      Set<VersionRecord> written = new HashSet<>();
      WireFormat wire = new WireFormat();
      Consumer<ConsumerRecord<byte[], byte[]>> each =
          record -> {
            VersionRecord version = own(record, config, wire);
            if (version != null) {
              written.add(version);
            }
          };
      committed.readSince(partition, since, all, each, each);
      return written;
    } catch (KafkaException e) {
      throw unreadable(config, e);
    }
  }

  /**
   * The key of a record: its state and a slot, such as {@code COMMIT/12}. Slots are used again when
   * so many records are kept, so that compaction leaves the newest of each state, whatever number
   * of rounds lies between two versions.
   *
   * @param kept records of each state that stay
   */
  static String key(VersionRecord record, int kept) {
    boolean ofVersion =
        record.getState() == VersionState.BEGIN || record.getState() == VersionState.COMMIT;
    // Of one version there may be many candidates that were held.
    long number = ofVersion ? record.getVersion() : record.getRevision();
    return record.getState() + "/" + Math.floorMod(number, (long) kept);
  }

  /** A number that stands for a value; 0 for none. */
  public static long digest(byte[] value) {
    return value == null ? 0 : SchemaNormalization.fingerprint64(value);
  }

  /** The job's record, or null for one that is not. */
  static VersionRecord own(
      ConsumerRecord<byte[], byte[]> record, JobConfig config, WireFormat wire) {
    if (record.value() == null) {
      return null;
    }
    VersionRecord version;
    try {
      version = wire.decode(record.value(), VersionRecord.class);
    } catch (WireFormatException e) {
      // Not the job's: it goes to the dead letters.
      return null;
    }
    Header job = record.headers().lastHeader(JOB);
    boolean own =
        job == null ? possible(version, record.offset()) : Arrays.equals(job.value(), name(config));
    if (!own) {
      LOG.warn(
          "{} of version {}, revision {}, at offset {} of topic {} is not of this job (kafka.group {}) and is passed over",
          version.getState(),
          version.getVersion(),
          version.getRevision(),
          record.offset(),
          record.topic(),
          config.get(JobOptions.KAFKA_GROUP));
    }
    return own ? version : null;
  }

  private static boolean possible(VersionRecord version, long offset) {
    long number =
        version.getState() == VersionState.REVISION ? version.getRevision() : version.getVersion();
    return number <= offset + 1;
  }

  /** The value of {@link #JOB}. */
  public static byte[] name(JobConfig config) {
    return config.get(JobOptions.KAFKA_GROUP).getBytes(StandardCharsets.UTF_8);
  }

  private static IllegalStateException unreadable(JobConfig config, KafkaException e) {
    return new IllegalStateException(
        "topic "
            + Topics.versions(config)
            + " cannot be read on kafka.bootstrap "
            + config.get(JobOptions.KAFKA_BOOTSTRAP)
            + ": "
            + e.getMessage(),
        e);
  }
}
