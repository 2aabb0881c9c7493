package io.sidstream.tests;

import io.sidstream.cli.main.Main;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** The {@code sidstream} command as a process of its own. */
final class Command implements AutoCloseable {
  private final Process process;
  private final Path output;

  private Command(Process process, Path output) {
    this.process = process;
    this.output = output;
  }

  /**
   * Starts it.
   *
   * @param output file that its standard output and error go to
   */
  static Command start(Path output, List<String> arguments) throws IOException {
    return start(output, arguments, List.of(), Map.of());
  }

  /** As {@link #start(Path, List)}, with options of the JVM and variables of its environment. */
  static Command start(
      Path output, List<String> arguments, List<String> jvm, Map<String, String> environment)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx1g", "-XX:+ExitOnOutOfMemoryError", "-XX:TieredStopAtLevel=1"));
    // Flink's jars of tests have a configuration of their own, which would win.
    command.add("-Dlog4j2.configurationFile=log4j2.properties");
    command.addAll(jvm);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(arguments);
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().putAll(environment);
    return new Command(builder.start(), output);
  }

  /** What it has printed. */
  String output() throws IOException {
    return Files.readString(output, StandardCharsets.UTF_8);
  }

  boolean running() {
    return process.isAlive();
  }

  /** Its exit code. */
  int await(long seconds) throws InterruptedException, IOException {
    if (!process.waitFor(seconds, TimeUnit.SECONDS)) {
      throw new AssertionError("still running after " + seconds + " s:\n" + output());
    }
    return process.exitValue();
  }

  /** {@code kill -9}. */
  void kill() throws InterruptedException {
    process.destroyForcibly();
    process.waitFor();
  }

  /** {@code kill}, as an operator or Ctrl-C does. */
  void terminate() {
    process.destroy();
  }

  /** Kills it, where it still runs, and waits: its folders are deleted next. */
  @Override
  public void close() {
    process.destroyForcibly();
    process.onExit().join();
  }
}
