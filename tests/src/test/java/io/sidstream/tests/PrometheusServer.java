package io.sidstream.tests;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.awaitility.Awaitility;

/** A real Prometheus that scrapes one endpoint every few seconds and judges our rules. */
final class PrometheusServer implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Process process;
  private final String address;

  private PrometheusServer(Process process, String address) {
    this.process = process;
    this.address = address;
  }

  /** Whether there is one on the PATH (Debian's package prometheus). */
  static boolean installed() {
    return Stream.of(System.getenv("PATH").split(":"))
        .anyMatch(folder -> Files.isExecutable(Path.of(folder, "prometheus")));
  }

  /**
   * Debian's has its pages in a folder beside it, and an option for where that is; they need those
   * of JavaScript's packages that it links to.
   */
  private static Optional<Path> pages() {
    return Stream.of(System.getenv("PATH").split(":"))
        .map(folder -> Path.of(folder, "prometheus"))
        .filter(Files::isExecutable)
        .map(program -> program.resolveSibling("../share/prometheus/web").normalize())
        .filter(web -> Files.exists(web.resolve("static/jquery")))
        .findFirst();
  }

  /** Whether its pages can be opened, and not its API alone. */
  boolean hasPages() {
    return pages().isPresent();
  }

  /**
   * Opens one of its pages and keeps a picture of it in {@code target/screenshots}.
   *
   * @param path with the query
   * @param shown an expression that is true once what is looked for is there
   */
  void picture(Browser browser, String path, String shown, String name) throws Exception {
    browser.open(address + path);
    Awaitility.await(shown)
        .atMost(Duration.ofSeconds(180))
        .ignoreExceptions()
        .until(() -> browser.value(shown).equals("true"));
    browser.screenshot(Path.of("target", "screenshots", name).toAbsolutePath());
  }

  /**
   * Starts it.
   *
   * @param folder for its files
   * @param port its own
   * @param scraped port of the endpoint, on localhost
   */
  static PrometheusServer start(Path folder, int port, int scraped) throws IOException {
    Files.createDirectories(folder);
    Path rules =
        Files.writeString(
            folder.resolve("rules.yml"),
            // A test does not wait for hours.
            Files.readString(Path.of("..", "docker", "prometheus", "rules.yml"))
                .replaceAll("for: \\d+h", "for: 1s"));
    Path config =
        Files.writeString(
            folder.resolve("prometheus.yml"),
            """
            global: {scrape_interval: 3s, scrape_timeout: 3s, evaluation_interval: 1s}
            rule_files: ['%s']
            scrape_configs:
              - job_name: flink
                static_configs: [{targets: ['localhost:%d']}]
            """
                .formatted(rules, scraped));
    String address = "127.0.0.1:" + port;
    List<String> command =
        new ArrayList<>(
            List.of(
                "prometheus",
                "--config.file=" + config,
                "--storage.tsdb.path=" + folder.resolve("data"),
                "--web.listen-address=" + address));
    pages().ifPresent(pages -> command.add("--web.local-assets=" + pages));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("out").toFile())
            .start();
    return new PrometheusServer(process, "http://" + address);
  }

  /** The answer of its API to a query, empty while it does not answer. */
  String query(String expression) throws InterruptedException {
    return get("/api/v1/query?query=" + URLEncoder.encode(expression, StandardCharsets.UTF_8));
  }

  /** The answer of its API, empty while it does not answer. */
  String get(String path) throws InterruptedException {
    try {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(address + path))
              .timeout(Duration.ofSeconds(10))
              .build();
      return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
    } catch (IOException e) {
      // It is not up yet.
      return "";
    }
  }

  /** Whether an alert fires now; one that only waits for its time does not. */
  boolean fires(String alert) throws InterruptedException, IOException {
    String answer = get("/api/v1/alerts");
    if (answer.isEmpty()) {
      return false;
    }
    for (JsonNode active : JSON.readTree(answer).path("data").path("alerts")) {
      if (active.path("labels").path("alertname").asText().equals(alert)
          && active.path("state").asText().equals("firing")) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void close() {
    process.destroyForcibly();
    process.onExit().join();
  }
}
