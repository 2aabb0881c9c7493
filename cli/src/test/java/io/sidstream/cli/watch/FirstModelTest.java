package io.sidstream.cli.watch;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class FirstModelTest {
  private static final long SECOND = 1_000_000_000L;

  private final FirstModel model = new FirstModel(new FlinkApi(URI.create("http://localhost:1")));

  @Test
  void theTimeLeftIsThatOfTheStepsSeen() {
    assertThat(model.line(Double.NaN, Double.NaN, 0)).isEmpty();
    assertThat(model.line(0, 0, 0)).isEmpty();
    assertThat(model.line(200, 180, 0)).isEqualTo("first model: 20 of 200 steps");
    assertThat(model.line(200, 160, 5 * SECOND))
        .isEqualTo("first model: 40 of 200 steps, 40 s left");
    assertThat(model.line(200, 159, 105 * SECOND))
        .isEqualTo("first model: 41 of 200 steps, 13 min left");
  }

  @Test
  void anotherRoundBeginsAnew() {
    model.line(200, 180, 0);
    assertThat(model.line(100, 90, 5 * SECOND)).isEqualTo("first model: 10 of 100 steps");
    assertThat(model.line(100, 95, 6 * SECOND)).isEqualTo("first model: 5 of 100 steps");
  }

  @Test
  void whereNobodyAnswersNothingIsSaid() throws InterruptedException {
    assertThat(model.line()).isEmpty();
  }

  @Test
  void asksTheVertexThatLearns() throws Exception {
    AtomicReference<String> asked = new AtomicReference<>();
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          String path = exchange.getRequestURI().toString();
          String answer =
              switch (path) {
                case "/jobs" -> "{\"jobs\":[{\"id\":\"j\"}]}";
                case "/jobs/j" ->
                    "{\"vertices\":[{\"id\":\"m\",\"name\":\"Merge\"},{\"id\":\"l\",\"name\":\"Learn -> x\"}]}";
                default ->
                    "[{\"id\":\"Learn.stepsLeft\",\"sum\":3.0},{\"id\":\"Learn.roundSteps\",\"sum\":9.0}]";
              };
          asked.set(path);
          byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, bytes.length);
          exchange.getResponseBody().write(bytes);
          exchange.close();
        });
    server.start();
    try {
      URI ui = URI.create("http://localhost:" + server.getAddress().getPort());
      assertThat(new FirstModel(new FlinkApi(ui)).line()).isEqualTo("first model: 6 of 9 steps");
      assertThat(asked.get())
          .isEqualTo(
              "/jobs/j/vertices/l/subtasks/metrics?agg=sum&get=Learn.stepsLeft,Learn.roundSteps");
    } finally {
      server.stop(0);
    }
  }
}
