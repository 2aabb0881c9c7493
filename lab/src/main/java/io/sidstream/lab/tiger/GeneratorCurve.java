package io.sidstream.lab.tiger;

import io.sidstream.cli.train.Report;
import io.sidstream.cli.train.StepBar;
import io.sidstream.model.evaluate.RankingMetrics;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Shows the training of a generator as it goes and keeps its learning curve. */
final class GeneratorCurve implements GenerativeTraining.Listener, AutoCloseable {
  private final PrintWriter out;
  private final List<Map<String, Object>> points;
  private final StepBar bar;

  /**
   * A display.
   *
   * @param points where the points of the curve are added
   * @param live whether a bar may be drawn
   */
  GeneratorCurve(PrintWriter out, List<Map<String, Object>> points, boolean live) {
    this.out = out;
    this.points = points;
    this.bar = new StepBar(live);
  }

  @Override
  public void step(int epoch, int steps, double loss) {
    bar.step("epoch " + epoch + " (generator)", steps, loss, Double.NaN);
  }

  @Override
  public void epoch(
      int number, double loss, double msPerStep, RankingMetrics validation, boolean best) {
    close();
    out.printf(
        Locale.ROOT,
        "epoch %d (generator): loss %.4f, %.1f ms/step | validation: full HR@10 %.4f NDCG@10 %.4f%s%n",
        number,
        loss,
        msPerStep,
        validation.hr(10),
        validation.ndcg(10),
        best ? " *" : "");
    out.flush();
    Map<String, Object> point = new LinkedHashMap<>();
    point.put("epoch", number);
    point.put("phase", "generator");
    point.put("loss", loss);
    point.put("msPerStep", msPerStep);
    point.put("full", Report.metrics(validation));
    points.add(point);
  }

  @Override
  public void close() {
    bar.close();
  }
}
