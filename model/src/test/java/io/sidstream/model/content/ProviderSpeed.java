package io.sidstream.model.content;

import io.sidstream.model.math.Blas;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.EncodeResult;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.Arrays;
import java.util.Locale;

/**
 * What encoding costs on a provider of matrix products: 384→512→256→64 and 3 x 256, items a second
 * of the thread's processor time, medians. One line a provider:
 *
 * <pre>{@code
 * ./mvnw -pl model test-compile dependency:build-classpath -Dmdep.outputFile=/tmp/cp
 * for p in openblas nd4j java; do
 *   java -Dsidstream.blas=$p -cp model/target/classes:model/target/test-classes:$(cat /tmp/cp) \
 *     io.sidstream.model.content.ProviderSpeed
 * done
 * }</pre>
 */
final class ProviderSpeed {
  private static final int TURNS = 15;
  private static final double TURN_SECONDS = 0.2;

  private ProviderSpeed() {}

  public static void main(String[] none) {
    ThreadMXBean times = ManagementFactory.getThreadMXBean();
    TokenizerModel model = TokenizerModelTest.random(1);
    StringBuilder line = new StringBuilder(Blas.provider());
    for (int batch : new int[] {1, 32, 256, 4096}) {
      float[] x = TokenizerModelTest.gaussian(new Rng(2), batch * model.inputDim());
      EncodeResult result = new EncodeResult();
      double[] rates = new double[TURNS];
      for (int turn = -3; turn < TURNS; turn++) {
        long start = times.getCurrentThreadCpuTime();
        long items = 0;
        double seconds;
        do {
          model.encode(x, batch, null, result);
          items += batch;
          seconds = (times.getCurrentThreadCpuTime() - start) / 1e9;
        } while (seconds < TURN_SECONDS);
        if (turn >= 0) {
          rates[turn] = items / seconds;
        }
      }
      Arrays.sort(rates);
      line.append(String.format(Locale.ROOT, " | %d: %,.0f", batch, rates[TURNS / 2]));
    }
    System.out.println(line);
  }
}
