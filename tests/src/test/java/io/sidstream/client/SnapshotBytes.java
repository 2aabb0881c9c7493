package io.sidstream.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.zip.CRC32C;

/** A client's snapshot, whose format is no one else's business, as bytes. */
public final class SnapshotBytes {
  private static final int CHECKSUM = 8;

  private SnapshotBytes() {}

  /**
   * Reads one.
   *
   * @param body what precedes the checksum, which is made here: a stranger can do that, too
   * @param file where it is put
   */
  public static void read(byte[] body, Path file) throws IOException {
    CRC32C crc = new CRC32C();
    crc.update(body);
    Files.write(
        file,
        ByteBuffer.allocate(body.length + CHECKSUM).put(body).putLong(crc.getValue()).array());
    Snapshot.read(file);
  }

  /** The body of a snapshot of two items, one with an embedding, at one version and the next. */
  public static byte[] example(Path file, byte[] codebooks) throws IOException {
    TableState state = new TableState(1);
    Token first = new Token(new int[] {1, 40_000}, 0, 1);
    state.row(new byte[] {'a'}, 1, first, null);
    state.row(new byte[] {'b'}, 1, new Token(new int[] {3, 4}, 2, 1), null);
    state.row(new byte[] {'a'}, 2, new Token(new int[] {1, 5}, 0, 2), first);
    state.embedding(new byte[] {'a'}, new float[] {0.5f, -1, 3});
    state.commit(new TokenView.Verified(1, 4, 2, 99, 1000));
    state.codebooks.put(2, new Codebooks(codebooks));
    new Snapshot("cluster/prefix", Map.of("tokens", Map.of(0, 5L, 3, 7L)), state).write(file);
    byte[] whole = Files.readAllBytes(file);
    return java.util.Arrays.copyOf(whole, whole.length - CHECKSUM);
  }
}
