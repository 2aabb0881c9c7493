package io.sidstream.cli.ui;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.cli.UsageException;
import io.sidstream.cli.report.ReportData;
import io.sidstream.cli.report.ReportData.Row;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The server's addresses, over a view in memory, asked byte by byte. */
class UiServerTest {
  private static final String NASTY = "<img src=x onerror=\"alert(1)\"></script>\u2028";
  private static final Row ROW =
      new Row("i&d=1 #", NASTY, new int[] {1, 2, 3}, 0, .5f, false, null);
  private final MemoryView view = new MemoryView();
  private UiServer server;
  private int port;

  /** One item, and what was asked. */
  private static final class MemoryView implements LiveView {
    final List<Object> asked = new ArrayList<>();

    @Override
    public Report report(long stamp, long table) {
      asked.add(stamp);
      if (stamp == 5) {
        return null;
      }
      ReportData data =
          new ReportData(
              "memory",
              "now",
              1,
              1,
              1,
              List.of(),
              List.of(ROW),
              List.of(),
              List.of(),
              List.of(),
              List.of(),
              Map.of());
      return new Report(5, 3, "", table == 3 ? data.withoutRows() : data);
    }

    @Override
    public Found search(String text, int most) {
      asked.add(text);
      return new Found(1, List.of(ROW));
    }

    @Override
    public Item item(String id) {
      asked.add(id);
      if (!id.equals(ROW.id())) {
        throw new RefusedException(RefusedException.NOT_THERE, "item '" + id + "' has no token");
      }
      return new Item(ROW, List.of(), List.of());
    }

    @Override
    public TextToken text(String text) {
      throw new ArithmeticException("by zero");
    }

    @Override
    public Step step(Source from, int[] prefix) {
      asked.add(from);
      asked.add(prefix);
      return new Step(1, 0, 3, 8, 2, 0, List.of(), List.of());
    }

    @Override
    public void close() {}
  }

  @BeforeEach
  void start() throws Exception {
    server = new UiServer("127.0.0.1", 0, view);
    port = URI.create(server.address()).getPort();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private record Answer(int status, String head, String body) {
    JsonNode json() throws IOException {
      return new ObjectMapper().readTree(body);
    }
  }

  private Answer raw(String request) throws IOException {
    try (Socket socket = new Socket("127.0.0.1", port)) {
      socket.setSoTimeout(20_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.UTF_8));
      String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int end = all.indexOf("\r\n\r\n");
      return new Answer(
          Integer.parseInt(all.substring(9, 12)), all.substring(0, end), all.substring(end + 4));
    }
  }

  private Answer get(String address, String... headers) throws IOException {
    String more =
        headers.length == 0 ? "Host: 127.0.0.1:" + port + "\r\n" : String.join("", headers);
    return raw("GET " + address + " HTTP/1.1\r\n" + more + "Connection: close\r\n\r\n");
  }

  @Test
  void thePageComesWithAPolicyThatLetsNothingElseRun() throws Exception {
    Answer page = get("/");
    assertThat(page.status()).isEqualTo(200);
    assertThat(page.head().toLowerCase(java.util.Locale.ROOT))
        .contains("content-security-policy: default-src 'none'; script-src 'self';")
        .contains("frame-ancestors 'none'")
        .contains("x-content-type-options: nosniff")
        .doesNotContain("access-control-allow");
    // The policy holds only where no program stands in the page itself.
    assertThat(page.body())
        .contains("id=\"search\"")
        .doesNotContain("{{")
        .doesNotContain("<script>")
        .doesNotContain("onclick");
    for (String path : List.of("/page.css", "/live.css", "/page.js", "/live.js", "/echarts.js")) {
      assertThat(get(path).status()).as(path).isEqualTo(200);
      assertThat(page.body()).contains(path.substring(1));
    }
  }

  @Test
  void namesOfItemsAreTextInJsonAndNothingElse() throws Exception {
    Answer report = get("/api/report?stamp=0");
    assertThat(report.head()).contains("application/json");
    assertThat(report.json().path("data").path("rows").get(0).path("title").asText())
        .isEqualTo(NASTY);
    String id = URLEncoder.encode(ROW.id(), StandardCharsets.UTF_8);
    assertThat(get("/api/item?id=" + id).json().path("row").path("id").asText())
        .isEqualTo(ROW.id());
    Answer none = get("/api/item?id=" + URLEncoder.encode(NASTY, StandardCharsets.UTF_8));
    assertThat(none.status()).isEqualTo(404);
    assertThat(none.head()).contains("application/json");
    assertThat(none.json().path("error").asText()).contains(NASTY);
  }

  @Test
  void onlyWhatIsNewIsSent() throws Exception {
    assertThat(get("/api/report?stamp=5&table=3").status()).isEqualTo(204);
    JsonNode newer = get("/api/report?stamp=4&table=3").json();
    assertThat(newer.path("stamp").asLong()).isEqualTo(5);
    assertThat(newer.path("data").path("rows").isNull()).isTrue();
    assertThat(newer.path("data").path("items").asInt()).isEqualTo(1);
  }

  @Test
  void anotherNameForThisMachineIsRefused() throws Exception {
    for (String host :
        List.of("evil.example", "evil.example:" + port, "127.0.0.1.evil.example", "", "[::2]")) {
      Answer answer = get("/api/report?stamp=0", "Host: " + host + "\r\n");
      assertThat(answer.status()).as(host).isIn(400, 403);
      assertThat(answer.body()).doesNotContain("memory");
    }
    assertThat(get("/", "Host: evil.example\r\n").json().path("error").asText())
        .contains("evil.example")
        .contains(server.address())
        .contains("--host");
    assertThat(raw("GET / HTTP/1.0\r\n\r\n").status()).isIn(400, 403);
    assertThat(get("/", "Host: 127.0.0.1\r\nHost: evil.example\r\n").status()).isIn(400, 403);
    for (String host : List.of("localhost", "LOCALHOST:" + port, "127.0.0.1:9", "[::1]:" + port)) {
      assertThat(get("/api/report?stamp=0", "Host: " + host + "\r\n").status())
          .as(host)
          .isEqualTo(200);
    }
    assertThat(
            get("/api/report?stamp=0", "Host: localhost\r\nSec-Fetch-Site: cross-site\r\n")
                .status())
        .isEqualTo(403);
  }

  @Test
  void onlyGetWithoutABodyAndOfBoundedLengthIsAnswered() throws Exception {
    String host = "Host: localhost\r\nConnection: close\r\n";
    for (String method : List.of("POST", "PUT", "DELETE", "OPTIONS", "PATCH")) {
      Answer answer =
          raw(method + " /api/report HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n");
      assertThat(answer.status()).as(method).isEqualTo(405);
      assertThat(answer.head()).contains("Allow: GET");
      assertThat(answer.json().path("error").asText()).contains(method).contains("use GET");
    }
    assertThat(raw("HEAD / HTTP/1.1\r\n" + host + "\r\n").status()).isEqualTo(405);
    assertThat(raw("GET / HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc").status())
        .isEqualTo(413);
    Answer longer = get("/api/search?q=" + "a".repeat(20_000));
    assertThat(longer.status()).isEqualTo(414);
    assertThat(longer.json().path("error").asText()).contains("16,384 at most");
    assertThat(view.asked).isEmpty();
  }

  @Test
  void wrongQuestionsNameThingValueAndFix() throws Exception {
    assertWrong(400, "/api/item", "id is empty");
    assertWrong(400, "/api/search?q=%20", "q is empty");
    assertWrong(400, "/api/search?q=" + "a".repeat(201), "q has 201 characters: 200 at most");
    assertThat(get("/api/search?q=%zz").status()).isEqualTo(400);
    assertWrong(400, "/api/report?stamp=x", "stamp 'x'");
    assertWrong(400, "/api/step", "either text=TEXT, or item=ID");
    assertWrong(400, "/api/step?text=a&item=b", "either text=TEXT, or item=ID");
    assertWrong(400, "/api/step?text=a&prefix=1--2", "prefix '1--2': expected codes such as 12-14");
    assertWrong(400, "/api/step?text=a&prefix=-1", "expected codes such as 12-14");
    assertWrong(400, "/api/step?text=a&prefix=999999", "expected codes such as 12-14");
    assertWrong(400, "/api/step?" + "item=a&".repeat(201), "a history of 201 items");
    assertWrong(404, "/../../etc/passwd", "there is no page");
    assertWrong(404, "/api/%3Cimg%20onerror%3E", "there is no page /api/<img onerror> here");
    assertWrong(500, "/api/text?text=a", "ArithmeticException: by zero");
    assertThat(get("/api/step?item=a%2Cb&item=c&prefix=1-20").status()).isEqualTo(200);
    assertThat(view.asked.get(0)).isEqualTo(new LiveView.Source(null, List.of("a,b", "c")));
    assertThat((int[]) view.asked.get(1)).containsExactly(1, 20);
  }

  private void assertWrong(int status, String address, String message) throws IOException {
    Answer answer = get(address);
    assertThat(answer.status()).as(address).isEqualTo(status);
    assertThat(answer.json().path("error").asText()).contains(message);
  }

  @Test
  void aPortInUseIsNamedWithItsCure() {
    assertThatThrownBy(() -> new UiServer("127.0.0.1", port, view))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("port " + port)
        .hasMessageContaining("0 for a free one");
    assertThatThrownBy(() -> new UiServer("192.0.2.1", 0, view))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("192.0.2.1");
  }

  /** Slow and broken requests leave the page to others. */
  @Test
  void rubbishLeavesItRunning() throws Exception {
    List<Socket> slow = new ArrayList<>();
    try {
      for (int i = 0; i < 3; i++) {
        Socket socket = new Socket("127.0.0.1", port);
        socket
            .getOutputStream()
            .write("GET / HTTP/1.1\r\nHost: local".getBytes(StandardCharsets.UTF_8));
        slow.add(socket);
      }
      try (Socket socket = new Socket("127.0.0.1", port)) {
        socket.getOutputStream().write(new byte[] {0, 1, 2, 13, 10, 13, 10});
      }
      assertThat(get("/").status()).isEqualTo(200);
    } finally {
      for (Socket socket : slow) {
        socket.close();
      }
    }
  }
}
