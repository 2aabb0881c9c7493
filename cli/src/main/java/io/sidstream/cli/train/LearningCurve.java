package io.sidstream.cli.train;

import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.Phase;
import io.sidstream.model.train.StepStats;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * Shows a training as it goes (a bar on a terminal, a line an epoch anywhere) and keeps the
 * learning curve.
 */
public final class LearningCurve implements OfflineTraining.Listener, AutoCloseable {
  private final JointConfig config;
  private final PrintWriter out;
  private final PrintWriter err;
  private final List<Map<String, Object>> points = new ArrayList<>();
  private final Set<String> told = new TreeSet<>();
  private final StepBar bar;

  /**
   * A display.
   *
   * @param live whether a bar may be drawn
   */
  public LearningCurve(JointConfig config, PrintWriter out, PrintWriter err, boolean live) {
    this.config = config;
    this.out = out;
    this.err = err;
    this.bar = new StepBar(live);
  }

  @Override
  public void step(int epoch, int step, int steps, StepStats stats) {
    bar.step("epoch " + epoch, steps, stats.recommendation(), stats.reconstruction());
  }

  @Override
  public void epoch(OfflineTraining.Epoch e) {
    close();
    StringBuilder line =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "epoch %d%s: loss %.4f rec %.4f, %.1f ms/step",
                e.number(),
                e.phase() == Phase.QUANTIZER_ALONE ? " (quantizer alone)" : "",
                e.loss(),
                e.reconstruction(),
                e.msPerStep()));
    Map<String, Object> point = new LinkedHashMap<>();
    point.put("epoch", e.number());
    point.put("phase", e.phase().name().toLowerCase(Locale.ROOT));
    point.put("loss", e.loss());
    point.put("reconstruction", e.reconstruction());
    point.put("msPerStep", e.msPerStep());
    if (e.validation() != null) {
      var sampled = e.validation().sampled;
      var full = e.validation().full;
      line.append(
          String.format(
              Locale.ROOT,
              " | validation: sampled HR@10 %.4f NDCG@10 %.4f MRR %.4f, full HR@10 %.4f NDCG@10 %.4f",
              sampled.hr(10),
              sampled.ndcg(10),
              sampled.mrr(),
              full.hr(10),
              full.ndcg(10)));
      point.put("sampled", Report.metrics(sampled));
      point.put("full", Report.metrics(full));
    }
    if (e.quality() != null) {
      line.append(
          String.format(Locale.ROOT, ", distinct tuples %.3f", e.quality().distinctTuples()));
      point.putAll(Report.quality(e.quality(), config));
      // A level is named once when it collapses, not again with every epoch's figures.
      for (String collapse : Collapse.of(e.quality(), config.codewords())) {
        if (told.add(kind(collapse))) {
          err.println("sidstream: epoch " + e.number() + ": " + collapse);
          err.flush();
        }
      }
    }
    out.println(line.append(e.best() ? " *" : ""));
    out.flush();
    points.add(point);
  }

  private static String kind(String collapse) {
    return collapse.replaceAll(":.*|\\d+ of .*items ", "");
  }

  /** Goes on after the epochs of another. */
  void resume(List<Map<String, Object>> earlier) {
    for (Map<String, Object> point : earlier) {
      points.add(point);
      if (point.get("collapse") instanceof List<?> collapses) {
        collapses.forEach(collapse -> told.add(kind(collapse.toString())));
      }
    }
  }

  /** The epochs so far. */
  public List<Map<String, Object>> points() {
    return points;
  }

  @Override
  public void close() {
    bar.close();
  }
}
