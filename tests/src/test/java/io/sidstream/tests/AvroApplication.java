package io.sidstream.tests;

import io.sidstream.client.TokenTable;
import java.io.ByteArrayOutputStream;
import java.nio.file.Path;
import java.time.Duration;
import org.apache.avro.Schema;
import org.apache.avro.generic.GenericData;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.EncoderFactory;

/**
 * An application that has an Avro of its own and opens a token table: {@code BROKER PREFIX FOLDER}.
 * Prints the Avro that it met, what its own record became, and the table.
 */
final class AvroApplication {
  private AvroApplication() {}

  /** Opens the table, uses Avro, prints. */
  public static void main(String[] args) throws Exception {
    System.out.println(
        "avro "
            + Path.of(Schema.class.getProtectionDomain().getCodeSource().getLocation().toURI())
                .getFileName());
    try (TokenTable table =
        TokenTable.builder(args[0]).prefix(args[1]).snapshots(Path.of(args[2])).open()) {
      table.await(1, Duration.ofSeconds(60));
      System.out.println("own " + roundTrip());
      System.out.println("version " + table.version() + " a " + table.get("a"));
    }
  }

  private static GenericRecord roundTrip() throws Exception {
    Schema schema =
        new Schema.Parser()
            .parse(
                "{\"type\":\"record\",\"name\":\"Own\",\"fields\":[{\"name\":\"n\",\"type\":\"int\"}]}");
    GenericRecord record = new GenericData.Record(schema);
    record.put("n", 7);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    var encoder = EncoderFactory.get().binaryEncoder(bytes, null);
    new GenericDatumWriter<GenericRecord>(schema).write(record, encoder);
    encoder.flush();
    return new GenericDatumReader<GenericRecord>(schema)
        .read(null, DecoderFactory.get().binaryDecoder(bytes.toByteArray(), null));
  }
}
