package io.sidstream.model.math;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * The plain Java products, in a JVM of their own, as {@link Blas#ENGINE_PROPERTY} is read once:
 * what {@link BlasTest} and {@link RowProductTest} ask of the native ones.
 */
class JavaEngineTest {
  @Test
  void thePlainJavaEngineGivesTheProducts() throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-D" + Blas.ENGINE_PROPERTY + "=java",
                "-cp",
                System.getProperty(
                    "surefire.test.class.path", System.getProperty("java.class.path")),
                JavaEngineTest.class.getName())
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).as("%s", output).isZero();
    assertThat(output).contains("engine java");
  }

  /** What runs in the other JVM; it ends by an exception where a product is wrong. */
  public static void main(String[] args) {
    System.out.println("engine " + Blas.engine());
    BlasTest products = new BlasTest();
    products.equalsTheTripleLoopWithOffsetsAndTransposes(33, 65, 17);
    products.equalsTheTripleLoopWithOffsetsAndTransposes(1, 256, 64);
    products.equalsTheTripleLoopWithOffsetsAndTransposes(7, 1, 1021);
    products.givesTheSameBitsWhateverTheNumberOfThreads(777, 2050, 40);
    products.takesTheRightHandColumnsOfAMatrix();
    RowProductTest rows = new RowProductTest();
    rows.equalsTheDoubleLoop(130, 70, 200);
    rows.theBitsOfARowDependOnItAlone(64, 64);
    rows.theBitsOfARowDependOnItAlone(70, 200);
  }
}
