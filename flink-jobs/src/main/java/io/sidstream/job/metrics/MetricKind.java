package io.sidstream.job.metrics;

import java.util.Locale;

/** What a metric is, which says how it is read. */
public enum MetricKind {
  /** Only grows, but for a restart of its task: read its rate. */
  COUNTER,
  /** Goes up and down: read it as it is. */
  GAUGE,
  /** Of the newest values: read its percentiles. */
  HISTOGRAM;

  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
