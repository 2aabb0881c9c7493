package io.sidstream.model.learn;

import java.nio.ByteBuffer;

/**
 * What is learnt of an item, apart from its content.
 *
 * @param version token version up to which the codes are up to date; of an item without codes the
 *     version in use when it came, from whose nearest codes it begins
 * @param codes {@code [levels]}; null for none yet
 * @param idSteps Adam's steps of the ID embedding
 * @param id the ID embedding, then Adam's moments, {@code [3, D_1]}; null where idSteps is 0
 */
public record LearnedRow(int version, int[] codes, int idSteps, float[] id) {
  private static final byte FORMAT = 1;

  /** Of an item that comes while a version is in use. */
  public static LearnedRow fresh(int version) {
    return new LearnedRow(version, null, 0, null);
  }

  /**
   * Format (1 byte), version (4), number of codes (1), codes (2 each), steps (4), floats (4 each).
   */
  public byte[] toBytes() {
    int levels = codes == null ? 0 : codes.length;
    int floats = idSteps == 0 ? 0 : id.length;
    ByteBuffer out = ByteBuffer.allocate(10 + 2 * levels + 4 * floats);
    out.put(FORMAT).putInt(version).put((byte) levels);
    for (int l = 0; l < levels; l++) {
      out.putShort((short) codes[l]);
    }
    out.putInt(idSteps);
    for (int i = 0; i < floats; i++) {
      out.putFloat(id[i]);
    }
    return out.array();
  }

  /**
   * Reads what {@link #toBytes} wrote.
   *
   * @throws IllegalStateException for another format
   */
  public static LearnedRow fromBytes(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    byte format = in.get();
    if (format != FORMAT) {
      throw new IllegalStateException(
          "what is learnt of an item has format "
              + format
              + ", this version reads format "
              + FORMAT
              + ": start from a savepoint of a matching release");
    }
    int version = in.getInt();
    int levels = in.get();
    int[] codes = levels == 0 ? null : new int[levels];
    for (int l = 0; l < levels; l++) {
      codes[l] = in.getShort() & 0xffff;
    }
    int steps = in.getInt();
    float[] id = steps == 0 ? null : new float[in.remaining() / 4];
    for (int i = 0; steps > 0 && i < id.length; i++) {
      id[i] = in.getFloat();
    }
    return new LearnedRow(version, codes, steps, id);
  }
}
