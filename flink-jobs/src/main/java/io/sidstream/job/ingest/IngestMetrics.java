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
  private final Counter ahead;
  private final Map<Rule, Counter> rejected = new EnumMap<>(Rule.class);

  IngestMetrics(MetricGroup group) {
    accepted = JobMetric.ACCEPTED.counter(group);
    ahead = JobMetric.DATED_AHEAD.counter(group);
    for (Rule rule : Rule.values()) {
      rejected.put(rule, JobMetric.REJECTED.counter(group, JobMetric.RULE, rule.name()));
    }
  }

  /** Counts a record that broke no rule; whether it was dated after its arrival. */
  void accept(boolean datedAhead) {
    accepted.inc();
    ahead.inc(datedAhead ? 1 : 0);
  }

  void reject(Rule rule) {
    rejected.get(rule).inc();
  }
}
