package io.sidstream.client;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.schemas.CodebookFormat;
import io.sidstream.schemas.CodebookFormat.Level;
import io.sidstream.schemas.CodebookFormat.LevelMetric;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SnapshotTest {
  private static final Map<String, Map<Integer, Long>> OFFSETS =
      Map.of("models", Map.of(0, 12L), "tokens", Map.of(0, 5L, 3, 7_000_000_000L));
  private static final TokenView.Verified FIRST = new TokenView.Verified(1, 4, 2, 99, 1000);
  private static final TokenView.Verified SECOND = new TokenView.Verified(2, 6, 2, -5, 2000);

  @TempDir private Path folder;

  /**
   * Two items of version 1 at the floor; version 2 moves one and adds a third. What {@code
   * snapshot-2.sidt} in the test resources was written from; {@link #main} writes it.
   */
  private static TableState example() {
    TableState state = new TableState(1);
    state.row(bytes("a"), 1, new Token(new int[] {1, 40_000}, 0, 1), null);
    state.row(bytes("ü"), 1, new Token(new int[] {3, 4}, 2, 1), null);
    state.row(
        bytes("a"), 2, new Token(new int[] {1, 5}, 0, 2), new Token(new int[] {1, 40_000}, 0, 1));
    state.row(bytes("c"), 2, new Token(new int[] {0, 0}, 0, 2), null);
    state.embedding(bytes("a"), new float[] {0.5f, -1, 3});
    state.commit(FIRST);
    state.commit(SECOND);
    state.codebooks.put(2, new Codebooks(codebooks()));
    return state;
  }

  private static byte[] codebooks() {
    return CodebookFormat.write(
        List.of(
            new Level(LevelMetric.COSINE, 2, 1, new float[] {1, -1}),
            new Level(LevelMetric.EUCLIDEAN, 2, 1, new float[] {0.25f, 8})));
  }

  private static byte[] bytes(String item) {
    return item.getBytes(StandardCharsets.UTF_8);
  }

  /** Writes the stored example of the current format to the path that is given. */
  public static void main(String[] arguments) throws IOException {
    new Snapshot("cluster/prefix", OFFSETS, example()).write(Path.of(arguments[0]));
  }

  private Path stored() throws IOException {
    return stored(2);
  }

  private Path stored(int format) throws IOException {
    Path file = folder.resolve("stored");
    try (InputStream in = getClass().getResourceAsStream("snapshot-" + format + ".sidt")) {
      Files.copy(in, file);
    }
    return file;
  }

  @Test
  void readsTheStoredFileOfFormat2() throws IOException {
    Snapshot read = Snapshot.read(stored());
    assertThat(read.source()).isEqualTo("cluster/prefix");
    assertThat(read.offsets()).isEqualTo(OFFSETS);
    TableState state = read.state();
    assertThat(state.floor).isEqualTo(1);
    assertThat(state.levels()).isEqualTo(2);
    assertThat(state.items.size()).isEqualTo(3);
    for (int row = 0; row < 3; row++) {
      assertThat(state.items.index().name(row)).isEqualTo(new String[] {"a", "ü", "c"}[row]);
    }
    assertThat(state.base.get(0)).isEqualTo(new Token(new int[] {1, 40_000}, 0, 1));
    assertThat(state.base.get(1)).isEqualTo(new Token(new int[] {3, 4}, 2, 1));
    assertThat(state.base.get(2)).isNull();
    assertThat(state.baseItems).isEqualTo(2);
    assertThat(state.baseChecksum).isEqualTo(example().baseChecksum);
    assertThat(state.above).containsOnlyKeys(2);
    Overlay overlay = state.above.get(2);
    assertThat(overlay.size()).isEqualTo(2);
    assertThat(overlay.token(overlay.find(0))).isEqualTo(new Token(new int[] {1, 5}, 0, 2));
    assertThat(overlay.token(overlay.find(2))).isEqualTo(new Token(new int[] {0, 0}, 0, 2));
    assertThat(state.itemsAt(2)).isEqualTo(3);
    assertThat(state.checksumAt(2)).isEqualTo(example().checksumAt(2));
    assertThat(state.commits).containsOnly(Map.entry(1, FIRST), Map.entry(2, SECOND));
    float[] e = new float[3];
    assertThat(state.embeddings.dim()).isEqualTo(3);
    assertThat(state.embeddings.get(0, e, 0)).isTrue();
    assertThat(e).containsExactly(0.5f, -1, 3);
    assertThat(state.embeddings.get(1, e, 0)).isFalse();
    assertThat(state.codebooks).containsOnlyKeys(2);
    assertThat(state.codebooks.get(2).bytes()).isEqualTo(codebooks());
  }

  @Test
  void refusesTheStoredFileOfFormat1() throws IOException {
    Path file = stored(1);
    assertThatThrownBy(() -> Snapshot.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("this release reads 53494454 2");
  }

  @Test
  void refusesEveryTruncationAndEveryFlippedByte() throws IOException {
    byte[] bytes = Files.readAllBytes(stored());
    Path file = folder.resolve("damaged");
    for (int i = 0; i < bytes.length; i++) {
      Files.write(file, java.util.Arrays.copyOf(bytes, i));
      assertThatThrownBy(() -> Snapshot.read(file))
          .as("%d bytes", i)
          .isInstanceOf(IOException.class);
      byte[] flipped = bytes.clone();
      flipped[i] ^= 0x10;
      Files.write(file, flipped);
      assertThatThrownBy(() -> Snapshot.read(file))
          .as("byte %d", i)
          .isInstanceOf(IOException.class);
    }
  }

  /** A checksum says that the disk is sound, not who wrote the file. */
  @Test
  void trustsNoNumberBecauseTheChecksumAgrees() throws IOException {
    byte[] bytes = Files.readAllBytes(stored());
    Path file = folder.resolve("forged");
    int refused = 0;
    for (int at = 8; at + 4 <= bytes.length - 8; at++) {
      for (int number : new int[] {-1, Integer.MAX_VALUE, 0x01000000}) {
        byte[] forged = bytes.clone();
        ByteBuffer.wrap(forged).putInt(at, number);
        CRC32C crc = new CRC32C();
        crc.update(forged, 0, forged.length - 8);
        ByteBuffer.wrap(forged).putLong(forged.length - 8, crc.getValue());
        Files.write(file, forged);
        try {
          Snapshot.read(file);
        } catch (IOException e) {
          refused++;
        }
      }
    }
    assertThat(refused).isGreaterThan(100);
  }
}
