package io.sidstream.cli.ui;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.sidstream.cli.Failures;
import io.sidstream.cli.UsageException;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Sends the page and its data: GET alone, no body, bounded addresses. On a loopback address it
 * answers only to a loopback name, so that a page of another site whose name was pointed here (DNS
 * rebinding) reads nothing.
 */
final class UiServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(UiServer.class);
  private static final int LONGEST_ADDRESS = 16_384;
  private static final int THREADS = 4;
  private static final int WAITING = 64;

  /** Seconds within which a request must have been sent, so that slow ones hold no thread. */
  private static final String REQUEST_SECONDS = "20";

  private static final Map<String, String> HEADERS =
      Map.of(
          "Content-Security-Policy",
          // Styles of elements are the charting library's; programs and data are of this server.
          "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
          "X-Content-Type-Options",
          "nosniff",
          "X-Frame-Options",
          "DENY",
          "Referrer-Policy",
          "no-referrer",
          "Cross-Origin-Resource-Policy",
          "same-origin",
          "Cross-Origin-Opener-Policy",
          "same-origin",
          "Cache-Control",
          "no-store");

  private final HttpServer server;
  private final ThreadPoolExecutor threads;
  private final Routes routes;
  private final Map<String, UiAssets.Asset> assets;
  private final ObjectMapper json = new ObjectMapper();
  private final String host;
  private final boolean loopback;

  static {
    // Read once, when the JDK's server is first used.
    if (System.getProperty("sun.net.httpserver.maxReqTime") == null) {
      System.setProperty("sun.net.httpserver.maxReqTime", REQUEST_SECONDS);
    }
  }

  /**
   * Listens.
   *
   * @param host address to listen on
   * @param port 0 for a free one
   * @throws UsageException where it cannot listen there; names address, port and cure
   * @throws IOException where a file of the page is not on the class path
   */
  UiServer(String host, int port, LiveView view) throws IOException {
    this.host = host;
    routes = new Routes(view);
    assets = UiAssets.all();
    InetAddress address;
    try {
      address = InetAddress.getByName(host);
    } catch (UnknownHostException e) {
      throw new UsageException(
          "--host '%s' is not known here: give an address of this machine, such as 127.0.0.1"
              .formatted(host));
    }
    loopback = address.isLoopbackAddress();
    try {
      server = HttpServer.create(new InetSocketAddress(address, port), WAITING);
    } catch (BindException e) {
      throw new UsageException(
          "the page cannot listen on %s port %d (%s): take another port, 0 for a free one, or an address of this machine"
              .formatted(host, port, e.getMessage()));
    }
    threads =
        new ThreadPoolExecutor(
            THREADS,
            THREADS,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(WAITING),
            task -> {
              Thread thread = new Thread(task, "page");
              thread.setDaemon(true);
              return thread;
            },
            // Who accepts connections answers itself, and takes no more meanwhile.
            new ThreadPoolExecutor.CallerRunsPolicy());
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  /** Where the page is. */
  String address() {
    InetSocketAddress at = server.getAddress();
    String name =
        at.getAddress().isAnyLocalAddress() ? "localhost" : at.getAddress().getHostAddress();
    return "http://%s:%d/".formatted(name.contains(":") ? "[" + name + "]" : name, at.getPort());
  }

  /** Whether only this machine reaches it. */
  boolean loopback() {
    return loopback;
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      HEADERS.forEach(exchange.getResponseHeaders()::set);
      Refusal refusal = refusal(exchange);
      if (refusal != null) {
        // What it may still send is not read.
        exchange.getResponseHeaders().set("Connection", "close");
        if (refusal.status == 405) {
          exchange.getResponseHeaders().set("Allow", "GET");
        }
        send(exchange, refusal.status, Map.of("error", refusal.message));
        return;
      }
      String path = exchange.getRequestURI().getPath();
      UiAssets.Asset asset = assets.get(path);
      if (asset != null) {
        send(exchange, 200, asset.type(), asset.content());
      } else {
        answer(exchange, path);
      }
    }
  }

  private void answer(HttpExchange exchange, String path) throws IOException {
    Object answer;
    int status = 200;
    try {
      answer = routes.answer(path, exchange.getRequestURI().getRawQuery());
    } catch (RefusedException e) {
      status = e.status();
      answer = Map.of("error", e.getMessage());
    } catch (RuntimeException e) {
      LOG.warn("{} cannot be answered", path, e);
      status = 500;
      answer = Map.of("error", path + " cannot be answered: " + Failures.describe(e));
    }
    if (answer == null) {
      exchange.sendResponseHeaders(204, -1);
    } else {
      send(exchange, status, answer);
    }
  }

  private void send(HttpExchange exchange, int status, Object answer) throws IOException {
    send(exchange, status, "application/json; charset=utf-8", json.writeValueAsBytes(answer));
  }

  private static void send(HttpExchange exchange, int status, String type, byte[] content)
      throws IOException {
    exchange.getResponseHeaders().set("Content-Type", type);
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    exchange.sendResponseHeaders(status, content.length);
    exchange.getResponseBody().write(content);
  }

  private record Refusal(int status, String message) {}

  private Refusal refusal(HttpExchange exchange) {
    Headers headers = exchange.getRequestHeaders();
    List<String> hosts = headers.getOrDefault("Host", List.of());
    if (loopback && (hosts.size() != 1 || !allowed(hosts.get(0)))) {
      return new Refusal(
          403,
          "Host %s is not a name of this machine's own: open the page as %s, or start it with --host"
              .formatted(hosts, address()));
    }
    if (!exchange.getRequestMethod().equals("GET")) {
      return new Refusal(
          405, "method %s: the page is read-only, use GET".formatted(exchange.getRequestMethod()));
    }
    String length = headers.getFirst("Content-Length");
    if (length != null && !length.equals("0") || headers.containsKey("Transfer-Encoding")) {
      return new Refusal(413, "the request has a body: leave it out, a GET has none here");
    }
    int size = exchange.getRequestURI().toString().length();
    if (size > LONGEST_ADDRESS) {
      return new Refusal(
          414,
          "the address has %,d characters: %,d at most, so shorten the text"
              .formatted(size, LONGEST_ADDRESS));
    }
    // A page of another site may make a browser ask, if not read: nothing is computed for it.
    if ("cross-site".equals(headers.getFirst("Sec-Fetch-Site"))
        && exchange.getRequestURI().getPath().startsWith("/api/")) {
      return new Refusal(403, "another site asks: open the page itself, " + address());
    }
    return null;
  }

  private boolean allowed(String header) {
    String name = header.strip().toLowerCase(Locale.ROOT);
    int port = name.lastIndexOf(':');
    if (port > name.lastIndexOf(']')) {
      name = name.substring(0, port);
    }
    return Set.of("localhost", "127.0.0.1", "[::1]").contains(name)
        || name.equals(host.toLowerCase(Locale.ROOT))
        || name.equals("[" + host.toLowerCase(Locale.ROOT) + "]");
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
