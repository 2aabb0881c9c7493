package io.sidstream.tests.faults;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What becomes of a figure over time. It is looked at in periods, of each the median, so that what
 * goes up and down within one, as a log that is compacted, counts as its level; the slope is the
 * median of the slopes of all pairs of periods (Theil and Sen), with the interval that Kendall's
 * statistic gives it at 95 %. For one thread at a time.
 */
final class Trend {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Two-sided 95 % of the normal distribution. */
  private static final double QUANTILE = 1.96;

  private final double periodSeconds;
  private final double warmUpSeconds;
  private final TreeMap<Long, List<Double>> periods = new TreeMap<>();

  /**
   * Without a value yet.
   *
   * @param periodSeconds length of a period
   * @param warmUpSeconds what comes before is left out
   */
  Trend(double periodSeconds, double warmUpSeconds) {
    this.periodSeconds = periodSeconds;
    this.warmUpSeconds = warmUpSeconds;
  }

  /** Adds a value at a time since the start. */
  synchronized void add(double seconds, double value) {
    if (seconds >= warmUpSeconds) {
      long period = (long) ((seconds - warmUpSeconds) / periodSeconds);
      periods.computeIfAbsent(period, p -> new ArrayList<>()).add(value);
    }
  }

  /**
   * Levels of the first and the last quarter (medians of their periods), and the slope in percent
   * of the first an hour with its interval; without a slope where there are fewer than four
   * periods.
   */
  synchronized ObjectNode json() {
    List<double[]> points = new ArrayList<>();
    for (Map.Entry<Long, List<Double>> period : periods.entrySet()) {
      double hours = (period.getKey() + .5) * periodSeconds / 3600;
      points.add(new double[] {hours, median(period.getValue())});
    }
    ObjectNode json = JSON.createObjectNode().put("periods", points.size());
    if (points.isEmpty()) {
      return json;
    }
    int quarter = Math.max(1, points.size() / 4);
    double start = level(points.subList(0, quarter));
    double end = level(points.subList(points.size() - quarter, points.size()));
    json.put("start", rounded(start)).put("end", rounded(end));
    if (points.size() < 4) {
      return json;
    }
    List<Double> slopes = new ArrayList<>();
    for (int i = 0; i < points.size(); i++) {
      for (int j = i + 1; j < points.size(); j++) {
        double run = points.get(j)[0] - points.get(i)[0];
        slopes.add((points.get(j)[1] - points.get(i)[1]) / run);
      }
    }
    Collections.sort(slopes);
    double n = points.size();
    double deviation = QUANTILE * Math.sqrt(n * (n - 1) * (2 * n + 5) / 18);
    int low = (int) Math.max(0, Math.floor((slopes.size() - deviation) / 2));
    int high = (int) Math.min(slopes.size() - 1, Math.ceil((slopes.size() + deviation) / 2));
    double percent = start == 0 ? Double.NaN : 100 / start;
    return json.put("percentAnHour", rounded(percent * median(slopes)))
        .put("from", rounded(percent * slopes.get(low)))
        .put("to", rounded(percent * slopes.get(high)));
  }

  private static double level(List<double[]> points) {
    return median(points.stream().map(p -> p[1]).toList());
  }

  private static double median(Collection<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int half = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(half)
        : (sorted.get(half - 1) + sorted.get(half)) / 2;
  }

  /** Hundredths are enough. */
  private static double rounded(double value) {
    return Double.isFinite(value) ? Math.round(value * 100) / 100. : value;
  }
}
