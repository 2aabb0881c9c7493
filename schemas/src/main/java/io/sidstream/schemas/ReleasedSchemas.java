package io.sidstream.schemas;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;

/**
 * Every schema that a record on a topic can have been written with: those of each release, kept as
 * resources {@code released/<release>/<record>.avsc} and never changed, and the present ones.
 */
public final class ReleasedSchemas {
  /** The releases, oldest first. */
  public static final List<String> RELEASES = List.of("0.1", "0.2");

  /** The records that topics carry. */
  public static final List<Schema> PRESENT =
      List.of(
          ControlMessage.getClassSchema(),
          DeadLetter.getClassSchema(),
          IdEmbedding.getClassSchema(),
          InteractionEvent.getClassSchema(),
          ItemEvent.getClassSchema(),
          ItemToken.getClassSchema(),
          ModelPart.getClassSchema(),
          VersionRecord.getClassSchema());

  private static final Map<Long, Schema> BY_FINGERPRINT = index();

  private ReleasedSchemas() {}

  /** The schema with a CRC-64-AVRO fingerprint, or null. */
  static Schema byFingerprint(long fingerprint) {
    return BY_FINGERPRINT.get(fingerprint);
  }

  /**
   * The schema of a record in a release.
   *
   * @param record simple name, such as ItemEvent
   * @return the schema, or null where the release did not have the record
   */
  public static Schema of(String release, String record) {
    String resource = "/released/" + release + "/" + record + ".avsc";
    try (InputStream in = ReleasedSchemas.class.getResourceAsStream(resource)) {
      return in == null ? null : new Schema.Parser().parse(in);
    } catch (IOException e) {
      throw new UncheckedIOException("resource " + resource + " cannot be read", e);
    }
  }

  /** All schemas by fingerprint. */
  static Collection<Schema> all() {
    return BY_FINGERPRINT.values();
  }

  private static Map<Long, Schema> index() {
    Map<Long, Schema> index = new LinkedHashMap<>();
    for (Schema present : PRESENT) {
      add(present, index);
      for (String release : RELEASES) {
        Schema released = of(release, present.getName());
        if (released != null) {
          add(released, index);
        }
      }
    }
    return Collections.unmodifiableMap(index);
  }

  /** Adds a record and the records inside it, which may stand alone in a Kafka header. */
  private static void add(Schema schema, Map<Long, Schema> index) {
    switch (schema.getType()) {
      case RECORD -> {
        if (index.putIfAbsent(SchemaNormalization.parsingFingerprint64(schema), schema) == null) {
          schema.getFields().forEach(f -> add(f.schema(), index));
        }
      }
      case UNION -> schema.getTypes().forEach(s -> add(s, index));
      case ARRAY -> add(schema.getElementType(), index);
      case MAP -> add(schema.getValueType(), index);
      default -> {}
    }
  }
}
