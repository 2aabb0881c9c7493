package io.sidstream.model.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class NpyTest {
  @Test
  void floatsComeBackInEveryRank() throws IOException {
    float[] data = {1f, -2.5f, Float.NaN, Float.MIN_VALUE, 3e38f, 0f, -0f, 7f, 8f, 9f, 10f, 11f};
    for (int[] shape : new int[][] {{12}, {3, 4}, {2, 3, 2}, {12, 1}}) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      Npy.write(out, data, shape);
      assertThat((out.size() - 48) % 64).isZero();
      Npy.Floats read = Npy.readFloats(new ByteArrayInputStream(out.toByteArray()));
      assertThat(read.shape()).isEqualTo(shape);
      assertThat(Arrays.equals(read.data(), data)).isTrue();
    }
  }

  @Test
  void intsAndEmptyArraysComeBack() throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    Npy.write(out, new int[] {Integer.MIN_VALUE, 5}, 1, 2);
    Npy.Ints read = Npy.readInts(new ByteArrayInputStream(out.toByteArray()));
    assertThat(read.data()).containsExactly(Integer.MIN_VALUE, 5);
    out.reset();
    Npy.write(out, new float[0], 0, 384);
    assertThat(Npy.readFloats(new ByteArrayInputStream(out.toByteArray())).shape())
        .containsExactly(0, 384);
  }

  @Test
  void halfPrecisionIsWidened() throws IOException {
    int[] halves = {0x3C00, 0xC000, 0x0001, 0x7BFF, 0x7C00, 0x8000, 0x3555};
    ByteBuffer body = ByteBuffer.allocate(14).order(ByteOrder.LITTLE_ENDIAN);
    for (int half : halves) {
      body.putShort((short) half);
    }
    float[] read =
        Npy.readFloats(
                file("{'descr': '<f2', 'fortran_order': False, 'shape': (7,), }\n", body.array()))
            .data();
    assertThat(read)
        .containsExactly(1f, -2f, 0x1p-24f, 65504f, Float.POSITIVE_INFINITY, -0f, 0.333251953125f);
  }

  @Test
  void saysWhatIsWrong() {
    assertRefused(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2" + " ".repeat(60_000) + "x,), }",
        "is no dimension");
    assertRefused("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 2), }", "Fortran");
    assertRefused("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }", "'<f8'");
    assertRefused("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", "1 to 3 dimensions");
    assertRefused("{'descr': '<f4', 'fortran_order': False, 'shape': (9,), }", "truncated");
    assertRefused("{'descr': '<f2', 'fortran_order': False, 'shape': (1,), }", "goes on after");
    assertRefused("{'descr': '<f4', 'shape': (9,), }", "fortran_order");
    assertRefused(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999, 99999), }", "take fewer rows");
    assertRefused(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (600000000,), }",
        "2400000000 bytes; at most 2147483639 are read: take fewer rows");
    assertThatThrownBy(() -> Npy.readFloats(new ByteArrayInputStream(new byte[20])))
        .hasMessageContaining("NUMPY");
    assertThatThrownBy(() -> Npy.write(new ByteArrayOutputStream(), new float[5], 2, 3))
        .hasMessageContaining("needs 6");
  }

  private static void assertRefused(String header, String message) {
    assertThatThrownBy(() -> Npy.readFloats(file(header, new byte[4])))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(message);
  }

  private static ByteArrayInputStream file(String header, byte[] body) {
    byte[] text = header.getBytes(StandardCharsets.US_ASCII);
    ByteBuffer all =
        ByteBuffer.allocate(10 + text.length + body.length).order(ByteOrder.LITTLE_ENDIAN);
    all.put((byte) 0x93)
        .put("NUMPY".getBytes(StandardCharsets.US_ASCII))
        .put((byte) 1)
        .put((byte) 0);
    all.putShort((short) text.length).put(text).put(body);
    return new ByteArrayInputStream(all.array());
  }
}
