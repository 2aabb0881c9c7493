package io.sidstream.lab.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * {@code lab/peers/pytorch_peer.py} as a child process that answers requests, one thread.
 *
 * <p>It runs with the fastest kernels that its OpenBLAS has here: one that is older than the
 * processor may take it for another (0.3.21 takes an Emerald Rapids for a Prescott, at a fifth of
 * the speed), and a comparison with that would say nothing.
 */
final class PyTorchPeer implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> PYTHONS = List.of("python3", "/usr/bin/python3");

  /** Values of OPENBLAS_CORETYPE that are tried beside what OpenBLAS detects. */
  private static final List<String> KERNELS = List.of("SkylakeX", "Haswell");

  /** Of the GFLOP/s of the kernels so far: what lies below may be noise. */
  private static final double CLEARLY_FASTER = 1.1;

  private final Process process;
  private final BufferedWriter to;
  private final BufferedReader from;

  private PyTorchPeer(Process process) {
    this.process = process;
    to = process.outputWriter(StandardCharsets.UTF_8);
    from = process.inputReader(StandardCharsets.UTF_8);
  }

  /** What came of looking for a peer: it and what it says of itself, or why there is none. */
  record Found(PyTorchPeer peer, JsonNode about, String skipped) {
    double gflops() {
      return about.path("sgemmGflops").asDouble();
    }
  }

  /**
   * Starts the peer.
   *
   * @param python the interpreter; null to look for one that has torch
   * @param script the peer's script; null for the one beside this program
   */
  static Found find(String python, Path script) throws IOException {
    Path file = script != null ? script : beside();
    if (file == null || !Files.isRegularFile(file)) {
      return new Found(
          null,
          null,
          "no " + (file == null ? "lab/peers/pytorch_peer.py" : file) + ": name it with --peer");
    }
    for (String candidate : python != null ? List.of(python) : PYTHONS) {
      Found best = start(candidate, file, null);
      if (best != null) {
        for (String kernel : KERNELS) {
          Found other = start(candidate, file, kernel);
          if (other == null) {
            continue;
          }
          boolean faster = other.gflops() > CLEARLY_FASTER * best.gflops();
          (faster ? best : other).peer.close();
          best = faster ? other : best;
        }
        return best;
      }
    }
    return new Found(
        null,
        null,
        "no torch in "
            + (python != null ? python : PYTHONS)
            + ": apt-get install python3-torch libopenblas0");
  }

  /**
   * A peer.
   *
   * @param kernel OPENBLAS_CORETYPE; null for what OpenBLAS detects
   * @return null where the program, torch or such a kernel is not to be had
   */
  private static Found start(String python, Path script, String kernel) throws IOException {
    ProcessBuilder builder = new ProcessBuilder(python, script.toString());
    CleanProcess.clean(builder.environment());
    builder.environment().putAll(Map.of("OMP_NUM_THREADS", "1", "OPENBLAS_NUM_THREADS", "1"));
    if (kernel != null) {
      builder.environment().put("OPENBLAS_CORETYPE", kernel);
    }
    PyTorchPeer peer;
    try {
      peer = new PyTorchPeer(builder.redirectError(ProcessBuilder.Redirect.INHERIT).start());
    } catch (IOException e) {
      // There is no such program.
      return null;
    }
    try {
      if (peer.answer("its start") instanceof ObjectNode about && !about.has("error")) {
        about.put("kernel", kernel == null ? "detected" : kernel);
        return new Found(peer, about, null);
      }
    } catch (IOException e) {
      // It ended: the processor has no such instructions.
    }
    peer.close();
    return null;
  }

  /** Where the launcher says that the program is. */
  private static Path beside() {
    String home = System.getProperty("sidstream.home");
    return home == null ? null : Path.of(home, "lab", "peers", "pytorch_peer.py");
  }

  /** Sends a request and waits for its answer. */
  JsonNode ask(Map<String, ?> request) throws IOException {
    to.write(JSON.writeValueAsString(request));
    to.newLine();
    to.flush();
    return answer(String.valueOf(request.get("op")));
  }

  private JsonNode answer(String what) throws IOException {
    String answer = from.readLine();
    if (answer == null) {
      throw new IOException("the PyTorch peer ended on " + what);
    }
    return JSON.readTree(answer);
  }

  @Override
  public void close() throws IOException {
    to.close();
    from.close();
    try {
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
