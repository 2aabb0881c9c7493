package io.sidstream.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.record.Records;
import io.sidstream.job.record.TokenRow;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.Quality;
import io.sidstream.schemas.TokenHeaders;
import io.sidstream.schemas.TokenRef;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.time.Instant;
import java.util.List;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.junit.jupiter.api.Test;

class WireTest {
  private final WireFormat wire = new WireFormat();

  private static TokenRow row() {
    TokenRow row = new TokenRow();
    row.item = "ä";
    row.version = 3;
    row.commit = 4;
    row.revision = 12_345_678_901L;
    row.codes = new int[] {7, 0, 255};
    row.suffix = 2;
    row.nearest = new int[] {7, 0, 254};
    row.distances = new float[] {.5f, 1, 2};
    row.margins = new float[] {.1f, .2f, -.3f};
    row.previous = new TokenRow.Previous();
    row.previous.version = 2;
    row.previous.codes = new int[] {1, 2, 3};
    row.time = 1_700_000_000_123L;
    return row;
  }

  private static ProducerRecord<byte[], byte[]> written(TokenRow row) {
    TokenSerializer serializer = new TokenSerializer("p.tokens");
    serializer.open(null, null);
    return serializer.serialize(row, null, 1L);
  }

  @Test
  void aTokenSaysAllOfItsRow() {
    ProducerRecord<byte[], byte[]> record = written(row());
    assertThat(record.topic()).isEqualTo("p.tokens");
    assertThat(record.key()).containsExactly(0xc3, 0xa4);
    // Brokers roll and compact by it, so it is the time of writing.
    assertThat(record.timestamp()).isNull();
    assertThat(record.headers()).isEmpty();
    assertThat(wire.decode(record.value(), ItemToken.class))
        .isEqualTo(
            ItemToken.newBuilder()
                .setItem("ä")
                .setVersion(3)
                .setCommit(4)
                .setRevision(12_345_678_901L)
                .setCodes(List.of(7, 0, 255))
                .setSuffix(2)
                .setNearest(List.of(7, 0, 254))
                .setDistances(List.of(.5f, 1f, 2f))
                .setMargins(List.of(.1f, .2f, -.3f))
                .setPrevious(new TokenRef(2, List.of(1, 2, 3), null))
                .setTime(Instant.ofEpochMilli(1_700_000_000_123L))
                .build());
  }

  @Test
  void aRemovalSaysInHeadersWhatItReplaces() {
    TokenRow row = row();
    row.removed = true;
    ProducerRecord<byte[], byte[]> record = written(row);
    assertThat(record.value()).isNull();
    assertThat(header(record, TokenHeaders.COMMIT)).isEqualTo("4".getBytes());
    assertThat(header(record, TokenHeaders.VERSION)).isEqualTo("3".getBytes());
    assertThat(wire.decode(header(record, TokenHeaders.PREVIOUS), TokenRef.class))
        .isEqualTo(new TokenRef(2, List.of(1, 2, 3), null));

    row.previous = null;
    assertThat(written(row).headers())
        .extracting(Header::key)
        .containsExactlyInAnyOrder(TokenHeaders.COMMIT, TokenHeaders.VERSION);
  }

  private static byte[] header(ProducerRecord<byte[], byte[]> record, String name) {
    return record.headers().lastHeader(name).value();
  }

  /** What Flink does with it between Commit and the sink. */
  @Test
  void aVersionRecordTravelsAndIsWritten() throws Exception {
    VersionRecord version = new VersionRecord();
    version.setVersion(17);
    version.setState(VersionState.BEGIN);
    version.setRevision(5L);
    version.setModelDigest("ab");
    version.setChangedCodes(List.of(1L, 2L));
    version.setChangedPrefixes(List.of());
    version.setQuality(
        new Quality(List.of(.5), List.of(9.), .25, 1., 2., List.of(), List.of(3L), List.of()));
    version.setTime(Instant.ofEpochMilli(1_700_000_000_123L));

    var type = Records.type(VersionRecord.class).createSerializer(new SerializerConfigImpl());
    DataOutputSerializer out = new DataOutputSerializer(64);
    type.serialize(version, out);
    VersionRecord travelled = type.deserialize(new DataInputDeserializer(out.getCopyOfBuffer()));
    assertThat(travelled).isEqualTo(version);

    VersionSerializer serializer = new VersionSerializer(JobConfig.defaults());
    serializer.open(null, null);
    ProducerRecord<byte[], byte[]> record = serializer.serialize(travelled, null, null);
    assertThat(record.key()).isEqualTo("BEGIN/17".getBytes());
    assertThat(wire.decode(record.value(), VersionRecord.class)).isEqualTo(version);
  }
}
