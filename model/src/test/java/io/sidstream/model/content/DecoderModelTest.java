package io.sidstream.model.content;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.model.StoredFile;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.quantize.Metric;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class DecoderModelTest {
  private static final int[] DIMS = {2, 3, 4};

  private static DecoderModel model() {
    float[] weights = new float[3 * 3 + 4 * 4];
    Rng rng = new Rng(1);
    for (int i = 0; i < weights.length; i++) {
      weights[i] = rng.nextGaussian();
    }
    return new DecoderModel(DIMS, weights);
  }

  /** g as the paper has it, in double precision. */
  @Test
  void decodesLayerByLayer() {
    float[] z = {.5f, -2f, 1f, 3f};
    float[] w = model().weights();
    float[] x = model().decode(z, 2, new EncodeResult());
    assertThat(x).hasSize(8);
    for (int row = 0; row < 2; row++) {
      double[] hidden = new double[3];
      for (int j = 0; j < 3; j++) {
        hidden[j] = Math.max(0, z[2 * row] * w[j] + z[2 * row + 1] * w[3 + j] + w[6 + j]);
      }
      for (int j = 0; j < 4; j++) {
        double expected = w[9 + 12 + j];
        for (int i = 0; i < 3; i++) {
          expected += hidden[i] * w[9 + 4 * i + j];
        }
        assertThat((double) x[4 * row + j]).isCloseTo(expected, Offset.offset(1e-5));
      }
    }
  }

  /** What it decodes is what the reconstruction loss was measured on. */
  @Test
  void isTheDecoderOfTheQuantizer() {
    int n = 64;
    int d = 6;
    RqVaeConfig config =
        new RqVaeConfig(
            d,
            List.of(8),
            4,
            8,
            List.of(Metric.COSINE, Metric.EUCLIDEAN),
            RqVaeConfig.StraightThrough.ROTATION,
            1f,
            1f);
    RqVae vae = new RqVae(config, new Rng(3));
    float[] x = new float[n * d];
    Rng rng = new Rng(4);
    for (int i = 0; i < x.length; i++) {
      x[i] = rng.nextGaussian();
    }
    vae.initialiseCodebooks(x, n, new Rng(5));
    vae.forwardTrain(x, n);
    DecoderModel decoder = DecoderModel.fromBytes(vae.decoder().toBytes());
    assertThat(decoder.dims()).containsExactly(4, 8, d);
    float[] decoded = decoder.decode(Arrays.copyOf(vae.z(), n * 4), n, new EncodeResult());
    double sum = 0;
    for (int i = 0; i < x.length; i++) {
      sum += (double) (decoded[i] - x[i]) * (decoded[i] - x[i]);
    }
    assertThat(sum / n).isCloseTo(vae.reconstructionLoss(), Offset.offset(1e-4));
  }

  @Test
  void readsTheStoredBytesOfFormat1() throws IOException {
    byte[] stored = StoredFile.read("decoder-1.sidd");
    DecoderModel read = DecoderModel.fromBytes(stored);
    assertThat(read.dims()).isEqualTo(DIMS);
    assertThat(read.weights()).isEqualTo(model().weights());
    assertThat(model().toBytes()).isEqualTo(stored);
  }

  /** Writes the stored example of the current format into the folder that is given. */
  public static void main(String[] arguments) throws IOException {
    StoredFile.write(arguments[0], "decoder-1.sidd", model().toBytes());
  }

  @Test
  void refusesWhatIsNoDecoder() {
    byte[] bytes = model().toBytes();
    for (int n = 0; n < bytes.length; n++) {
      byte[] cut = Arrays.copyOf(bytes, n);
      assertThatThrownBy(() -> DecoderModel.fromBytes(cut))
          .as("%d bytes", n)
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> DecoderModel.fromBytes(Arrays.copyOf(bytes, bytes.length + 1)))
        .hasMessageContaining("needs 100 bytes of weights, 101 are there");
    assertThatThrownBy(() -> DecoderModel.fromBytes(with(0, 1)))
        .hasMessageContaining("do not start with SIDD");
    assertThatThrownBy(() -> DecoderModel.fromBytes(with(4, 9)))
        .hasMessage("a decoder of format 9; this version reads format 1");
    for (int at : new int[] {8, 12, 16, 20}) {
      for (int wrong : new int[] {Integer.MAX_VALUE, Integer.MAX_VALUE - 1, 1 << 30, 0, -1}) {
        assertThatThrownBy(() -> DecoderModel.fromBytes(with(at, wrong)))
            .as("%d at %d", wrong, at)
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
    assertThatThrownBy(() -> model().decode(new float[3], 2, new EncodeResult()))
        .hasMessage("a batch of 2 x 2 needs 4 values, not 3");
  }

  private static byte[] with(int at, int value) {
    byte[] bytes = model().toBytes();
    ByteBuffer.wrap(bytes).putInt(at, value);
    return bytes;
  }
}
