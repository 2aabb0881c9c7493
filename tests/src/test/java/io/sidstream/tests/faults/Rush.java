package io.sidstream.tests.faults;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.concurrent.TimeUnit;

/** More than the job takes at once, of one kind after the other. */
final class Rush {
  private static final int SECONDS = 60;
  private static final int TWINS = 10_000;
  private static final int CROWD = 100_000;

  private final Stage stage;
  private final Faults faults;

  Rush(Stage stage) {
    this.stage = stage;
    faults = stage.faults();
  }

  void run() throws Exception {
    Flow flow = stage.flow();
    int ticks = (int) TimeUnit.SECONDS.toMillis(SECONDS) / Flow.Load.STANDARD.tickMs();
    faults.inflict(
        "ten times the rate for a minute",
        () -> flow.rush(ticks),
        () -> Oracle.sleep(TimeUnit.SECONDS.toMillis(SECONDS)));
    faults.inflict("items of one content", () -> flow.sendTwins(TWINS), () -> {});
    faults.inflict("interactions of one user", () -> flow.sendCrowd(CROWD), () -> {});
    // Until most of what came at once has gone through.
    faults.restUntil(System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS));
    JsonNode checkpoints = stage.cluster().checkpointStatistics();
    JsonNode times = checkpoints.path("summary").path("end_to_end_duration");
    ObjectNode figures = new ObjectMapper().createObjectNode();
    figures
        .put("completed", checkpoints.path("counts").path("completed").asInt())
        .put("failed", checkpoints.path("counts").path("failed").asInt())
        .put("medianMs", times.path("p50").asDouble())
        .put("p99Ms", times.path("p99").asDouble())
        .put("longestMs", times.path("max").asDouble());
    faults.report("checkpoints", figures);
    assertThat(stage.cluster().restarts()).as("restarts of the job").isZero();
    assertThat(faults.revived()).as("processes that ended").isZero();
  }
}
