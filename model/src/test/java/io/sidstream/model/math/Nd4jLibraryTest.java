package io.sidstream.model.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

class Nd4jLibraryTest {
  private static final Path THREADS = Path.of("/proc/self/task");

  @Test
  void aLargeProductIsTheWorkOfOneThread() throws IOException {
    assumeTrue(Files.isDirectory(THREADS), "Linux");
    Nd4jLibrary.load();
    INDArray a = Nd4j.ones(DataType.FLOAT, 1200, 1200).dup('f');
    INDArray c = Nd4j.create(DataType.FLOAT, new long[] {1200, 1200}, 'f');
    Nd4j.gemm(a, a, c, false, false, 1f, 0f);
    Map<Path, Long> before = times();
    for (int i = 0; i < 20; i++) {
      Nd4j.gemm(a, a, c, false, false, 1f, 0f);
    }
    Map<Path, Long> after = times();
    assertThat(c.getFloat(7, 11)).isEqualTo(1200f);
    List<Long> work =
        after.keySet().stream().map(t -> after.get(t) - before.getOrDefault(t, 0L)).toList();
    long most = work.stream().mapToLong(Long::longValue).max().orElseThrow();
    long all = work.stream().mapToLong(Long::longValue).sum();
    assertThat(most).as("hundredths of a second of the thread that works most").isGreaterThan(10);
    // Two threads would share it evenly; the compiler and the collector take some, too.
    assertThat(most).as("of %d hundredths", all).isGreaterThan(all * 2 / 3);
  }

  /** Processor time of every thread, in hundredths of a second. */
  private static Map<Path, Long> times() throws IOException {
    Map<Path, Long> times = new HashMap<>();
    try (Stream<Path> threads = Files.list(THREADS)) {
      for (Path thread : threads.toList()) {
        String line;
        try {
          line = Files.readString(thread.resolve("stat"));
        } catch (IOException e) {
          continue; // it has ended
        }
        String[] fields = line.substring(line.lastIndexOf(')') + 2).split(" ");
        times.put(thread, Long.parseLong(fields[11]) + Long.parseLong(fields[12]));
      }
    }
    return times;
  }
}
