package io.sidstream.cli.browser;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A headless Chromium with one page, used as a person would: keys, media, size; and what it
 * complains of. By its DevTools protocol.
 */
public final class Chromium implements AutoCloseable {
  /** Options of every run. */
  public static final List<String> OPTIONS =
      List.of(
          "--headless",
          "--no-sandbox",
          "--disable-gpu",
          "--disable-quic",
          "--no-first-run",
          "--disable-background-networking",
          "--disable-component-update",
          "--disable-sync",
          "--hide-scrollbars");

  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Process process;
  private final Path profile;
  private final WebSocket socket;
  private final AtomicInteger ids = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> waiting = new ConcurrentHashMap<>();
  private final List<String> problems = new CopyOnWriteArrayList<>();

  private Chromium(Process process, Path profile, String address) {
    this.process = process;
    this.profile = profile;
    socket =
        HttpClient.newHttpClient()
            .newWebSocketBuilder()
            .buildAsync(URI.create(address), new Listener())
            .join();
  }

  /** The browser on the path; null for none. */
  public static String find() {
    for (String folder : System.getenv().getOrDefault("PATH", "").split(":")) {
      for (String name : List.of("chromium", "chromium-browser", "google-chrome")) {
        Path file = Path.of(folder, name);
        if (Files.isExecutable(file)) {
          return file.toString();
        }
      }
    }
    return null;
  }

  /**
   * Starts one.
   *
   * @param browser of {@link #find}
   * @param folder for what it keeps
   */
  public static Chromium start(String browser, Path folder) throws Exception {
    Path profile = Files.createTempDirectory(folder, "browser");
    List<String> command = new ArrayList<>();
    command.add(browser);
    command.addAll(OPTIONS);
    command.addAll(
        List.of("--remote-debugging-port=0", "--user-data-dir=" + profile, "about:blank"));
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      Path active = profile.resolve("DevToolsActivePort");
      long until = System.nanoTime() + PATIENCE.toNanos();
      while (!Files.exists(active) || Files.readAllLines(active).isEmpty()) {
        if (System.nanoTime() > until || !process.isAlive()) {
          throw new IOException("the browser does not start");
        }
        Thread.sleep(50);
      }
      String port = Files.readAllLines(active).get(0);
      Chromium chromium = new Chromium(process, profile, page(port, until));
      for (String domain : List.of("Page", "Runtime", "Log")) {
        chromium.call(domain + ".enable", Map.of());
      }
      return chromium;
    } catch (Exception e) {
      process.destroyForcibly();
      throw e;
    }
  }

  private static String page(String port, long until) throws Exception {
    HttpRequest list =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/json/list")).build();
    while (System.nanoTime() < until) {
      String body =
          HttpClient.newHttpClient().send(list, HttpResponse.BodyHandlers.ofString()).body();
      for (JsonNode target : JSON.readTree(body)) {
        if (target.path("type").asText().equals("page")) {
          return target.path("webSocketDebuggerUrl").asText();
        }
      }
      Thread.sleep(50);
    }
    throw new IOException("the browser has no page");
  }

  /** Opens an address and waits until it is loaded. */
  public void open(String address) throws Exception {
    call("Page.navigate", Map.of("url", address));
    until("document.readyState === 'complete' && location.href !== 'about:blank'");
  }

  /** The value of an expression, or of what it promises. */
  public JsonNode evaluate(String expression) throws Exception {
    JsonNode result =
        call(
            "Runtime.evaluate",
            Map.of("expression", expression, "awaitPromise", true, "returnByValue", true));
    if (result.has("exceptionDetails")) {
      throw new IllegalStateException(result.path("exceptionDetails").toString());
    }
    return result.path("result").path("value");
  }

  /** Waits until an expression is true. */
  public void until(String expression) throws Exception {
    long until = System.nanoTime() + PATIENCE.toNanos();
    while (!evaluate("!!(" + expression + ")").asBoolean()) {
      if (System.nanoTime() > until) {
        throw new AssertionError("not within " + PATIENCE + ": " + expression + "; " + problems);
      }
      Thread.sleep(50);
    }
  }

  /** Types into what has the focus. */
  public void type(String text) throws Exception {
    call("Input.insertText", Map.of("text", text));
  }

  /** Presses and lets go of Tab, Enter or Space. */
  public void press(String key) throws Exception {
    int code = Map.of("Tab", 9, "Enter", 13, "Space", 32).get(key);
    String text = Map.of("Tab", "", "Enter", "\r", "Space", " ").get(key);
    ObjectNode down = JSON.createObjectNode();
    down.put("type", text.isEmpty() ? "rawKeyDown" : "keyDown");
    down.put("key", key.equals("Space") ? " " : key);
    down.put("code", key);
    down.put("windowsVirtualKeyCode", code);
    if (!text.isEmpty()) {
      down.put("text", text);
    }
    call("Input.dispatchKeyEvent", down);
    down.put("type", "keyUp");
    down.remove("text");
    call("Input.dispatchKeyEvent", down);
  }

  /** Another screen. */
  public void screen(int width, int height, boolean dark) throws Exception {
    call(
        "Emulation.setDeviceMetricsOverride",
        Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
    call(
        "Emulation.setEmulatedMedia",
        Map.of(
            "features",
            List.of(Map.of("name", "prefers-color-scheme", "value", dark ? "dark" : "light"))));
    // Charts are drawn anew.
    Thread.sleep(500);
  }

  /** The whole page as a PNG. */
  public void screenshot(Path png) throws Exception {
    JsonNode size = call("Page.getLayoutMetrics", Map.of()).path("cssContentSize");
    JsonNode shot =
        call(
            "Page.captureScreenshot",
            Map.of(
                "captureBeyondViewport",
                true,
                "clip",
                Map.of(
                    "x",
                    0,
                    "y",
                    0,
                    "width",
                    size.path("width").asInt(),
                    "height",
                    size.path("height").asInt(),
                    "scale",
                    1)));
    Files.createDirectories(png.getParent());
    Files.write(png, Base64.getDecoder().decode(shot.path("data").asText()));
  }

  /** What axe-core finds to be serious or critical: rule, and the elements. */
  public List<String> faults() throws Exception {
    if (!evaluate("typeof axe === 'object'").asBoolean()) {
      try (InputStream axe = Chromium.class.getResourceAsStream("/axe.min.js")) {
        evaluate(new String(axe.readAllBytes(), StandardCharsets.UTF_8) + "; 0");
      }
    }
    JsonNode found =
        evaluate(
            """
            axe.run(document, { resultTypes: ['violations'] }).then((r) => ({ rules: r.passes.length,
              faults: r.violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')
                .map((v) => v.id + ': ' + v.nodes.map((n) => n.html).join(' | ')) }))
            """);
    if (found.path("rules").asInt() == 0) {
      throw new AssertionError("axe-core has looked at nothing");
    }
    List<String> faults = new ArrayList<>();
    ((ArrayNode) found.path("faults")).forEach(f -> faults.add(f.asText()));
    return faults;
  }

  /** Errors of the page so far: what was thrown, logged as an error, or refused. */
  public List<String> problems() {
    return problems;
  }

  private JsonNode call(String method, Object parameters) throws Exception {
    int id = ids.incrementAndGet();
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    waiting.put(id, answer);
    ObjectNode message = JSON.createObjectNode().put("id", id).put("method", method);
    message.set("params", JSON.valueToTree(parameters));
    socket.sendText(message.toString(), true).get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
    return answer.get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
  }

  private void take(String text) {
    try {
      JsonNode message = JSON.readTree(text);
      if (message.has("id")) {
        CompletableFuture<JsonNode> answer = waiting.remove(message.path("id").asInt());
        if (message.has("error")) {
          answer.completeExceptionally(new IOException(message.path("error").toString()));
        } else {
          answer.complete(message.path("result"));
        }
        return;
      }
      JsonNode parameters = message.path("params");
      switch (message.path("method").asText()) {
        case "Runtime.exceptionThrown" ->
            problems.add(parameters.path("exceptionDetails").toString());
        case "Runtime.consoleAPICalled" -> {
          if (List.of("error", "warning", "assert").contains(parameters.path("type").asText())) {
            problems.add(parameters.path("args").toString());
          }
        }
        case "Log.entryAdded" -> {
          JsonNode entry = parameters.path("entry");
          if (entry.path("level").asText().equals("error")) {
            problems.add(entry.path("text").asText() + " " + entry.path("url").asText());
          }
        }
        default -> {}
      }
    } catch (IOException e) {
      problems.add("not JSON: " + text);
    }
  }

  private final class Listener implements WebSocket.Listener {
    private final StringBuilder parts = new StringBuilder();

    @Override
    public CompletionStage<?> onText(WebSocket of, CharSequence data, boolean last) {
      parts.append(data);
      if (last) {
        String text = parts.toString();
        parts.setLength(0);
        take(text);
      }
      of.request(1);
      return null;
    }
  }

  @Override
  public void close() throws IOException {
    socket.abort();
    process.descendants().forEach(ProcessHandle::destroyForcibly);
    process.destroyForcibly().onExit().orTimeout(30, TimeUnit.SECONDS).join();
    // Links to places outside, which JUnit would warn of.
    for (String link : List.of("SingletonLock", "SingletonSocket", "SingletonCookie")) {
      Files.deleteIfExists(profile.resolve(link));
    }
  }
}
