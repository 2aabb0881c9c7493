package io.sidstream.lab.bench;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A process whose environment does not choose a kernel. {@code OPENBLAS_CORETYPE} and its like pin
 * one that may be slow here, for this program and for its peers alike; the library reads them when
 * it loads, so only a new process is free of them.
 */
final class CleanProcess {
  private static final String PINNED = "OPENBLAS_";

  private CleanProcess() {}

  /** Whether this process's environment pins something. */
  static boolean needed() {
    return System.getenv().keySet().stream().anyMatch(name -> name.startsWith(PINNED));
  }

  /** Takes out what pins a kernel. */
  static void clean(Map<String, String> environment) {
    environment.keySet().removeIf(name -> name.startsWith(PINNED));
  }

  /**
   * Runs the sidstream command again, in a clean process with the same JVM and the same streams.
   *
   * @return its exit code
   */
  static int run(String mainClass, List<String> args) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), mainClass));
    command.addAll(args);
    ProcessBuilder builder = new ProcessBuilder(command).inheritIO();
    clean(builder.environment());
    return builder.start().waitFor();
  }
}
