package io.sidstream.job.ingest;

import io.sidstream.job.record.Rule;
import java.util.EnumMap;
import java.util.Map;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.MetricGroup;

/** Counters of an ingest operator. */
public final class IngestMetrics {
  /** Records that broke no rule: {@code <operator scope>.accepted}. */
  public static final String ACCEPTED = "accepted";

  /**
   * Records that broke a rule: {@code <operator scope>.rule.<RULE>.rejected}; for Prometheus {@code
   * flink_taskmanager_job_task_operator_rule_rejected{rule="VECTOR_ZERO"}}.
   */
  public static final String REJECTED = "rejected";

  /** Group of {@link #REJECTED}. */
  public static final String RULE = "rule";

  private final Counter accepted;
  private final Map<Rule, Counter> rejected = new EnumMap<>(Rule.class);

  IngestMetrics(MetricGroup group) {
    accepted = group.counter(ACCEPTED);
    for (Rule rule : Rule.values()) {
      rejected.put(rule, group.addGroup(RULE, rule.name()).counter(REJECTED));
    }
  }

  void accept() {
    accepted.inc();
  }

  void reject(Rule rule) {
    rejected.get(rule).inc();
  }
}
