package io.sidstream.cli.watch;

import com.fasterxml.jackson.databind.JsonNode;
import io.sidstream.cli.flink.FlinkCluster;
import io.sidstream.job.metrics.JobMetric;
import java.io.IOException;
import java.net.URI;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What Flink's REST API tells of the only job of a cluster. */
public final class FlinkApi {
  private static final Duration TIMEOUT = Duration.ofSeconds(1);
  private static final String LEARN = "Learn";

  private final FlinkCluster flink;
  private String learn;

  /**
   * Nothing asked yet.
   *
   * @param address of the API
   */
  public FlinkApi(URI address) {
    flink = new FlinkCluster(address, TIMEOUT);
  }

  /**
   * Values of metrics of Learn, over all subtasks.
   *
   * @param aggregate {@code sum}, {@code max}
   * @param metrics names, with {@code _p99} and the like for one of a histogram
   * @return by name; what the job does not have yet is left out
   * @throws IOException if the API does not answer within a second, or with an error
   */
  Map<String, Double> learn(String aggregate, List<String> metrics)
      throws IOException, InterruptedException {
    Map<String, Double> values = new HashMap<>();
    if (!found()) {
      return values;
    }
    String names = String.join(",", metrics.stream().map(m -> LEARN + "." + m).toList());
    for (JsonNode metric :
        flink.get(learn + "/subtasks/metrics?agg=" + aggregate + "&get=" + names)) {
      String name = metric.path("id").asText().substring(LEARN.length() + 1);
      values.put(name, metric.path(aggregate).asDouble());
    }
    return values;
  }

  /**
   * Times of the newest 1,000 steps of training, ms, of the subtask where they are longest; empty
   * where none was taken or the API does not answer.
   */
  public Optional<Summary.Figures> stepTimes() throws InterruptedException {
    String name = JobMetric.STEP_TIME.metric();
    List<String> metrics = List.of(name + "_median", name + "_p99", name + "_max");
    try {
      Map<String, Double> of = learn("max", metrics);
      if (!(of.getOrDefault(metrics.get(0), 0.0) > 0)) {
        return Optional.empty();
      }
      return Optional.of(
          new Summary.Figures(
              of.get(metrics.get(0)), of.get(metrics.get(1)), of.get(metrics.get(2))));
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  private boolean found() throws IOException, InterruptedException {
    if (learn == null) {
      for (JsonNode any : flink.get("/jobs").path("jobs")) {
        String job = "/jobs/" + any.path("id").asText();
        for (JsonNode vertex : flink.get(job).path("vertices")) {
          if (vertex.path("name").asText().startsWith(LEARN)) {
            learn = job + "/vertices/" + vertex.path("id").asText();
          }
        }
      }
    }
    return learn != null;
  }
}
