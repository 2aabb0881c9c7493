package io.sidstream.lab.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;

/** What the numeric benchmarks have in common. */
final class BenchOptions {
  @Option(
      names = "--repeats",
      defaultValue = "5",
      paramLabel = "N",
      description =
          "Times that the programs are measured in turn; medians are printed (default: ${DEFAULT-VALUE}).")
  int repeats;

  @Option(
      names = "--python",
      paramLabel = "FILE",
      description = "The Python that has torch (default: python3, then /usr/bin/python3).")
  String python;

  @Option(
      names = "--peer",
      paramLabel = "FILE",
      description = "The PyTorch peer (default: lab/peers/pytorch_peer.py).")
  Path peer;

  @Option(names = "--no-peers", description = "Measure sidstream alone.")
  boolean noPeers;

  @Option(
      names = "--keep-environment",
      description = "Leave OPENBLAS_* as they are set, instead of running without them.")
  boolean keepEnvironment;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the JSON there, too.")
  Path json;

  void check() {
    if (repeats < 1) {
      throw new UsageException("--repeats " + repeats + ": it must be 1 or more");
    }
    if (peer != null && !Files.isRegularFile(peer)) {
      throw new UsageException("--peer " + peer + " is not a file");
    }
    OutputFile.check(
        List.of(new OutputFile.Named("--json", json)),
        List.of(new OutputFile.Named("--peer", peer)));
  }

  /** Whether this process is not the one to measure in. */
  boolean relaunch() {
    return CleanProcess.needed() && !keepEnvironment;
  }

  /** Runs the same command of the same program in a clean process. */
  static int again(CommandSpec spec) throws IOException, InterruptedException {
    CommandSpec root = spec.root();
    return CleanProcess.run(
        root.userObject().getClass().getName(), root.commandLine().getParseResult().originalArgs());
  }

  /** What was measured on. */
  static Map<String, Object> machine() {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("java", System.getProperty("java.version"));
    out.put("processors", Runtime.getRuntime().availableProcessors());
    out.put("cpu", cpu());
    out.put("threads", 1);
    out.put("clock", "CPU time of the thread; under 'wall' by the clock");
    out.put("openblasEnvironment", openblasVariables());
    return out;
  }

  /** The OPENBLAS_ variables that are set: they pin a kernel. */
  static Map<String, String> openblasVariables() {
    Map<String, String> pinned = new TreeMap<>();
    System.getenv()
        .forEach(
            (name, value) -> {
              if (name.startsWith("OPENBLAS_")) {
                pinned.put(name, value);
              }
            });
    return pinned;
  }

  private static String cpu() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      return lines
          .filter(line -> line.startsWith("model name"))
          .map(line -> line.replaceAll("^[^:]*:\\s*", ""))
          .findFirst()
          .orElse("unknown");
    } catch (IOException e) {
      return "unknown";
    }
  }

  void print(PrintWriter out, Map<String, Object> report) throws IOException {
    print(out, json, report);
  }

  /** Prints a report, and writes it to a file where there is one. */
  static void print(PrintWriter out, Path json, Map<String, Object> report) throws IOException {
    ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    out.println(mapper.writeValueAsString(report));
    out.flush();
    if (json != null) {
      OutputFile.write(json, to -> mapper.writeValue(to, report));
    }
  }

  static void write(Path file, float[] values) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write(bytes.array());
    }
  }

  static void write(Path file, int[] values) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(Integer.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(values);
    try (OutputStream out = Files.newOutputStream(file)) {
      out.write(bytes.array());
    }
  }
}
