package io.sidstream.cli.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** {@code bench/peers/pytorch_peer.py} as a child process that answers requests, one thread. */
final class PyTorchPeer implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> PYTHONS = List.of("python3", "/usr/bin/python3");

  private final Process process;
  private final BufferedWriter to;
  private final BufferedReader from;

  private PyTorchPeer(Process process) {
    this.process = process;
    to = process.outputWriter(StandardCharsets.UTF_8);
    from = process.inputReader(StandardCharsets.UTF_8);
  }

  /** What came of looking for a peer: it, or why there is none. */
  record Found(PyTorchPeer peer, JsonNode about, String skipped) {}

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
          "no " + (file == null ? "bench/peers/pytorch_peer.py" : file) + ": name it with --peer");
    }
    for (String candidate : python != null ? List.of(python) : PYTHONS) {
      PyTorchPeer peer;
      try {
        peer = new PyTorchPeer(builder(candidate, file.toString()).start());
      } catch (IOException e) {
        // There is no such program.
        continue;
      }
      JsonNode about = peer.answer("its start");
      if (!about.has("error")) {
        return new Found(peer, about, null);
      }
      peer.close();
    }
    return new Found(
        null,
        null,
        "no torch in "
            + (python != null ? python : PYTHONS)
            + ": apt-get install python3-torch libopenblas0");
  }

  /** Where the launcher says that the program is. */
  private static Path beside() {
    String home = System.getProperty("sidstream.home");
    return home == null ? null : Path.of(home, "bench", "peers", "pytorch_peer.py");
  }

  private static ProcessBuilder builder(String... command) {
    ProcessBuilder builder = new ProcessBuilder(command);
    CleanProcess.clean(builder.environment());
    builder.environment().putAll(Map.of("OMP_NUM_THREADS", "1", "OPENBLAS_NUM_THREADS", "1"));
    return builder.redirectError(ProcessBuilder.Redirect.INHERIT);
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
