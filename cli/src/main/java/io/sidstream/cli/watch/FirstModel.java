package io.sidstream.cli.watch;

import io.sidstream.job.metrics.JobMetric;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/**
 * How far the making of the first model is, asked of Flink's REST API. What cannot be told is left
 * out: a job that starts has no metrics yet.
 */
public final class FirstModel {
  private final FlinkApi flink;
  private long all;
  private long firstDone;
  private long firstSeen;

  /** Of the job of a cluster. */
  public FirstModel(FlinkApi flink) {
    this.flink = flink;
  }

  /** Words for a person; empty where no round is computed. */
  public String line() throws InterruptedException {
    String left = JobMetric.STEPS_LEFT.metric();
    String steps = JobMetric.ROUND_STEPS.metric();
    try {
      Map<String, Double> of = flink.learn("sum", List.of(left, steps));
      return line(
          of.getOrDefault(steps, Double.NaN), of.getOrDefault(left, Double.NaN), System.nanoTime());
    } catch (IOException e) {
      // The page is busy, or gone with its job, which is told elsewhere.
      return "";
    }
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
