package io.sidstream.cli.status;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.schemas.CodebookFormat;
import io.sidstream.schemas.CodebookFormat.Level;
import io.sidstream.schemas.CodebookFormat.LevelMetric;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelParts;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;

/** Who follows the topics for months keeps what they keep, not what was ever on them. */
class TopicStateTest {
  private static final WireFormat WIRE = new WireFormat();

  private final TopicState state = new TopicState();

  private void take(String topic, String key, byte[] value) {
    state.take(
        new ConsumerRecord<>(
            "p." + topic, 0, 0, key == null ? null : key.getBytes(StandardCharsets.UTF_8), value),
        topic);
  }

  private void say(String key, VersionState what, int version, long revision) {
    VersionRecord record = new VersionRecord();
    record.setState(what);
    record.setVersion(version);
    record.setRevision(revision);
    record.setChangedCodes(List.of());
    record.setChangedPrefixes(List.of());
    record.setModelDigest("");
    record.setTime(Instant.EPOCH);
    take("versions", key, WIRE.encode(record));
  }

  @Test
  void aVersionRecordTakesThePlaceOfTheOneWithItsKeyAndStandsLast() {
    for (int revision = 1; revision <= 7; revision++) {
      say("REVISION/" + revision % 4, VersionState.REVISION, 1, revision);
    }
    say("COMMIT/1", VersionState.COMMIT, 1, 7);
    say("COMMIT/1", VersionState.COMMIT, 1, 7);
    assertThat(state.versions(VersionState.REVISION))
        .extracting(VersionRecord::getRevision)
        .containsExactly(4L, 5L, 6L, 7L);
    assertThat(state.versions()).hasSize(5);
    assertThat(state.newest(VersionState.COMMIT).getVersion()).isEqualTo(1);
  }

  @Test
  void recordsOfABuildThatKeyedThemByVersionAllCount() {
    say("1", VersionState.BEGIN, 1, 0);
    say("1", VersionState.COMMIT, 1, 1);
    say("1", VersionState.REVISION, 1, 2);
    say(null, VersionState.REVISION, 1, 3);
    assertThat(state.versions()).hasSize(4);
  }

  @Test
  void codebooksThatAreRemovedAreGoneAndTheOldestLeftStandForThem() {
    byte[] books =
        CodebookFormat.write(
            List.of(new Level(LevelMetric.COSINE, 2, 2, new float[] {1, 0, 0, 1})));
    for (int version = 1; version <= 2; version++) {
      ModelPart part =
          ModelParts.split(version, 1, ModelPartKind.CODEBOOKS, books, Instant.EPOCH).get(0);
      take("models", ModelParts.key(part), WIRE.encode(part));
    }
    CodebookSet first = state.codebooks(1);
    assertThat(first).isNotNull().isNotSameAs(state.codebooks(2));
    take("models", "1/CODEBOOKS/0", null);
    // A row of version 1 is valid under those of version 2.
    assertThat(state.codebooks(1)).isSameAs(state.codebooks(2));
    assertThat(state.codebooks(3)).isNull();
    assertThat(state.unreadable()).isZero();
  }
}
