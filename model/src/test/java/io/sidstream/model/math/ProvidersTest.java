package io.sidstream.model.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.model.quantize.ResidualQuantizerTest;
import io.sidstream.model.recommend.LossTest;
import io.sidstream.model.recommend.SequenceRecommenderTest;
import java.io.File;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.junit.platform.engine.discovery.DiscoverySelectors;
import org.junit.platform.launcher.LauncherDiscoveryRequest;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;

/**
 * Each provider of matrix products, in a JVM of its own, as it is chosen once: what the tests of
 * this package and of the models on top ask of the one that is chosen by itself.
 */
class ProvidersTest {
  private static final List<Class<?>> MATHEMATICS = List.of(BlasTest.class, RowProductTest.class);

  /** Of the models, so that it takes seconds; {@code -Dsidstream.blas=nd4j} runs all tests so. */
  private static final List<Class<?>> MODELS =
      List.of(ResidualQuantizerTest.class, SequenceRecommenderTest.class, LossTest.class);

  @ParameterizedTest
  @ValueSource(strings = {"openblas", "nd4j", "java"})
  void theMathematicsOnEachProvider(String provider) throws Exception {
    String output =
        run(List.of("-D" + Blas.PROVIDER_PROPERTY + "=" + provider), path -> true, MATHEMATICS);
    assertThat(output).contains("provider " + provider + ", failed 0,");
    if (provider.equals("openblas") && Path.of("/proc/self/maps").toFile().exists()) {
      // Without ND4J in the JVM the test of the one copy of OpenBLAS runs.
      assertThat(output).contains("skipped 0");
    }
  }

  @Test
  void theModelsOnNd4jWhereTheTunedLibraryIsNotThere() throws Exception {
    String output = run(List.of(), path -> !path.contains("netlib"), MODELS);
    assertThat(output).contains("provider nd4j, failed 0,");
  }

  @Test
  void plainJavaWhereNoNativeLibraryIsThere() throws Exception {
    String output = run(List.of(), path -> !path.contains("bytedeco"), List.of(LossTest.class));
    assertThat(output).contains("provider java, failed 0,");
  }

  @Test
  void aProviderThatIsForcedAndNotThereIsNamed() throws Exception {
    String output =
        run(
            List.of("-D" + Blas.PROVIDER_PROPERTY + "=openblas"),
            path -> !path.contains("bytedeco"),
            List.of(LossTest.class));
    assertThat(output)
        .contains("The provider of matrix products openblas does not load on ")
        .contains("-D" + Blas.PROVIDER_PROPERTY + "=java")
        .doesNotContain("failed 0");
  }

  @Test
  void anUnknownProviderIsRefusedWithTheChoice() {
    assertThatThrownBy(() -> Providers.choose("mkl"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("'mkl'; set it to auto or one of [openblas, nd4j, java]");
  }

  @Test
  void wrongProductsAreRefused() {
    // First the one of this JVM: netlib looks for its library once.
    Blas.provider();
    Products right = Providers.choose("java");
    Products wrong = new Wrong(right);
    SelfCheck.check(right);
    assertThatThrownBy(() -> SelfCheck.check(wrong))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("wrong (the last element is off)")
        .hasMessageContaining("n=1021");
  }

  /** As a library that is wrong at one edge of wide matrices. */
  private record Wrong(Products right) implements Products {
    @Override
    public String name() {
      return "wrong";
    }

    @Override
    public String description() {
      return "the last element is off";
    }

    @Override
    public void sgemm(
        boolean transA,
        boolean transB,
        int m,
        int n,
        int k,
        float alpha,
        float[] a,
        int aOff,
        int lda,
        float[] b,
        int bOff,
        int ldb,
        float beta,
        float[] c,
        int cOff,
        int ldc) {
      right.sgemm(transA, transB, m, n, k, alpha, a, aOff, lda, b, bOff, ldb, beta, c, cOff, ldc);
      if (n > 1000) {
        c[cOff + (m - 1) * ldc + n - 1] += 0.1f;
      }
    }
  }

  private interface Kept {
    boolean test(String path);
  }

  /** Runs tests in a JVM with a part of this class path, and returns what it prints. */
  private static String run(List<String> flags, Kept kept, List<Class<?>> tests) throws Exception {
    String path =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(flags);
    command.add("-cp");
    command.add(
        Arrays.stream(path.split(File.pathSeparator))
            .filter(kept::test)
            .collect(Collectors.joining(File.pathSeparator)));
    command.add(ProvidersTest.class.getName());
    tests.forEach(test -> command.add(test.getName()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    return output;
  }

  /** What runs in the other JVM: the tests of the named classes. */
  public static void main(String[] classes) {
    LauncherDiscoveryRequest request =
        LauncherDiscoveryRequestBuilder.request()
            .selectors(Stream.of(classes).map(DiscoverySelectors::selectClass).toList())
            .build();
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    LauncherFactory.create().execute(request, listener);
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    listener.getSummary().printFailuresTo(out, 20);
    if (listener.getSummary().getTestsSucceededCount() == 0) {
      out.println("no test has passed");
      return;
    }
    out.printf(
        "provider %s, failed %d, skipped %d, passed %d%n",
        Blas.provider(),
        listener.getSummary().getTotalFailureCount(),
        listener.getSummary().getTestsSkippedCount() + listener.getSummary().getTestsAbortedCount(),
        listener.getSummary().getTestsSucceededCount());
  }
}
