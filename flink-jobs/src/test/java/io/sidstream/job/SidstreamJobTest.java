package io.sidstream.job;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.flink.api.common.RuntimeExecutionMode;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.ExecutionOptions;
import org.apache.flink.core.execution.CheckpointingMode;
import org.apache.flink.runtime.jobgraph.DistributionPattern;
import org.apache.flink.runtime.jobgraph.JobGraph;
import org.apache.flink.runtime.jobgraph.JobVertex;
import org.apache.flink.streaming.api.environment.CheckpointConfig;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.graph.StreamGraph;
import org.apache.flink.streaming.api.graph.StreamNode;
import org.apache.flink.streaming.runtime.partitioner.ForwardPartitioner;
import org.junit.jupiter.api.Test;

class SidstreamJobTest {

  private static StreamGraph graph(String... sets) {
    JobConfig config = JobConfig.load(null, List.of(sets));
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(JobEnvironment.flink(config));
    SidstreamJob.build(env, config);
    return env.getStreamGraph();
  }

  @Test
  void everyOperatorHasAUidANameOfItsOwnAndAFixedMaxParallelism() {
    StreamGraph graph = graph("items.retention=1 d");
    assertThat(graph.getStreamNodes())
        .isNotEmpty()
        .allSatisfy(
            node -> {
              assertThat(node.getTransformationUID())
                  .as("uid of " + node.getOperatorName())
                  .isNotNull();
              assertThat(node.getOperatorName()).isNotEqualTo("Map");
            });
    assertThat(graph.getStreamNodes())
        .extracting(StreamNode::getTransformationUID)
        .doesNotHaveDuplicates();
  }

  @Test
  void checkpointsAreExactlyOnceAndAlignedWhateverTheClusterSays() {
    Configuration cluster =
        Configuration.fromMap(
            Map.of(
                "execution.checkpointing.mode", "AT_LEAST_ONCE",
                "execution.checkpointing.unaligned", "true",
                "execution.checkpointing.unaligned.forced", "true",
                "execution.checkpointing.aligned-checkpoint-timeout", "1 s",
                "execution.runtime-mode", "AUTOMATIC"));
    cluster.addAll(JobEnvironment.flink(JobConfig.defaults()));
    StreamExecutionEnvironment env = StreamExecutionEnvironment.getExecutionEnvironment(cluster);
    CheckpointConfig checkpoints = env.getCheckpointConfig();
    assertThat(checkpoints.getCheckpointingConsistencyMode())
        .isEqualTo(CheckpointingMode.EXACTLY_ONCE);
    assertThat(checkpoints.isUnalignedCheckpointsEnabled()).isFalse();
    assertThat(checkpoints.isForceUnalignedCheckpoints()).isFalse();
    assertThat(checkpoints.getAlignedCheckpointTimeout()).isZero();
    assertThat(cluster.get(ExecutionOptions.RUNTIME_MODE))
        .isEqualTo(RuntimeExecutionMode.STREAMING);
  }

  @Test
  void whatMustHaveOneSubtaskSaysSo() {
    Set<String> alone = new TreeSet<>();
    for (StreamNode node : graph("parallelism=4").getStreamNodes()) {
      if (node.getMaxParallelism() == 1) {
        assertThat(node.getParallelism()).as(node.getOperatorName()).isEqualTo(1);
        alone.add(node.getTransformationUID());
      }
    }
    assertThat(alone)
        .contains(
            "committed-versions",
            "control-messages",
            "run-fence",
            "republish-messages",
            "commit",
            "merged-rounds",
            "merge",
            "version-ledger",
            "witness-models",
            "witness-id-embeddings",
            "sink-versions",
            "sink-models",
            "sink-id-embeddings");
  }

  @Test
  void noSinkIsInATaskWithWhatItWaitsFor() {
    for (String parallelism : List.of("1", "4")) {
      List<String> tasks = new ArrayList<>();
      graph("parallelism=" + parallelism)
          .getJobGraph()
          .getVertices()
          .forEach(vertex -> tasks.add(vertex.getName()));
      assertThat(tasks)
          .filteredOn(task -> task.contains("Version ledger"))
          .hasSize(1)
          .noneMatch(task -> task.contains("Write "));
      assertThat(String.join(" ", tasks))
          .contains(
              "Write tokens",
              "Write versions",
              "Write models",
              "Write id-embeddings",
              "Write dead-letters");
    }
  }

  @Test
  void whatAJobIsSubmittedWithCountsWhereItsConfigurationNamesNothing() {
    Configuration submitted = Configuration.fromMap(Map.of("parallelism.default", "7"));
    JobConfig silent = JobConfig.defaults();
    assertThat(JobEnvironment.withParallelismOf(submitted, silent).get(JobOptions.PARALLELISM))
        .isEqualTo(7);
    JobConfig own = JobConfig.of(Map.of("parallelism", "3"));
    assertThat(JobEnvironment.withParallelismOf(submitted, own)).isSameAs(own);
    assertThat(JobEnvironment.withParallelismOf(new Configuration(), silent)).isSameAs(silent);
  }

  @Test
  void checkpointsAreGivenUpBeforeTheirTransactionsAre() {
    Configuration flink = JobEnvironment.flink(JobConfig.defaults());
    assertThat(flink.get(CheckpointingOptions.CHECKPOINTING_TIMEOUT))
        .isEqualTo(Duration.ofMinutes(5));
    assertThat(flink.get(CheckpointingOptions.TOLERABLE_FAILURE_NUMBER)).isEqualTo(2);
    assertThat(flink.get(CheckpointingOptions.MIN_PAUSE_BETWEEN_CHECKPOINTS))
        .isEqualTo(Duration.ofMillis(500));
    assertThat(flink.get(CheckpointingOptions.MAX_RETAINED_CHECKPOINTS)).isEqualTo(2);
    assertThatThrownBy(
            () ->
                JobConfig.of(
                    Map.of("checkpoint.timeout", "15 min", "kafka.transaction-timeout", "15 min")))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith(
            "checkpoint.timeout is '15 min' and kafka.transaction-timeout is '15 min'; the first, with checkpoint.interval '1 s', must not exceed the second");
    assertThatThrownBy(() -> JobConfig.of(Map.of("flink.execution.checkpointing.timeout", "1 h")))
        .hasMessageContaining("set checkpoint.timeout instead");
  }

  @Test
  void checkpointsNeedAFolder() {
    Configuration job = JobEnvironment.flink(JobConfig.defaults());
    assertThatThrownBy(() -> JobEnvironment.requireCheckpointFolder(job))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("there is no folder for checkpoints: set checkpoint.dir");
    Configuration cluster =
        Configuration.fromMap(Map.of("state.checkpoints.dir", "file:///checkpoints"));
    cluster.addAll(job);
    JobEnvironment.requireCheckpointFolder(cluster);
    JobEnvironment.requireCheckpointFolder(
        JobEnvironment.flink(JobConfig.of(Map.of("checkpoint.dir", "file:///checkpoints"))));
    cluster.set(CheckpointingOptions.CHECKPOINT_STORAGE, "jobmanager");
    assertThatThrownBy(() -> JobEnvironment.requireCheckpointFolder(cluster))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "Flink's execution.checkpointing.storage is 'jobmanager', which keeps checkpoints in memory; set it to 'filesystem' or remove it");
  }

  @Test
  void uidsAreThoseThatStateOfReleasedJobsIsKeptUnder() {
    assertThat(graph().getStreamNodes())
        .extracting(StreamNode::getTransformationUID)
        .contains(
            "source-items",
            "source-interactions",
            "source-versions",
            "source-control",
            "ingest-items",
            "ingest-interactions",
            "embed",
            "sequence",
            "learn",
            "merge",
            "newest-tokenizer",
            "tokenize",
            "resolve",
            "publish",
            "commit",
            "sink-tokens",
            "sink-versions",
            "sink-models",
            "sink-id-embeddings",
            "sink-dead-letters");
  }

  /** Else a checkpoint of it could be that of other records than the source's. */
  @Test
  void whatCommitsOffsetsIsChainedToItsSource() {
    StreamGraph graph = graph("parallelism=3");
    for (String topic : List.of("items", "interactions", "versions", "models", "control")) {
      StreamNode source = node(graph, "source-" + topic);
      StreamNode offsets = node(graph, "offsets-" + topic);
      assertThat(offsets.getParallelism()).as(topic).isEqualTo(source.getParallelism());
      assertThat(vertex(graph.getJobGraph(), "Group offsets of " + topic).getName())
          .startsWith("Source: Read " + topic + " -> Group offsets of " + topic);
    }
  }

  @Test
  void interactionsTouchItemsOnlyWhereItemsAreEvicted() {
    assertThat(intoEmbed(graph())).containsExactly("ingest-items");
    assertThat(intoEmbed(graph("items.retention=never"))).containsExactly("ingest-items");
    assertThat(intoEmbed(graph("items.retention=1 d")))
        .containsExactlyInAnyOrder("ingest-items", "touched-items");
  }

  @Test
  void theVectorStaysWhereItWasEmbedded() {
    StreamGraph graph = graph("parallelism=3");
    StreamNode embed = node(graph, "embed");
    StreamNode tokenize = node(graph, "tokenize");
    assertThat(tokenize.getParallelism()).isEqualTo(embed.getParallelism()).isEqualTo(3);
    // Then a subtask of each has the same key groups, after a change of the parallelism too.
    assertThat(tokenize.getMaxParallelism()).isEqualTo(embed.getMaxParallelism()).isEqualTo(128);
    assertThat(tokenize.getStatePartitioners()).hasSize(2);
    assertThat(tokenize.getInEdges())
        .filteredOn(edge -> edge.getSourceId() == embed.getId())
        .singleElement()
        .satisfies(e -> assertThat(e.getPartitioner()).isInstanceOf(ForwardPartitioner.class));

    JobGraph job = graph.getJobGraph();
    assertThat(vertex(job, "Tokenize").getInputs())
        .filteredOn(edge -> edge.getSource().getProducer() == vertex(job, "Embed"))
        .singleElement()
        .satisfies(
            edge -> {
              assertThat(edge.getShipStrategyName()).isEqualTo("FORWARD");
              assertThat(edge.getDistributionPattern()).isEqualTo(DistributionPattern.POINTWISE);
            });
    assertThat(vertex(job, "Embed").getInputs())
        .allSatisfy(edge -> assertThat(edge.getShipStrategyName()).isEqualTo("HASH"));
  }

  /** The vertex that has an operator of the name. */
  private static JobVertex vertex(JobGraph job, String operator) {
    return job.getVerticesSortedTopologicallyFromSources().stream()
        .filter(vertex -> List.of(vertex.getName().split(" -> ")).contains(operator))
        .findFirst()
        .orElseThrow();
  }

  private static StreamNode node(StreamGraph graph, String uid) {
    return graph.getStreamNodes().stream()
        .filter(node -> uid.equals(node.getTransformationUID()))
        .findFirst()
        .orElseThrow();
  }

  private static List<String> intoEmbed(StreamGraph graph) {
    return node(graph, "embed").getInEdges().stream()
        .map(edge -> graph.getStreamNode(edge.getSourceId()).getTransformationUID())
        .toList();
  }
}
