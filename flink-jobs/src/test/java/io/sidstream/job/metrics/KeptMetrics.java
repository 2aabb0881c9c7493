package io.sidstream.job.metrics;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.Metric;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.metrics.groups.OperatorIOMetricGroup;
import org.apache.flink.metrics.groups.OperatorMetricGroup;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;

/** Keeps what is registered, under labels with their values and the name: level1.utilisation. */
public final class KeptMetrics extends UnregisteredMetricsGroup implements OperatorMetricGroup {
  private final Map<String, Metric> metrics;
  private final String scope;

  public KeptMetrics() {
    this(new TreeMap<>(), "");
  }

  private KeptMetrics(Map<String, Metric> metrics, String scope) {
    this.metrics = metrics;
    this.scope = scope;
  }

  public Set<String> names() {
    return metrics.keySet();
  }

  /** Of a gauge. */
  public double value(String name) {
    return ((Number) ((Gauge<?>) metrics.get(name)).getValue()).doubleValue();
  }

  /** Of a gauge of the registry that has no label. */
  public double value(JobMetric metric) {
    return value(metric.metric());
  }

  /** Of a counter. */
  public long count(String name) {
    return ((Counter) metrics.get(name)).getCount();
  }

  private <M extends Metric> M keep(String name, M metric) {
    metrics.put(scope + name, metric);
    return metric;
  }

  @Override
  public <T, G extends Gauge<T>> G gauge(String name, G gauge) {
    return keep(name, gauge);
  }

  @Override
  public Counter counter(String name) {
    return keep(name, super.counter(name));
  }

  @Override
  public <C extends Counter> C counter(String name, C counter) {
    return keep(name, counter);
  }

  @Override
  public <H extends Histogram> H histogram(String name, H histogram) {
    return keep(name, histogram);
  }

  @Override
  public MetricGroup addGroup(String key, String value) {
    return new KeptMetrics(metrics, scope + key + value + ".");
  }

  @Override
  public OperatorIOMetricGroup getIOMetricGroup() {
    return UnregisteredMetricsGroup.createOperatorMetricGroup().getIOMetricGroup();
  }
}
