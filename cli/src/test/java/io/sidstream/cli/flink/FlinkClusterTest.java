package io.sidstream.cli.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.sidstream.cli.flink.FlinkCluster.Job;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Against a server that answers as Flink does, or as what stands in front of it. */
class FlinkClusterTest {
  private static final Job JOB = new Job("j1", "sidstream", "RUNNING", 0);
  private static final String TRIGGERED = "{\"request-id\": \"r1\"}";
  private static final String SAVED =
      "{\"status\": {\"id\": \"COMPLETED\"}, \"operation\": {\"location\": \"file:/savepoint-1\"}}";

  private record Answer(int status, String body) {}

  private final Map<String, Answer> answers = new ConcurrentHashMap<>();
  private HttpServer server;
  private URI address;
  private FlinkCluster flink;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newCachedThreadPool());
    server.createContext(
        "/",
        exchange -> {
          String path = exchange.getRequestURI().toString();
          if (path.equals("/slow")) {
            return;
          }
          Answer answer = answers.getOrDefault(path, new Answer(404, ""));
          byte[] bytes = answer.body.getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(answer.status, bytes.length == 0 ? -1 : bytes.length);
          exchange.getResponseBody().write(bytes);
          exchange.close();
        });
    server.start();
    address = URI.create("http://localhost:" + server.getAddress().getPort());
    flink = new FlinkCluster(address);
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private void answer(String path, int status, String body) {
    answers.put(path, new Answer(status, body));
  }

  @Test
  void aPageOfAProxyIsToldByItsStatusAndFirstLine() {
    answer(
        "/jobs", 502, "\n<html><head><title>502 Bad Gateway</title></head>\n<body>nginx</body>\n");
    assertThatThrownBy(() -> flink.get("/jobs"))
        .isInstanceOf(IOException.class)
        .hasMessage(
            address + " refuses /jobs (502): <html><head><title>502 Bad Gateway</title></head>");
    answer("/jobs", 503, "");
    assertThatThrownBy(() -> flink.get("/jobs")).hasMessage(address + " refuses /jobs (503): ");
    answer("/jobs", 200, "<html>Please log in</html>");
    assertThatThrownBy(() -> flink.get("/jobs"))
        .hasMessage(
            address
                + " answers /jobs (200) with what is not JSON, so it is not Flink's REST API: <html>Please log in</html>");
  }

  @Test
  void whatFlinkRefusesIsToldByItsInnermostCause() {
    answer(
        "/jobs/j1",
        404,
        "{\"errors\": [\"Not found\", \"RestHandlerException: no\\n\\tat a\\nCaused by: NotFoundException: Job j1 not found\\n\"]}");
    assertThatThrownBy(() -> flink.get("/jobs/j1"))
        .hasMessage(address + " refuses /jobs/j1 (404): NotFoundException: Job j1 not found");
  }

  @Test
  void anAnswerThatDoesNotComeIsWaitedForAsLongAsIsAllowed() {
    FlinkCluster hurried = new FlinkCluster(address, Duration.ofMillis(300));
    assertThatThrownBy(() -> hurried.get("/slow"))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("no Flink cluster answers at " + address);
  }

  @Test
  void aJobThatStopsHasItsSavepoint() throws Exception {
    answer("/jobs/j1/stop", 202, TRIGGERED);
    answer("/jobs/j1/savepoints/r1", 200, SAVED);
    answer("/jobs/j1", 200, "{\"state\": \"FINISHED\"}");
    assertThat(flink.stop(JOB, null, Duration.ofSeconds(20))).isEqualTo("file:/savepoint-1");
  }

  @Test
  void aJobThatDoesNotEndIsNamedWithItsStateAndSavepoint() {
    answer("/jobs/j1/stop", 202, TRIGGERED);
    answer("/jobs/j1/savepoints/r1", 200, SAVED);
    answer("/jobs/j1", 200, "{\"state\": \"CANCELLING\"}");
    assertThatThrownBy(() -> flink.stop(JOB, null, Duration.ofSeconds(1)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("job j1 is still CANCELLING after 1 s")
        .hasMessageContaining("its savepoint is file:/savepoint-1")
        .hasMessageContaining("--stop-within");
  }

  @Test
  void aSavepointThatDoesNotComeIsGivenUp() {
    answer("/jobs/j1/stop", 202, TRIGGERED);
    answer("/jobs/j1/savepoints/r1", 200, "{\"status\": {\"id\": \"IN_PROGRESS\"}}");
    answer("/jobs/j1", 200, "{\"state\": \"RUNNING\"}");
    assertThatThrownBy(() -> flink.stop(JOB, null, Duration.ofSeconds(1)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("job j1 is RUNNING")
        .hasMessageContaining("its savepoint is not complete after 1 s");
  }
}
