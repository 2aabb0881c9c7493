package io.sidstream.model.learn;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;

/**
 * What the merge made of a round, as it goes back to the shards.
 *
 * @param round number of the round
 * @param version token version in use from here on
 * @param tokenizer its tokenizer, where the version begins with this round; else null
 * @param merged what all shards go on from; null where there is one shard, which goes on from its
 *     own
 */
public record MergedRound(long round, int version, byte[] tokenizer, RoundResult merged) {
  /** "SIDM". */
  private static final int MAGIC = 0x5349444D;

  private static final int FORMAT = 1;

  /** Weights that the shards go on from; null for their own. */
  public RoundResult.Weights weights() {
    return merged == null ? null : merged.weights();
  }

  /** Embeddings that the shards go on from. */
  public List<RoundResult.Embedding> embeddings() {
    return merged == null ? List.of() : merged.embeddings();
  }

  /** As bytes: magic, format, round, version, tokenizer (-1 for none), and the merged result. */
  public byte[] toBytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 20);
    try {
      DataOutputStream out = new DataOutputStream(bytes);
      out.writeInt(MAGIC);
      out.writeInt(FORMAT);
      out.writeLong(round);
      out.writeInt(version);
      out.writeInt(tokenizer == null ? -1 : tokenizer.length);
      if (tokenizer != null) {
        out.write(tokenizer);
      }
      out.writeBoolean(merged != null);
      if (merged != null) {
        RoundResultFormat.write(merged, out);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /**
   * What {@link #toBytes} gave.
   *
   * @throws IllegalArgumentException for bytes that are foreign, damaged or cut off
   */
  public static MergedRound fromBytes(byte[] bytes) {
    try {
      DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
      if (in.readInt() != MAGIC) {
        throw new IOException("it does not begin with SIDM");
      }
      int format = in.readInt();
      if (format != FORMAT) {
        throw new IOException("format " + format + "; this version reads format " + FORMAT);
      }
      long round = in.readLong();
      int version = in.readInt();
      int length = in.readInt();
      if (length > in.available()) {
        throw new IOException("a tokenizer of " + length + " bytes in " + bytes.length);
      }
      byte[] tokenizer = length < 0 ? null : in.readNBytes(length);
      return new MergedRound(
          round, version, tokenizer, in.readBoolean() ? RoundResultFormat.read(in) : null);
    } catch (IOException e) {
      throw new IllegalArgumentException("not a merged round: " + e.getMessage(), e);
    }
  }
}
