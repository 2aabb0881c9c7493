package io.sidstream.job.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JobConfigTest {
  @TempDir Path folder;

  @Test
  void defaultsAreAllowedByTheirOwnRules() {
    JobConfig config = JobConfig.defaults();
    assertThat(config.get(JobOptions.CONTENT_DIM)).isEqualTo(384);
    assertThat(config.get(JobOptions.QUANTIZER_METRICS))
        .containsExactly("cosine", "cosine", "euclidean");
    assertThat(config.get(JobOptions.ENCODER_HIDDEN)).containsExactly(512, 256);
    assertThat(config.get(JobOptions.CHECKPOINT_DIR)).isNull();
    assertThat(config.minTime()).isEqualTo(631_152_000_000L);
  }

  @Test
  void descriptionIsAFileThatGivesTheSameConfiguration() throws IOException {
    JobConfig config =
        JobConfig.of(
            Map.of(
                "embed.linger", "1500 ms",
                "embed.model", "minilm-quantized",
                "quantizer.levels", "2",
                "quantizer.metrics", "euclidean,cosine",
                "kafka.properties.client.rack", "it's a",
                "flink.web.port", "8082"));
    JobConfig again = JobConfig.load(write(config.describe()), List.of());
    assertThat(again.describe()).isEqualTo(config.describe()).contains("embed.linger: '1500 ms'");
    assertThat(again.kafkaProperties()).containsEntry("client.rack", "it's a");
    assertThat(again.flinkConfiguration().toMap()).containsEntry("web.port", "8082");
  }

  @Test
  void neverIsADurationToo() throws IOException {
    JobConfig never = JobConfig.defaults();
    assertThat(never.get(JobOptions.ITEMS_RETENTION)).isZero();
    assertThat(never.describe()).contains("items.retention: 'never'");
    Path yaml = write("items.retention: 90 d");
    assertThat(JobConfig.load(yaml, List.of()).get(JobOptions.ITEMS_RETENTION))
        .isEqualTo(Duration.ofDays(90));
    assertThat(
            JobConfig.load(yaml, List.of("items.retention=never")).get(JobOptions.ITEMS_RETENTION))
        .isZero();
  }

  @Test
  void readsNestedAndDottedYamlAndLetsSetWin() throws IOException {
    Path yaml =
        write(
            """
            embed:
              batch: 8
              linger: 5 s
            encoder.hidden: [128, 64]
            gate: {enabled: false}
            """);
    JobConfig config = JobConfig.load(yaml, List.of("embed.batch = 4"));
    assertThat(config.get(JobOptions.EMBED_BATCH)).isEqualTo(4);
    assertThat(config.get(JobOptions.EMBED_LINGER)).isEqualTo(Duration.ofSeconds(5));
    assertThat(config.get(JobOptions.ENCODER_HIDDEN)).containsExactly(128, 64);
    assertThat(config.get(JobOptions.GATE_ENABLED)).isFalse();
  }

  @Test
  void theRecommenderOfSemanticsNeedsWholeHeads() {
    List<String> sets = List.of("quantizer.dim=63", "id.dim=65");
    assertThatThrownBy(() -> JobConfig.load(null, sets))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "quantizer.dim is '63' and recommender.heads is '2'; the first must be a multiple of the second, or recommender.semantic-share 0");
    JobConfig.load(null, List.of("quantizer.dim=63", "id.dim=65", "recommender.semantic-share=0"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "embed.bach=4 | unknown key embed.bach (value '4'); nearest known: embed.batch",
        "embed.batch=0 | embed.batch is '0'; allowed: an integer from 1 to 4096",
        "embed.batch=many | embed.batch is 'many'; allowed: an integer from 1 to 4096",
        "embed.linger=soon | embed.linger is 'soon'; allowed: a duration from 0 ms to 1 min",
        "embed.linger=2 min | embed.linger is '2 min'; allowed: a duration from 0 ms to 1 min",
        "embed.model=bert | embed.model is 'bert'; allowed: minilm, minilm-quantized",
        "gate.enabled=yes | gate.enabled is 'yes'; allowed: true or false",
        "quantizer.decay=NaN | quantizer.decay is 'NaN'; allowed: a number from 1.0E-9 to 0.999999",
        "recommender.learning-rate=0 | recommender.learning-rate is '0'; allowed: a number from 1.0E-9 to 1",
        "quantizer.metrics=cosine,dot,cosine | quantizer.metrics is 'cosine,dot,cosine'; allowed: cosine or euclidean",
        "quantizer.levels=4 | quantizer.metrics is 'cosine,cosine,euclidean' and quantizer.levels is '4'",
        "parallelism=200 | parallelism is '200' and max-parallelism is '128'",
        "id.dim=7 | quantizer.dim + id.dim = 71 must be a multiple of recommender.heads",
        "bootstrap.items=100 | a codebook needs at least as many items",
        "checkpoint.interval=10 min | the first must be at most half of the second",
        "items.retention=0 s | items.retention is '0 s'; allowed: never, or a duration from 1 s to 36500 d",
        "items.retention=999 ms | items.retention is '999 ms'; allowed: never, or a duration from 1 s",
        "items.retention=40000 d | items.retention is '40000 d'; allowed: never, or a duration from 1 s",
        "items.retention=always | items.retention is 'always'; allowed: never, or a duration from 1 s",
        "ingest.min-time=yesterday | ingest.min-time is 'yesterday'; allowed: a day",
        "kafka.properties.group.id=x | set kafka.group instead",
        "flink.parallelism.default=3 | set parallelism instead",
        "flink.state.backend=hashmap | set state.backend instead",
        "flink.execution.checkpointing.mode=AT_LEAST_ONCE | flink.execution.checkpointing.mode is 'AT_LEAST_ONCE'; not allowed: the job is exactly once; remove the setting",
        "flink.execution.checkpointing.unaligned.enabled=true | under aligned checkpoints, which the job sets; remove the setting",
        "flink.execution.checkpointing.unaligned=true | under aligned checkpoints",
        "flink.execution.checkpointing.unaligned.forced=true | under aligned checkpoints",
        "flink.execution.checkpointing.aligned-checkpoint-timeout=1 s | under aligned checkpoints",
        "flink.execution.checkpointing.alignment-timeout=1 s | under aligned checkpoints",
        "flink.execution.checkpointing.storage=jobmanager | set checkpoint.dir to choose the folder; remove the setting",
        "ingest.max-id-bytes=65536 | ingest.max-id-bytes is '65536'; allowed: an integer from 1 to 65535",
        "dead-letters.max-bytes=16000001 | allowed: an integer from 0 to 16000000",
        "flink.execution.runtime-mode=BATCH | not allowed: the job is a stream",
        "parallelism | allowed: key=value",
      })
  void refusesWithKeyValueAndWhatIsAllowed(String set, String message) {
    assertThatThrownBy(() -> JobConfig.load(null, List.of(set)))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "- a | is a list; allowed: keys with values",
        "a: [ | is not YAML",
        "seed: | seed in",
        "{embed.batch: 1, embed: {batch: 2}} | embed.batch stands twice",
      })
  void refusesFilesThatAreNotConfigurations(String yaml, String message) throws IOException {
    Path file = write(yaml);
    assertThatThrownBy(() -> JobConfig.load(file, List.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("job.yaml");
  }

  @Test
  void namesTheFileThatIsMissing() {
    assertThatThrownBy(() -> JobConfig.load(folder.resolve("none.yaml"), List.of()))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("none.yaml cannot be read");
  }

  @Test
  void survivesSerialisation() throws Exception {
    JobConfig config =
        JobConfig.of(Map.of("seed", "7", "flink.web.port", "8082", "kafka.properties.a", "b"));
    assertThat(InstantiationUtil.clone(config).describe()).isEqualTo(config.describe());
  }

  @Test
  void hidesSecrets() {
    JobConfig config = JobConfig.of(Map.of("kafka.properties.ssl.key.password", "hunter2"));
    assertThat(config.toString()).contains("ssl.key.password").doesNotContain("hunter2");
    assertThat(config.kafkaProperties()).containsEntry("ssl.key.password", "hunter2");
  }

  @Test
  void tableListsEveryKey() {
    assertThat(JobConfig.markdownTable().lines().filter(l -> l.startsWith("| `")))
        .hasSize(JobOptions.settings().size() + 2)
        .contains(
            "| `embed.batch` | `16` | an integer from 1 to 4096 | Texts embedded together at most. |");
  }

  private Path write(String yaml) throws IOException {
    return Files.writeString(folder.resolve("job.yaml"), yaml);
  }
}
