package io.sidstream.job.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.JobEnvironment;
import io.sidstream.job.SidstreamJob;
import io.sidstream.job.config.JobConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.metrics.groups.UnregisteredMetricsGroup;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.junit.jupiter.api.Test;

/**
 * The registry, what the operators register and docs/metrics.md are one; run with {@code
 * -Dtest.jvm.args=-Dsidstream.docs.write=true} to renew the page.
 */
class JobMetricTest {
  private static final Path DOC = Path.of("..", "docs", "metrics.md");
  private static final Path SOURCES = Path.of("src", "main", "java", "io", "sidstream", "job");

  @Test
  void namesHaveOneStyleAndAreTold() {
    Set<String> seen = new TreeSet<>();
    for (JobMetric metric : JobMetric.values()) {
      assertThat(metric.metric()).matches("[a-z]+([A-Z][a-z]+)*");
      assertThat(seen.add(metric.metric())).as(metric.metric() + " once").isTrue();
      assertThat(metric.about()).endsWith(".");
      assertThat(metric.unit()).isNotBlank();
      assertThat(metric.operators()).isNotEmpty();
    }
  }

  @Test
  void operatorsAreThoseOfTheJob() {
    JobConfig config = JobConfig.defaults();
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(JobEnvironment.flink(config));
    SidstreamJob.build(env, config);
    Set<String> names =
        env.getStreamGraph().getStreamNodes().stream()
            .map(StreamNode::getOperatorName)
            .collect(Collectors.toCollection(TreeSet::new));
    for (JobMetric metric : JobMetric.values()) {
      assertThat(names).as(metric.metric()).containsAll(metric.operators());
    }
  }

  @Test
  void everyMetricIsRegisteredAndNoOther() throws IOException {
    Map<String, Set<String>> uses = new TreeMap<>();
    List<String> others = new ArrayList<>();
    Pattern use =
        Pattern.compile("JobMetric\\s*\\.([A-Z_]+)\\s*\\.(counter|gauge|share|histogram)\\(");
    Pattern other =
        Pattern.compile(
            "\\.(counter|gauge|meter|histogram)\\(\\s*\"|[mM]etricGroup\\(\\)\\s*\\.(counter|gauge|meter|histogram)\\(");
    try (Stream<Path> files = Files.walk(SOURCES)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
        if (file.startsWith(SOURCES.resolve("metrics"))) {
          continue;
        }
        String text = Files.readString(file);
        Matcher matcher = use.matcher(text);
        while (matcher.find()) {
          uses.computeIfAbsent(matcher.group(1), k -> new TreeSet<>()).add(file.toString());
        }
        if (other.matcher(text).find()) {
          others.add(file.toString());
        }
      }
    }
    assertThat(uses.keySet())
        .containsExactlyInAnyOrderElementsOf(
            Stream.of(JobMetric.values()).map(Enum::name).toList());
    assertThat(others).as("files that register a metric without the registry").isEmpty();
    // Each in one place: one operator's, or one class that several operators share.
    assertThat(uses.values()).allSatisfy(files -> assertThat(files).hasSize(1));
  }

  @Test
  void aKindIsRegisteredAsWhatItIs() {
    UnregisteredMetricsGroup group = new UnregisteredMetricsGroup();
    assertThatThrownBy(() -> JobMetric.ROWS.gauge(group, () -> 1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("metric rows is a counter and cannot be registered as a gauge");
    assertThatThrownBy(() -> JobMetric.REVISION.counter(group))
        .hasMessage("metric revision is a gauge and cannot be registered as a counter");
  }

  @Test
  void thePageSaysWhatTheCodeSays() throws IOException {
    String text =
        """
        # Metrics

        For operators. What the job measures beside what Flink and the Kafka clients do. This page is generated from the code
        (`JobMetric`); the alerts and dashboards in [docker/](../docker/README.md) are built on it.

        Names are camelCase. A counter only grows: look at its rate. Every metric is in the scope of the operator that is named
        here, once a subtask. Prometheus sees `flink_taskmanager_job_task_operator_` and the name, with the labels `operator_name`
        (spaces as `_`), `subtask_index` and `tm_id`; `rejected` is `flink_taskmanager_job_task_operator_rule_rejected` with the label `rule`, and what
        there is of each level is, such as `flink_taskmanager_job_task_operator_level_utilisation`, with the label `level` (1, 2, ...).
        So are `partLoss` with the label `part`, and `gateDecisions`, which is `rule_outcome_gateDecisions` with the labels `rule`
        (as `expected_churn`) and `outcome`.

        Sizes of state: `flink_jobmanager_job_lastCheckpointFullSize` is that of all of it, `knownItems`, `knownUsers` and `tableItems` what
        it grows with. RocksDB's own, by table, are off in Flink; `flink.state.backend.rocksdb.metrics.total-sst-files-size: true` adds the cheapest.

        """
            + JobMetric.markdownTable();
    if (Boolean.getBoolean("sidstream.docs.write")) {
      Files.writeString(DOC, text);
    }
    assertThat(Files.readString(DOC)).isEqualTo(text);
  }
}
