package io.sidstream.cli.watch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.job.metrics.JobMetric;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/**
 * How far the making of the first model is, asked of Flink's REST API. What cannot be told is left
 * out: a job that starts has no metrics yet.
 */
public final class FirstModel {
  private static final Duration TIMEOUT = Duration.ofSeconds(1);

  private final URI ui;
  private final ObjectMapper json = new ObjectMapper();
  private final HttpClient client = HttpClient.newBuilder().connectTimeout(TIMEOUT).build();
  private String learn;
  private long all;
  private long firstDone;
  private long firstSeen;

  /**
   * Of the only job of a cluster.
   *
   * @param ui address of its REST API
   */
  public FirstModel(URI ui) {
    this.ui = ui;
  }

  /** Words for a person; empty where no round is computed. */
  public String line() throws InterruptedException {
    try {
      if (learn == null) {
        learn = learn();
      }
      String left = "Learn." + JobMetric.STEPS_LEFT.metric();
      String steps = "Learn." + JobMetric.ROUND_STEPS.metric();
      double leftNow = Double.NaN;
      double stepsNow = Double.NaN;
      if (learn != null) {
        for (JsonNode metric : get(learn + "/subtasks/metrics?agg=sum&get=" + left + "," + steps)) {
          if (metric.path("id").asText().equals(left)) {
            leftNow = metric.path("sum").asDouble();
          } else {
            stepsNow = metric.path("sum").asDouble();
          }
        }
      }
      return line(stepsNow, leftNow, System.nanoTime());
    } catch (IOException e) {
      // The page is busy, or gone with its job, which is told elsewhere.
      return "";
    }
  }

  /** Path of the vertex that learns; null where there is no job yet. */
  private String learn() throws IOException, InterruptedException {
    for (JsonNode job : get("/jobs").path("jobs")) {
      String path = "/jobs/" + job.path("id").asText();
      for (JsonNode vertex : get(path).path("vertices")) {
        if (vertex.path("name").asText().startsWith("Learn")) {
          return path + "/vertices/" + vertex.path("id").asText();
        }
      }
    }
    return null;
  }

  private JsonNode get(String path) throws IOException, InterruptedException {
    HttpRequest request = HttpRequest.newBuilder(ui.resolve(path)).timeout(TIMEOUT).build();
    HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IOException(path + " answers " + response.statusCode());
    }
    return json.readTree(response.body());
  }

  /**
   * The words.
   *
   * @param steps of the round, NaN where that is not known
   * @param left of them
   * @param now ns
   */
  String line(double steps, double left, long now) {
    if (!(steps > 0) || !(left >= 0) || left > steps) {
      return "";
    }
    long done = Math.round(steps - left);
    if (Math.round(steps) != all || done < firstDone) {
      all = Math.round(steps);
      firstDone = done;
      firstSeen = now;
    }
    String words = String.format("first model: %,d of %,d steps", done, all);
    if (done == firstDone) {
      return words;
    }
    double seconds = (now - firstSeen) / 1e9 * left / (done - firstDone);
    return words
        + (seconds < 90
            ? String.format(", %.0f s left", seconds)
            : String.format(", %.0f min left", seconds / 60));
  }
}
