package io.sidstream.schemas;

import java.io.EOFException;
import java.io.IOException;
import java.util.List;
import org.apache.avro.Schema;

/**
 * Walks over the bytes of a datum without making anything of them, so that a length that is more
 * than there is (or negative) is found before memory is taken for it. Costs a few per cent of
 * reading: arrays of floats are stepped over.
 */
final class DatumLength {
  private static final Schema KEY = Schema.create(Schema.Type.STRING);

  private final byte[] bytes;
  private int at;

  private DatumLength(byte[] bytes, int from) {
    this.bytes = bytes;
    this.at = from;
  }

  /**
   * Checks all lengths of a datum.
   *
   * @param schema the writer's
   * @throws EOFException where the datum needs more bytes than there are
   * @throws IOException where a number, length or branch cannot be
   */
  static void check(Schema schema, byte[] bytes, int from) throws IOException {
    new DatumLength(bytes, from).skip(schema);
  }

  private void skip(Schema schema) throws IOException {
    switch (schema.getType()) {
      case NULL -> {}
      case BOOLEAN -> skipBytes(1);
      case INT, LONG, ENUM -> readLong();
      case FLOAT -> skipBytes(4);
      case DOUBLE -> skipBytes(8);
      case STRING, BYTES -> skipBytes(readLong());
      case FIXED -> skipBytes(schema.getFixedSize());
      case RECORD -> {
        List<Schema.Field> fields = schema.getFields();
        for (int i = 0; i < fields.size(); i++) {
          skip(fields.get(i).schema());
        }
      }
      case UNION -> {
        long branch = readLong();
        if (branch < 0 || branch >= schema.getTypes().size()) {
          throw new IOException("branch " + branch + " of a union of " + schema.getTypes().size());
        }
        skip(schema.getTypes().get((int) branch));
      }
      case ARRAY -> skipBlocks(null, schema.getElementType());
      case MAP -> skipBlocks(KEY, schema.getValueType());
    }
  }

  private void skipBlocks(Schema key, Schema value) throws IOException {
    for (long n = readLong(); n != 0; n = readLong()) {
      if (n < 0) {
        readLong(); // the block's length in bytes, which a reader does not need
        n = -n;
      }
      // Every element of our schemas takes at least a byte.
      if (n < 0 || n > bytes.length - at) {
        throw new EOFException(n + " elements announced, " + (bytes.length - at) + " bytes left");
      }
      if (value.getType() == Schema.Type.FLOAT && key == null) {
        skipBytes(4 * n);
        continue;
      }
      for (long i = 0; i < n; i++) {
        if (key != null) {
          skip(key);
        }
        skip(value);
      }
    }
  }

  private void skipBytes(long n) throws IOException {
    if (n < 0) {
      throw new IOException("length " + n);
    }
    if (n > bytes.length - at) {
      throw new EOFException(n + " bytes announced, " + (bytes.length - at) + " left");
    }
    at += (int) n;
  }

  /** A zigzag variable-length number. */
  private long readLong() throws IOException {
    long raw = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      if (at == bytes.length) {
        throw new EOFException("within a number");
      }
      byte b = bytes[at++];
      raw |= (long) (b & 0x7F) << shift;
      if (b >= 0) {
        return raw >>> 1 ^ -(raw & 1);
      }
    }
    throw new IOException("number of more than 10 bytes");
  }
}
