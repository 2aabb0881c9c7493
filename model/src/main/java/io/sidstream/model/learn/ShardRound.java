package io.sidstream.model.learn;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A shard's round as it is sent to the merge.
 *
 * @param result what it came to; without weights where the round took no step
 * @param failure why the round failed and left the model as it was; null where it did not
 */
public record ShardRound(RoundResult result, String failure) {
  /** A round that failed: its events are consumed, and nothing is learnt of them. */
  public static ShardRound failed(RoundInput in, List<RoundResult.Embedding> gone, String why) {
    RoundResult.Figures none =
        new RoundResult.Figures(
            in.totals().items(),
            in.totals().interactions(),
            in.totals().waiting(),
            0,
            0,
            0,
            0,
            new io.sidstream.model.evaluate.Prequential.Result(),
            0);
    return new ShardRound(new RoundResult(in.shard(), in.round(), none, null, gone, null), why);
  }

  /** As bytes: the failure (UTF-8 behind its length, -1 for none), then the result. */
  public byte[] toBytes() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 20);
    try {
      DataOutputStream out = new DataOutputStream(bytes);
      byte[] text = failure == null ? null : failure.getBytes(StandardCharsets.UTF_8);
      out.writeInt(text == null ? -1 : text.length);
      if (text != null) {
        out.write(text);
      }
      RoundResultFormat.write(result, out);
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
  public static ShardRound fromBytes(byte[] bytes) {
    try {
      DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
      int length = in.readInt();
      if (length > in.available()) {
        throw new IOException("a text of " + length + " bytes in " + bytes.length);
      }
      String failure =
          length < 0 ? null : new String(in.readNBytes(length), StandardCharsets.UTF_8);
      return new ShardRound(RoundResultFormat.read(in), failure);
    } catch (IOException e) {
      throw new IllegalArgumentException("not the round of a shard: " + e.getMessage(), e);
    }
  }
}
