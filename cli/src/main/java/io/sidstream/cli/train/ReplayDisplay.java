package io.sidstream.cli.train;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Shows a replay as it goes: a line a round, on a terminal a bar of its steps. */
final class ReplayDisplay implements StreamReplay.Listener, AutoCloseable {
  private final PrintWriter out;
  private final StepBar bar;

  /**
   * A display.
   *
   * @param live whether a bar may be drawn
   */
  ReplayDisplay(PrintWriter out, boolean live) {
    this.out = out;
    this.bar = new StepBar(live);
  }

  @Override
  public void step(String of, int steps) {
    bar.step(of, steps, Double.NaN, Double.NaN);
  }

  @Override
  public void round(Map<String, Object> told) {
    bar.close();
    out.printf(
        Locale.ROOT,
        "round %s (%s) until %s: %.1f ms/step%s%s%n",
        told.get("round"),
        told.get("phase"),
        told.get("until").toString().substring(0, 10),
        told.get("msPerStep"),
        told.containsKey("hr10")
            ? String.format(
                Locale.ROOT,
                " | before it: HR@10 %.3f, popularity %.3f, new items %.3f",
                told.get("hr10"),
                told.get("popularityHr10"),
                told.get("newHr10"))
            : "",
        told.containsKey("churn")
            ? String.format(Locale.ROOT, " | churn %.3f", told.get("churn"))
            : "");
    if (told.containsKey("held")) {
      out.println("HELD: " + told.get("held"));
    }
    if (told.get("collapse") instanceof List<?> collapses) {
      collapses.forEach(collapse -> out.println("COLLAPSE: " + collapse));
    }
    out.flush();
  }

  @Override
  public void close() {
    bar.close();
  }
}
