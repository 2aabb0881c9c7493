package io.sidstream.schemas;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.SchemaCompatibility;
import org.apache.avro.SchemaCompatibility.SchemaCompatibilityType;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.specific.SpecificRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ReleasedSchemasTest {
  static List<Schema> present() {
    return ReleasedSchemas.PRESENT;
  }

  @ParameterizedTest
  @MethodSource("present")
  void everyVersionReadsEveryOther(Schema present) {
    List<Schema> versions = new ArrayList<>(List.of(present));
    for (String release : ReleasedSchemas.RELEASES) {
      Schema released = ReleasedSchemas.of(release, present.getName());
      if (released != null) {
        versions.add(released);
      }
    }
    assertThat(versions).hasSizeGreaterThan(1);
    for (Schema reader : versions) {
      for (Schema writer : versions) {
        var result = SchemaCompatibility.checkReaderWriterCompatibility(reader, writer);
        assertThat(result.getType())
            .as(result.getDescription())
            .isEqualTo(SchemaCompatibilityType.COMPATIBLE);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("present")
  void theNewestReleaseIsThePresent(Schema present) {
    String newest = ReleasedSchemas.RELEASES.get(ReleasedSchemas.RELEASES.size() - 1);
    assertThat(
            SchemaNormalization.parsingFingerprint64(ReleasedSchemas.of(newest, present.getName())))
        .as(
            "%s differs from released/%s: add a release, never change one",
            present.getName(), newest)
        .isEqualTo(SchemaNormalization.parsingFingerprint64(present));
  }

  @Test
  void storedBytesOfEveryReleaseAreRead() throws IOException {
    WireFormat wire = new WireFormat();
    for (String release : ReleasedSchemas.RELEASES) {
      for (SpecificRecord sample : Samples.all()) {
        String name = "/samples/" + release + "/" + sample.getSchema().getName() + ".bin";
        try (InputStream in = getClass().getResourceAsStream(name)) {
          assertThat(in).as(name).isNotNull();
          assertThat(wire.decode(in.readAllBytes(), sample.getClass())).as(name).isEqualTo(sample);
        }
      }
    }
  }

  @Test
  void noTwoRecordsShareAFingerprint() {
    assertThat(ReleasedSchemas.all())
        .extracting(Schema::getFullName)
        .contains("io.sidstream.schemas.TokenRef");
  }
}
