package io.sidstream.schemas;

import io.sidstream.schemas.WireFormatException.Problem;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongFunction;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.SystemLimitException;
import org.apache.avro.io.BinaryDecoder;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.DecoderFactory;
import org.apache.avro.io.Encoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.io.ResolvingDecoder;
import org.apache.avro.specific.SpecificDatumReader;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecord;

/**
 * Records to bytes and back, in Avro's single-object encoding: {@code C3 01}, the CRC-64-AVRO
 * fingerprint of the writer's schema as 8 bytes little-endian, the datum. A reader resolves any
 * {@linkplain ReleasedSchemas released schema} to the present one.
 *
 * <pre>{@code
 * WireFormat wire = new WireFormat();
 * byte[] value = wire.encode(event);
 * ItemEvent again = wire.decode(value, ItemEvent.class);
 * }</pre>
 *
 * <p>An instance keeps buffers: it is for one thread.
 *
 * @see <a
 *     href="https://avro.apache.org/docs/1.12.0/specification/#single-object-encoding">Single-object
 *     encoding</a>
 */
public final class WireFormat {
  private static final int HEADER = 10;
  private static final byte MARKER_0 = (byte) 0xC3;
  private static final byte MARKER_1 = 0x01;

  private final LongFunction<Schema> schemas;
  private final Map<Class<?>, Writer> writers = new HashMap<>();
  private final Map<Class<?>, Map<Long, Reader>> readers = new HashMap<>();
  private final ByteArrayOutputStream out = new ByteArrayOutputStream(4096);
  private BinaryEncoder encoder;
  private BinaryDecoder decoder;

  /** Reads what any release wrote. */
  public WireFormat() {
    this(ReleasedSchemas::byFingerprint);
  }

  /**
   * Reads what was written with the schemas that are given by their fingerprints, null for unknown.
   */
  WireFormat(LongFunction<Schema> schemas) {
    this.schemas = schemas;
  }

  /** Writes a record. */
  public byte[] encode(SpecificRecord record) {
    Writer writer = writers.get(record.getClass());
    if (writer == null) {
      writer = new Writer(record);
      writers.put(record.getClass(), writer);
    }
    out.reset();
    out.writeBytes(writer.header);
    encoder = EncoderFactory.get().binaryEncoder(out, encoder);
    try {
      writer.write(record, encoder);
      encoder.flush();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return out.toByteArray();
  }

  /**
   * Reads a record.
   *
   * @throws WireFormatException where the bytes are anything but one record of this class
   */
  public <T extends SpecificRecord> T decode(byte[] bytes, Class<T> type) {
    if (bytes.length < HEADER) {
      throw refuse(
          Problem.TOO_SHORT,
          "value has " + bytes.length + " bytes; marker and fingerprint alone have " + HEADER,
          null);
    }
    if (bytes[0] != MARKER_0 || bytes[1] != MARKER_1) {
      throw refuse(
          Problem.BAD_MARKER,
          String.format(
              "value begins with %02X %02X%s; Avro's single-object encoding begins with C3 01",
              bytes[0], bytes[1], looksLike(bytes)),
          null);
    }
    long fingerprint = 0;
    for (int i = HEADER - 1; i >= 2; i--) {
      fingerprint = fingerprint << 8 | (bytes[i] & 0xFF);
    }
    Reader reader = reader(fingerprint, type);
    decoder = DecoderFactory.get().binaryDecoder(bytes, HEADER, bytes.length - HEADER, decoder);
    Object record;
    int left;
    try {
      DatumLength.check(reader.getSchema(), bytes, HEADER);
      record = reader.read(null, decoder);
      left = decoder.remainingBytes();
    } catch (EOFException | SystemLimitException e) {
      throw refuse(
          Problem.TRUNCATED,
          type.getSimpleName() + " of " + bytes.length + " bytes ends too early: " + message(e),
          e);
    } catch (IOException | RuntimeException e) {
      throw refuse(
          Problem.MALFORMED,
          type.getSimpleName() + " of " + bytes.length + " bytes is malformed: " + message(e),
          e);
    }
    if (left > 0) {
      throw refuse(
          Problem.TRAILING_BYTES,
          type.getSimpleName() + " of " + bytes.length + " bytes has " + left + " too many",
          null);
    }
    return type.cast(record);
  }

  /** What other producers send by mistake. */
  private static String looksLike(byte[] bytes) {
    if (bytes[0] == '{' || bytes[0] == '[') {
      return " and looks like JSON";
    }
    if (bytes[0] == 0) {
      return " and looks like a schema registry's format";
    }
    return bytes[0] == 'O' && bytes[1] == 'b' ? " and looks like an Avro file" : "";
  }

  private Reader reader(long fingerprint, Class<?> type) {
    Map<Long, Reader> known = readers.computeIfAbsent(type, t -> new HashMap<>());
    Reader reader = known.get(fingerprint);
    if (reader == null) {
      Schema present = OwnRecords.schema(type);
      Schema writer = schemas.apply(fingerprint);
      if (writer == null) {
        throw refuse(
            Problem.UNKNOWN_SCHEMA,
            String.format(
                "schema fingerprint %016x is not that of a released schema; %s is %016x",
                fingerprint, present.getName(), SchemaNormalization.parsingFingerprint64(present)),
            null);
      }
      if (!writer.getFullName().equals(present.getFullName())) {
        throw refuse(
            Problem.WRONG_SCHEMA,
            "value is a " + writer.getName() + "; expected is a " + present.getName(),
            null);
      }
      reader = new Reader(writer, present, type);
      known.put(fingerprint, reader);
    }
    return reader;
  }

  private static WireFormatException refuse(Problem problem, String message, Throwable cause) {
    return new WireFormatException(problem, message, cause);
  }

  private static String message(Exception e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }

  private static final class Writer extends SpecificDatumWriter<SpecificRecord> {
    final byte[] header = new byte[HEADER];

    Writer(SpecificRecord record) {
      super(record.getSchema(), new OwnRecords(record.getClass()));
      Schema schema = record.getSchema();
      header[0] = MARKER_0;
      header[1] = MARKER_1;
      long fingerprint = SchemaNormalization.parsingFingerprint64(schema);
      for (int i = 2; i < HEADER; i++) {
        header[i] = (byte) (fingerprint >>> 8 * (i - 2));
      }
    }

    /** As inherited, but a list of numbers is written as a whole. */
    @Override
    protected void writeArray(Schema schema, Object datum, Encoder to) throws IOException {
      if (!(datum instanceof FloatList floats)) {
        super.writeArray(schema, datum, to);
        return;
      }
      to.writeArrayStart();
      to.setItemCount(floats.size());
      floats.write(to);
      to.writeArrayEnd();
    }
  }

  private final class Reader extends SpecificDatumReader<SpecificRecord> {
    /** Whether what was written is what is read, so that floats need not be resolved. */
    private final boolean same;

    Reader(Schema writer, Schema present, Class<?> type) {
      super(writer, present, new OwnRecords(type));
      same =
          SchemaNormalization.parsingFingerprint64(writer)
              == SchemaNormalization.parsingFingerprint64(present);
    }

    /** As inherited, but a block of floats is read as a whole. */
    @Override
    protected Object readArray(Object old, Schema expected, ResolvingDecoder in)
        throws IOException {
      if (!same || expected.getElementType().getType() != Schema.Type.FLOAT) {
        return super.readArray(old, expected, in);
      }
      float[] values = {};
      int size = 0;
      for (long n = in.readArrayStart(); n > 0; n = in.arrayNext()) {
        int needed = size + (int) n;
        if (needed > values.length) {
          // Doubled, as a stranger may send blocks of one element.
          values = Arrays.copyOf(values, size == 0 ? needed : Math.max(needed, 2 * size));
        }
        // The resolving decoder counts blocks alone; their elements pass it by.
        FloatList.read(decoder, values, size, (int) n);
        size = needed;
      }
      return new FloatList(size == values.length ? values : Arrays.copyOf(values, size));
    }
  }
}
