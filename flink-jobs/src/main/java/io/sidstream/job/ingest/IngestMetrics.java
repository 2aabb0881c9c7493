package io.sidstream.job.ingest;

import io.sidstream.job.metrics.JobMetric;
import io.sidstream.job.record.Rule;
import java.util.EnumMap;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/** Counters of an ingest operator. */
public final class IngestMetrics {
  private final Counter accepted;
  private final Map<Rule, Counter> rejected = new EnumMap<>(Rule.class);

  IngestMetrics(MetricGroup group) {
    accepted = JobMetric.ACCEPTED.counter(group);
    for (Rule rule : Rule.values()) {
      rejected.put(rule, JobMetric.REJECTED.counter(group, JobMetric.RULE, rule.name()));
    }
  }

  void accept() {
    accepted.inc();
  }

  void reject(Rule rule) {
    rejected.get(rule).inc();
  }
}
