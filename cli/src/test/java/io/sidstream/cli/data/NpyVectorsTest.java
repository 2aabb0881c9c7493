package io.sidstream.cli.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.cli.UsageException;
import io.sidstream.model.file.Npy;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NpyVectorsTest {
  @TempDir Path folder;

  @Test
  void convertsEveryKindOfHalf() {
    assertThat(Npy.halfToFloat((short) 0x0000)).isEqualTo(0f);
    assertThat(Float.floatToRawIntBits(Npy.halfToFloat((short) 0x8000)))
        .isEqualTo(Float.floatToRawIntBits(-0f));
    assertThat(Npy.halfToFloat((short) 0x3c00)).isEqualTo(1f);
    assertThat(Npy.halfToFloat((short) 0xc000)).isEqualTo(-2f);
    assertThat(Npy.halfToFloat((short) 0x7bff)).isEqualTo(65504f);
    assertThat(Npy.halfToFloat((short) 0x0001)).isEqualTo(0x1p-24f);
    assertThat(Npy.halfToFloat((short) 0x03ff)).isEqualTo(1023 * 0x1p-24f);
    assertThat(Npy.halfToFloat((short) 0x3555)).isEqualTo(0.33325195f);
    assertThat(Npy.halfToFloat((short) 0x7c00)).isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(Npy.halfToFloat((short) 0xfc00)).isEqualTo(Float.NEGATIVE_INFINITY);
    assertThat(Npy.halfToFloat((short) 0x7e00)).isNaN();
  }

  @Test
  void readsRowsOfFloats() throws IOException {
    Path file = npy("<f4", "False", "(2, 3)", 1f, 2f, 3f, 4f, 5f, -6.5f);
    NpyVectors vectors = NpyVectors.open(file);
    assertThat(vectors.rows()).isEqualTo(2);
    assertThat(vectors.dim()).isEqualTo(3);
    assertThat(vectors.row(1)).containsExactly(4f, 5f, -6.5f);
    assertThatThrownBy(() -> vectors.row(2))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("2 rows")
        .hasMessageContaining("row 2");
  }

  @Test
  void saysWhatItExpects() throws IOException {
    assertWrong(npy("<f8", "False", "(1, 1)", 1f, 1f), "type <f8");
    assertWrong(npy("<f4", "True", "(1, 1)", 1f), "Fortran order");
    assertWrong(npy("<f4", "False", "(3,)", 1f, 2f, 3f), "has shape (3,); expected (N, D)");
    assertWrong(npy("<f4", "False", "(2, 2)", 1f), "shape (2, 2) needs 16");
    Path text = Files.writeString(folder.resolve("text.npy"), "not a NumPy file at all");
    assertWrong(text, "Not an npy file");
    assertWrong(folder.resolve("missing.npy"), "is not a file");
  }

  @Test
  void namesTheRowThatIsNotFinite() throws IOException {
    NpyVectors vectors = NpyVectors.open(npy("<f4", "False", "(2, 2)", 1f, 2f, 3f, Float.NaN));
    float[] out = new float[4];
    vectors.read(0, 1, out);
    assertThat(out).startsWith(1f, 2f);
    assertThatThrownBy(() -> vectors.read(0, 2, out))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("(2, 2) has NaN in row 1, column 1");
  }

  private static void assertWrong(Path file, String message) {
    assertThatThrownBy(() -> NpyVectors.open(file))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(message);
  }

  private Path npy(String type, String fortran, String shape, float... values) throws IOException {
    byte[] header =
        String.format("{'descr': '%s', 'fortran_order': %s, 'shape': %s, }\n", type, fortran, shape)
            .getBytes(StandardCharsets.ISO_8859_1);
    ByteBuffer out =
        ByteBuffer.allocate(10 + header.length + 4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    out.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0})
        .putShort((short) header.length)
        .put(header);
    for (float value : values) {
      out.putFloat(value);
    }
    return Files.write(folder.resolve("v" + System.nanoTime() + ".npy"), out.array());
  }
}
