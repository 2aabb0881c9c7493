package io.sidstream.job.kafka;

import static io.sidstream.job.versions.VersionRecords.record;
import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.VersionsTopic.Newest;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;

class VersionsTopicTest {
  private static final WireFormat WIRE = new WireFormat();

  /** Whether a record at an offset is taken for the job's; a job of null puts no name on it. */
  private static boolean own(VersionRecord version, long offset, String job) {
    ConsumerRecord<byte[], byte[]> record =
        new ConsumerRecord<>("versions", 0, offset, new byte[0], WIRE.encode(version));
    if (job != null) {
      record.headers().add(VersionsTopic.JOB, job.getBytes(StandardCharsets.UTF_8));
    }
    return version.equals(VersionsTopic.own(record, JobConfig.defaults(), WIRE));
  }

  @Test
  void recordsOfTheJobCountAndOthersDoNot() {
    assertThat(own(record(VersionState.BEGIN, 900, 1), 5, "sidstream")).isTrue();
    assertThat(own(record(VersionState.BEGIN, 1, 1), 5, "another")).isFalse();
    ConsumerRecord<byte[], byte[]> rubbish =
        new ConsumerRecord<>("versions", 0, 0, null, new byte[] {1, 2, 3});
    assertThat(VersionsTopic.own(rubbish, JobConfig.defaults(), WIRE)).isNull();
    ConsumerRecord<byte[], byte[]> nothing = new ConsumerRecord<>("versions", 0, 0, null, null);
    assertThat(VersionsTopic.own(nothing, JobConfig.defaults(), WIRE)).isNull();
  }

  @Test
  void whatTheJobWritesHasItsName() {
    VersionSerializer serializer = new VersionSerializer(JobConfig.defaults());
    serializer.open();
    var written = serializer.serialize(record(VersionState.BEGIN, 900, 1), null, null);
    assertThat(
            new String(
                written.headers().lastHeader(VersionsTopic.JOB).value(), StandardCharsets.UTF_8))
        .isEqualTo("sidstream");
    assertThat(written.topic()).isEqualTo("sidstream.versions");
    assertThat(new String(written.key(), StandardCharsets.UTF_8)).isEqualTo("BEGIN/900");
  }

  @Test
  void aRecordTakesThePlaceOfTheOneOfItsStateThatIsSoManyOlder() {
    assertThat(VersionsTopic.key(record(VersionState.COMMIT, 7, 93), 50)).isEqualTo("COMMIT/7");
    assertThat(VersionsTopic.key(record(VersionState.COMMIT, 57, 99), 50)).isEqualTo("COMMIT/7");
    assertThat(VersionsTopic.key(record(VersionState.BEGIN, 57, 99), 50)).isEqualTo("BEGIN/7");
    assertThat(VersionsTopic.key(record(VersionState.REVISION, 7, 93), 50))
        .isEqualTo("REVISION/43");
    // The version that a candidate would have become says nothing of which candidate it was.
    assertThat(VersionsTopic.key(record(VersionState.HELD, 8, 93), 50)).isEqualTo("HELD/43");
    assertThat(VersionsTopic.key(record(VersionState.HELD, 8, 95), 50)).isEqualTo("HELD/45");
  }

  @Test
  void aNumberWithoutANameIsTakenWhereItCanBe() {
    assertThat(own(record(VersionState.BEGIN, 3, 1), 2, null)).isTrue();
    assertThat(own(record(VersionState.BEGIN, Integer.MAX_VALUE, 1), 1_000, null)).isFalse();
    assertThat(own(record(VersionState.COMMIT, 4, 1), 2, null)).isFalse();
    assertThat(own(record(VersionState.REVISION, 1, 8), 7, null)).isTrue();
    assertThat(own(record(VersionState.REVISION, 1, 9), 7, null)).isFalse();
  }

  @Test
  void versionsOfAJobOfAnotherNameAreTold() {
    assertThat(another(record(VersionState.COMMIT, 7, 1), "shop"))
        .isEqualTo("token version 7 of kafka.group shop");
    assertThat(another(record(VersionState.BEGIN, 8, 1), "shop")).isNotNull();
    assertThat(another(record(VersionState.HELD, 8, 1), "shop")).isNull();
    assertThat(another(record(VersionState.COMMIT, 7, 1), "sidstream")).isNull();
    assertThat(another(record(VersionState.COMMIT, 7, 1), null)).isNull();
    assertThat(another(null, "shop")).isNull();
  }

  private static String another(VersionRecord version, String job) {
    ConsumerRecord<byte[], byte[]> record =
        new ConsumerRecord<>(
            "versions", 0, 5, new byte[0], version == null ? new byte[] {1} : WIRE.encode(version));
    if (job != null) {
      record.headers().add(VersionsTopic.JOB, job.getBytes(StandardCharsets.UTF_8));
    }
    return VersionsTopic.another(record, JobConfig.defaults(), WIRE);
  }

  @Test
  void theNewestOfEachKindCounts() {
    Newest newest =
        Newest.NONE
            .with(record(VersionState.BEGIN, 2, 9))
            .with(record(VersionState.BEGIN, 1, 9))
            .with(record(VersionState.COMMIT, 1, 9))
            .with(record(VersionState.REVISION, 2, 5))
            .with(record(VersionState.HELD, 7, 7));
    assertThat(newest).isEqualTo(new Newest(2, 1, 5));
    assertThat(newest.olderThan(newest)).isNull();
    assertThat(newest.olderThan(new Newest(1, 1, 5))).isNull();
  }
}
