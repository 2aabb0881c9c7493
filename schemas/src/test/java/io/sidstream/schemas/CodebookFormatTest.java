package io.sidstream.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.schemas.CodebookFormat.Level;
import io.sidstream.schemas.CodebookFormat.LevelMetric;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CodebookFormatTest {
  private static final List<Level> LEVELS =
      List.of(
          new Level(LevelMetric.COSINE, 2, 2, new float[] {1, 0, 0, -1}),
          new Level(LevelMetric.EUCLIDEAN, 1, 2, new float[] {.5f, -0f}));

  @Test
  void isWhatTheDescriptionSays() {
    assertThat(HexFormat.of().formatHex(CodebookFormat.write(LEVELS)))
        .isEqualTo(
            "53494443"
                + "00000001"
                + "00000002"
                + ("00000000" + "00000002" + "00000002")
                + ("3f800000" + "00000000" + "00000000" + "bf800000")
                + ("00000001" + "00000001" + "00000002")
                + ("3f000000" + "80000000"));
  }

  @Test
  void readsWhatItWrote() {
    List<Level> read = CodebookFormat.read(CodebookFormat.write(LEVELS));
    assertThat(read).hasSize(2);
    for (int l = 0; l < 2; l++) {
      assertThat(read.get(l).metric()).isEqualTo(LEVELS.get(l).metric());
      assertThat(read.get(l).size()).isEqualTo(LEVELS.get(l).size());
      assertThat(read.get(l).dim()).isEqualTo(2);
      assertThat(read.get(l).codewords()).isEqualTo(LEVELS.get(l).codewords());
    }
  }

  @Test
  void refusesEveryTruncationAndMore() {
    byte[] bytes = CodebookFormat.write(LEVELS);
    for (int n = 0; n < bytes.length; n++) {
      byte[] cut = Arrays.copyOf(bytes, n);
      assertThatThrownBy(() -> CodebookFormat.read(cut))
          .as("%d bytes", n)
          .isInstanceOf(ModelPartException.class);
    }
    assertThatThrownBy(() -> CodebookFormat.read(Arrays.copyOf(bytes, bytes.length + 3)))
        .hasMessageContaining("3 bytes behind their last level");
  }

  @Test
  void namesWhatIsWrong() {
    assertThatThrownBy(() -> CodebookFormat.read(with(0, 3)))
        .hasMessageContaining("do not start with SIDC")
        .hasMessageContaining("earlier build");
    assertThatThrownBy(() -> CodebookFormat.read(with(4, 2)))
        .hasMessage("codebooks of format 2; this version reads format 1");
    assertThatThrownBy(() -> CodebookFormat.read(with(8, 256)))
        .hasMessage("codebooks of 256 levels; expected: 1..255");
    assertThatThrownBy(() -> CodebookFormat.read(with(12, 2)))
        .hasMessageContaining("level 1 has metric 2; expected: 0 (cosine) or 1 (Euclidean)");
    assertThatThrownBy(() -> CodebookFormat.read(with(48, 1)))
        .hasMessageContaining("level 2 says 1 codewords of 1 numbers, 8 bytes are left, the first");
    // No memory for what cannot be there.
    for (int huge : new int[] {Integer.MAX_VALUE, -1, 0}) {
      assertThatThrownBy(() -> CodebookFormat.read(with(16, huge)))
          .isInstanceOf(ModelPartException.class)
          .hasMessageContaining("level 1 says " + huge + " codewords");
    }
  }

  @Test
  void refusesOrReadsAnyBytes() {
    Random random = new Random(1);
    byte[] good = CodebookFormat.write(LEVELS);
    int read = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = good.clone();
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      try {
        CodebookFormat.read(bytes);
        read++;
      } catch (ModelPartException e) {
        assertThat(e.getMessage()).isNotBlank();
      }
    }
    assertThat(read).isBetween(1, 19_999);
  }

  @Test
  void writesNoCodebooksThatCannotBeRead() {
    assertThatThrownBy(() -> CodebookFormat.write(List.of())).hasMessageContaining("0 levels");
    assertThatThrownBy(() -> new Level(LevelMetric.COSINE, 2, 2, new float[3]))
        .hasMessageContaining("2 codewords of 2 numbers, 3 numbers are given");
    Level narrow = new Level(LevelMetric.COSINE, 1, 1, new float[1]);
    assertThatThrownBy(() -> CodebookFormat.write(List.of(LEVELS.get(0), narrow)))
        .hasMessageContaining("codewords of 2 and of 1 numbers");
  }

  private static byte[] with(int at, int value) {
    byte[] bytes = CodebookFormat.write(LEVELS);
    ByteBuffer.wrap(bytes).putInt(at, value);
    return bytes;
  }
}
