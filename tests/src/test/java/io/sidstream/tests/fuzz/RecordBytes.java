package io.sidstream.tests.fuzz;

import io.sidstream.schemas.ControlMessage;
import io.sidstream.schemas.DeadLetter;
import io.sidstream.schemas.IdEmbedding;
import io.sidstream.schemas.InteractionEvent;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.TokenRef;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.WireFormat;
import io.sidstream.schemas.WireFormatException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;
import org.apache.avro.util.RandomData;

/** Values of the topics; the first byte of an input says of which. */
final class RecordBytes {
  private static final List<Class<? extends SpecificRecord>> TYPES =
      List.of(
          ItemEvent.class,
          InteractionEvent.class,
          ItemToken.class,
          VersionRecord.class,
          ControlMessage.class,
          ModelPart.class,
          IdEmbedding.class,
          DeadLetter.class,
          TokenRef.class);

  private static final WireFormat WIRE = new WireFormat();

  private RecordBytes() {}

  static Decoder decoder() throws IOException {
    Decoder decoder = new Decoder("records", RecordBytes::read, WireFormatException.class);
    for (int t = 0; t < TYPES.size(); t++) {
      Schema schema = SpecificData.get().getSchema(TYPES.get(t));
      for (Object random : new RandomData(schema, 4, 7)) {
        decoder.seed(bytes(t, schema, random));
      }
    }
    return decoder;
  }

  private static byte[] bytes(int type, Schema schema, Object datum) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(type);
    out.write(0xC3);
    out.write(1);
    out.write(
        ByteBuffer.allocate(8)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(SchemaNormalization.parsingFingerprint64(schema))
            .array());
    BinaryEncoder encoder = EncoderFactory.get().binaryEncoder(out, null);
    new GenericDatumWriter<Object>(schema).write(datum, encoder);
    encoder.flush();
    return out.toByteArray();
  }

  /** What can be read can be written, and read again. */
  private static void read(byte[] input) {
    if (input.length == 0) {
      return;
    }
    Class<? extends SpecificRecord> type = TYPES.get((input[0] & 0xff) % TYPES.size());
    SpecificRecord record = WIRE.decode(Arrays.copyOfRange(input, 1, input.length), type);
    byte[] again = WIRE.encode(record);
    try {
      WIRE.decode(again, type);
    } catch (WireFormatException e) {
      throw new IllegalStateException("what was read and written cannot be read: " + record, e);
    }
  }
}
