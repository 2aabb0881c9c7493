package io.sidstream.lab.jmh;

import io.sidstream.model.content.RqVae;
import io.sidstream.model.content.RqVaeConfig;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.EncodeResult;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/**
 * A batch through the encoder 384→512→256→64 and 3 x 256 codewords, and through the quantizer
 * alone, which takes the 64 numbers that the encoder gives.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class EncodeBenchmark {
  private static final int FITTED_ROWS = 4096;

  /** Rows of a batch. */
  @Param({"1", "32", "256", "4096"})
  public int batch;

  private float[] x;
  private float[] latent;
  private TokenizerModel model;
  private final EncodeResult result = new EncodeResult();

  /** A quantizer whose codebooks are initialised on random vectors. */
  @Setup
  public void fit() {
    RqVaeConfig config = RqVaeConfig.paper(384);
    Rng rng = new Rng(1);
    x = gaussian(FITTED_ROWS * config.inputDim(), rng);
    RqVae vae = new RqVae(config, rng.split());
    vae.initialiseCodebooks(x, FITTED_ROWS, rng.split());
    model = vae.tokenizer(new float[config.levels()]);
    latent = gaussian(FITTED_ROWS * config.dim(), rng);
  }

  /** Numbers of about the size of those of a content vector. */
  static float[] gaussian(int n, Rng rng) {
    float[] out = new float[n];
    for (int i = 0; i < n; i++) {
      out[i] = rng.nextGaussian() / 20f;
    }
    return out;
  }

  /** Encoder and quantizer. */
  @Benchmark
  public int[] encode() {
    model.encode(x, batch, null, result);
    return result.codes;
  }

  /** The quantizer alone. */
  @Benchmark
  public int[] quantize() {
    model.quantizer().encode(latent, batch, result);
    return result.codes;
  }
}
