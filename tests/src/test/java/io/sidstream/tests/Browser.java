package io.sidstream.tests;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A headless Chromium with one page, led by the protocol of its developer tools. */
final class Browser implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Pattern LISTENS = Pattern.compile("DevTools listening on ws://([^/]+)/");

  private final Process process;
  private final WebSocket socket;
  private final AtomicInteger sent = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> waiting;

  private Browser(Process process, WebSocket socket, Map<Integer, CompletableFuture<JsonNode>> w) {
    this.process = process;
    this.socket = socket;
    this.waiting = w;
  }

  /** The browser's program, where there is one on the path. */
  static Optional<String> program() {
    for (String folder : System.getenv().getOrDefault("PATH", "").split(":")) {
      for (String name : List.of("chromium", "chromium-browser", "google-chrome")) {
        Path file = Path.of(folder, name);
        if (Files.isExecutable(file)) {
          return Optional.of(file.toString());
        }
      }
    }
    return Optional.empty();
  }

  /**
   * Starts it.
   *
   * @param profile an empty folder
   */
  static Browser start(String program, Path profile) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                program,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--hide-scrollbars",
                "--window-size=1600,1300",
                "--remote-debugging-port=0",
                "--user-data-dir=" + profile,
                "about:blank"));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try {
      String address = address(process);
      HttpClient http = HttpClient.newHttpClient();
      String page = null;
      long end = System.nanoTime() + Duration.ofSeconds(30).toNanos();
      while (page == null && System.nanoTime() < end) {
        String targets =
            http.send(
                    HttpRequest.newBuilder(URI.create("http://" + address + "/json")).build(),
                    BodyHandlers.ofString())
                .body();
        for (JsonNode target : JSON.readTree(targets)) {
          if (target.path("type").asText().equals("page")) {
            page = target.path("webSocketDebuggerUrl").asText();
          }
        }
      }
      if (page == null) {
        throw new IOException("the browser has no page");
      }
      Map<Integer, CompletableFuture<JsonNode>> waiting = new ConcurrentHashMap<>();
      WebSocket socket =
          http.newWebSocketBuilder()
              .buildAsync(URI.create(page), new Answers(waiting))
              .get(30, TimeUnit.SECONDS);
      return new Browser(process, socket, waiting);
    } catch (Exception e) {
      process.destroyForcibly();
      throw e;
    }
  }

  private static String address(Process process) throws IOException {
    BufferedReader said = process.inputReader(StandardCharsets.UTF_8);
    StringBuilder all = new StringBuilder();
    for (String line; (line = said.readLine()) != null; ) {
      Matcher listens = LISTENS.matcher(line);
      if (listens.find()) {
        // What it says from now on nobody reads; it must not wait for that.
        Thread rest =
            new Thread(
                () -> {
                  try {
                    said.transferTo(Writer.nullWriter());
                  } catch (IOException e) {
                    // It has ended.
                  }
                },
                "browser output");
        rest.setDaemon(true);
        rest.start();
        return listens.group(1);
      }
      all.append(line).append('\n');
    }
    throw new IOException("the browser has ended: " + all);
  }

  /** Goes to an address. */
  void open(String address) throws Exception {
    ask("Page.navigate", JSON.createObjectNode().put("url", address));
  }

  /** The value of an expression in the page; a string, number or truth value as text. */
  String value(String expression) throws Exception {
    JsonNode answer =
        ask(
            "Runtime.evaluate",
            JSON.createObjectNode().put("expression", expression).put("returnByValue", true));
    if (answer.has("exceptionDetails")) {
      throw new IOException(expression + " failed: " + answer.get("exceptionDetails"));
    }
    return answer.path("result").path("value").asText();
  }

  /** Keeps a picture of what is seen, as PNG. */
  void screenshot(Path png) throws Exception {
    JsonNode answer = ask("Page.captureScreenshot", JSON.createObjectNode().put("format", "png"));
    Files.createDirectories(png.getParent());
    Files.write(png, Base64.getDecoder().decode(answer.get("data").asText()));
  }

  private JsonNode ask(String method, ObjectNode parameters) throws Exception {
    int id = sent.incrementAndGet();
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    waiting.put(id, answer);
    ObjectNode message = JSON.createObjectNode().put("id", id).put("method", method);
    message.set("params", parameters);
    socket.sendText(message.toString(), true).get(30, TimeUnit.SECONDS);
    JsonNode got = answer.get(60, TimeUnit.SECONDS);
    if (got.has("error")) {
      throw new IOException(method + " failed: " + got.get("error"));
    }
    return got.path("result");
  }

  /** Hands each answer to who waits for it. */
  private static final class Answers implements WebSocket.Listener {
    private final Map<Integer, CompletableFuture<JsonNode>> waiting;
    private final StringBuilder part = new StringBuilder();

    Answers(Map<Integer, CompletableFuture<JsonNode>> waiting) {
      this.waiting = waiting;
    }

    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence text, boolean last) {
      part.append(text);
      if (last) {
        try {
          JsonNode message = JSON.readTree(part.toString());
          CompletableFuture<JsonNode> answer = waiting.remove(message.path("id").asInt());
          if (answer != null) {
            answer.complete(message);
          }
        } catch (IOException e) {
          throw new java.io.UncheckedIOException(e);
        } finally {
          part.setLength(0);
        }
      }
      socket.request(1);
      return null;
    }
  }

  @Override
  public void close() {
    process.destroyForcibly();
    process.onExit().join();
  }
}
