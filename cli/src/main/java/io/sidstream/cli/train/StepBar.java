package io.sidstream.cli.train;

import java.util.Locale;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** A bar of steps with their loss and speed, on a terminal; elsewhere nothing. */
public final class StepBar implements AutoCloseable {
  private final boolean live;
  private ProgressBar bar;

  /**
   * No bar yet.
   *
   * @param live whether one may be drawn
   */
  public StepBar(boolean live) {
    this.live = live;
  }

  /**
   * A step is done; the first one draws the bar.
   *
   * @param task what the steps are those of
   * @param steps how many it has
   * @param loss NaN where it is not known
   * @param reconstruction NaN where there is none
   */
  public void step(String task, int steps, double loss, double reconstruction) {
    if (!live) {
      return;
    }
    if (bar == null) {
      bar =
          new ProgressBarBuilder()
              .setTaskName(task)
              .setInitialMax(steps)
              .setUnit(" steps", 1)
              .setStyle(ProgressBarStyle.ASCII)
              .setUpdateIntervalMillis(200)
              .showSpeed()
              .clearDisplayOnFinish()
              .build();
    }
    bar.setExtraMessage(
        (Double.isNaN(loss) ? "" : String.format(Locale.ROOT, " loss %.4f", loss))
            + (Double.isNaN(reconstruction)
                ? ""
                : String.format(Locale.ROOT, " rec %.4f", reconstruction)));
    bar.step();
  }

  /** Takes the bar away; the next step draws another. */
  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
