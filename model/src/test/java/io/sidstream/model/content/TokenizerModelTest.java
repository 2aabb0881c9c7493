package io.sidstream.model.content;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.model.file.Sha256;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.quantize.ResidualQuantizer;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenizerModelTest {
  private static final int[] DIMS = {384, 512, 256, 64};

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 32, 300, 1021})
  void anItemsResultDoesNotDependOnItsBatch(int batch) {
    TokenizerModel model = random(1);
    int n = 1021;
    float[] x = gaussian(new Rng(2), n * 384);
    EncodeResult whole = new EncodeResult(true);
    model.encode(x, n, null, whole);
    EncodeResult part = new EncodeResult(true);
    for (int from = 0; from < n; from += batch) {
      int rows = Math.min(batch, n - from);
      model.encode(Arrays.copyOfRange(x, from * 384, (from + rows) * 384), rows, null, part);
      assertThat(Arrays.copyOf(part.codes, rows * 3))
          .isEqualTo(Arrays.copyOfRange(whole.codes, from * 3, (from + rows) * 3));
      assertThat(Arrays.copyOf(part.z, rows * 64))
          .isEqualTo(Arrays.copyOfRange(whole.z, from * 64, (from + rows) * 64));
      assertThat(Arrays.copyOf(part.distances, rows * 3))
          .isEqualTo(Arrays.copyOfRange(whole.distances, from * 3, (from + rows) * 3));
      assertThat(Arrays.copyOf(part.margins, rows * 3))
          .isEqualTo(Arrays.copyOfRange(whole.margins, from * 3, (from + rows) * 3));
      assertThat(part.lastDistances(rows - 1)).isEqualTo(whole.lastDistances(from + rows - 1));
    }
  }

  @Test
  void survivesItsBytes() {
    TokenizerModel model = random(3);
    TokenizerModel read = TokenizerModel.fromBytes(model.toBytes());
    assertThat(read.digest()).isEqualTo(model.digest()).hasSize(64);
    assertThat(read.tolerance()).isEqualTo(model.tolerance());
    float[] x = gaussian(new Rng(4), 5 * 384);
    EncodeResult a = new EncodeResult();
    EncodeResult b = new EncodeResult();
    model.encode(x, 5, null, a);
    read.encode(x, 5, null, b);
    assertThat(b.codes).isEqualTo(a.codes);
    assertThat(b.z).isEqualTo(a.z);
  }

  @Test
  void refusesForeignAndCorruptBytes() {
    byte[] bytes = random(5).toBytes();
    bytes[bytes.length / 2] ^= 1;
    assertThatThrownBy(() -> TokenizerModel.fromBytes(bytes)).hasMessageContaining("SHA-256");
    assertThatThrownBy(() -> TokenizerModel.fromBytes(Arrays.copyOf(random(5).toBytes(), 1000)))
        .hasMessageContaining("truncated");
    assertThatThrownBy(() -> TokenizerModel.fromBytes(new byte[100])).hasMessageContaining("SIDT");
  }

  /** As if their digest were right: sizes beyond the bytes, and a name that is no text. */
  @Test
  void refusesSizesThatTheBytesDoNotHave() {
    byte[] bytes = random(5).toBytes();
    int levels = bytes.length - 32 - 3 * (4 + 4 * 256 * 64 + 4) - 2 * (2 + 6) - (2 + 9) - 4;
    for (int at : new int[] {8, 12, 16, levels, levels + 4, levels + 6, levels + 12}) {
      for (int number : new int[] {-1, 0, Integer.MAX_VALUE, 0x00ffffff}) {
        byte[] content = Arrays.copyOf(bytes, bytes.length - 32);
        ByteBuffer.wrap(content).putInt(at, number);
        byte[] whole = Arrays.copyOf(content, bytes.length);
        byte[] digest = Sha256.of(content, content.length);
        System.arraycopy(digest, 0, whole, content.length, digest.length);
        assertThatThrownBy(() -> TokenizerModel.fromBytes(whole))
            .as("%d at %d", number, at)
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
  }

  @Test
  void namesTheRowThatIsNotFinite() {
    float[] x = gaussian(new Rng(6), 9 * 384);
    x[7 * 384 + 5] = Float.NaN;
    assertThatThrownBy(() -> random(5).encode(x, 9, null, new EncodeResult()))
        .hasMessageContaining("Row 7");
  }

  static TokenizerModel random(long seed) {
    Rng rng = new Rng(seed);
    float[] weights = gaussian(rng, new Layers(DIMS).size());
    Kernels.scale(0.05f, weights, 0, weights.length);
    Codebook[] books = new Codebook[3];
    for (int l = 0; l < 3; l++) {
      float[] words = gaussian(rng, 256 * 64);
      Metric metric = l < 2 ? Metric.COSINE : Metric.EUCLIDEAN;
      if (metric == Metric.COSINE) {
        Kernels.normaliseRows(words, 0, 256, 64);
      }
      books[l] = new Codebook(metric, 256, 64, words);
    }
    return new TokenizerModel(
        DIMS, weights, new ResidualQuantizer(List.of(books)), new float[] {0.1f, 0.1f, 0.1f});
  }

  static float[] gaussian(Rng rng, int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = rng.nextGaussian();
    }
    return x;
  }
}
