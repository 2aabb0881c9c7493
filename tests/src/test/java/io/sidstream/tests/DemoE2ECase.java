package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.cli.kafka.EmbeddedKafka;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code sidstream demo} as a real process: killed, started again, given nonsense. */
class DemoE2ECase {
  private static final int ITEMS = 100;
  private static final int EVENTS = 2000;
  private static final Pattern BROKER = Pattern.compile("Kafka: (localhost:\\d+)");

  @TempDir Path folder;
  private int outputs;

  @Test
  void goesOnAfterKillsAndEndsWithTheSameCounts() throws Exception {
    Path state = folder.resolve("state");
    // Before the first checkpoint: nothing was committed, it begins again.
    try (Command demo = demo(state, ITEMS)) {
      broker(demo);
      demo.kill();
    }
    // In mid-stream.
    try (Command demo = demo(state, ITEMS)) {
      try (TokenLog log = TinyJob.log(config(broker(demo)), true)) {
        log.await(
            "a version and half of the stream",
            Duration.ofSeconds(120),
            () -> log.committed() > 0 && log.interactions() > EVENTS / 3);
        assertThat(log.interactions()).isLessThan(EVENTS);
      }
      demo.kill();
    }
    // While it recovers.
    try (Command demo = demo(state, ITEMS)) {
      broker(demo);
      demo.kill();
    }
    JsonNode first = finish(state);
    assertThat(first.get("items").asInt()).isEqualTo(ITEMS);
    assertThat(first.get("itemsWithToken").asInt()).isEqualTo(ITEMS);
    assertThat(first.get("interactions").asInt()).isEqualTo(EVENTS);
    assertThat(first.get("deadLetters").asInt()).isZero();
    assertThat(first.get("uniqueTokens").asDouble()).isEqualTo(1.0);
    assertThat(first.get("verified").isBoolean()).isTrue();
    assertThat(first.get("verified").asBoolean()).isTrue();

    // Again, on what is finished: nothing to do, the same result.
    JsonNode second = finish(state);
    for (String same :
        List.of(
            "items",
            "itemsWithToken",
            "interactions",
            "deadLetters",
            "versions",
            "uniqueTokens",
            "verified")) {
      assertThat(second.get(same)).as(same).isEqualTo(first.get(same));
    }

    // Other data on the same state.
    try (Command demo = demo(state, ITEMS + 1)) {
      assertThat(demo.await(120)).isEqualTo(2);
      assertThat(demo.output()).contains("was begun with");
    }

    // What all these lives have left behind, to a stranger.
    try (EmbeddedKafka kafka = EmbeddedKafka.start(state.resolve("kafka"));
        TokenLog log = TinyJob.log(config(kafka.bootstrap()), true)) {
      log.await(
          "all of it",
          Duration.ofSeconds(30),
          () -> log.items().size() == ITEMS && log.interactions() == EVENTS);
      log.awaitVerified();
    }
  }

  @Test
  void tellsWhatIsWrong() throws Exception {
    refuses("parallelism", "--set", "parallelism=none");
    refuses("checkpoint.intervall", "--set", "checkpoint.intervall=1 s");
    refuses("--items 0", "--items", "0", "--events", "0");
    Path empty = Files.createDirectories(folder.resolve("empty"));
    refuses("has no items.jsonl", "--data", empty.toString());
    Files.createFile(empty.resolve("items.jsonl"));
    Files.createFile(empty.resolve("interactions.tsv"));
    refuses("items.jsonl has no items", "--data", empty.toString());
  }

  @Test
  void endsInSecondsWhileTheFirstModelIsMade() throws Exception {
    // The demo's own settings: those of the other tests leave a dozen steps.
    List<String> arguments =
        List.of(
            "demo",
            "--ui-port",
            "18481",
            "--items",
            "400",
            "--events",
            "20000",
            "--set",
            "embed.model=minilm-quantized",
            "--set",
            "embed.max-tokens=16");
    try (Command demo = Command.start(output(), arguments)) {
      Awaitility.await("the first model is being made")
          .atMost(Duration.ofSeconds(120))
          .until(() -> demo.output().contains("first model: "));
      long began = System.nanoTime();
      demo.terminate();
      // 128 + SIGTERM.
      assertThat(demo.await(60)).as(demo.output()).isEqualTo(143);
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(Duration.ofSeconds(15));
    }
  }

  @Test
  void itemsWithoutInteractionsGetTokens() throws Exception {
    Path data = Files.createDirectories(folder.resolve("data"));
    List<String> lines = new ArrayList<>();
    for (int i = 1; i <= 30; i++) {
      lines.add("{\"item\": \"a%d\", \"idx\": %d, \"title\": \"number %d\"}".formatted(i, i, i));
    }
    Files.write(data.resolve("items.jsonl"), lines);
    Files.createFile(data.resolve("interactions.tsv"));
    Path json = folder.resolve("out.json");
    List<String> arguments = new ArrayList<>(List.of("demo", "--until-done", "--ui-port", "18481"));
    Path table = folder.resolve("table.jsonl");
    arguments.addAll(List.of("--data", data.toString(), "--json", json.toString()));
    arguments.addAll(List.of("--export", table.toString()));
    arguments.addAll(settings());
    arguments.addAll(List.of("--set", "bootstrap.timeout=2 s"));
    arguments.addAll(List.of("--set", "quantizer.codebook-size=8"));
    try (Command demo = Command.start(output(), arguments)) {
      assertThat(demo.await(300)).as(demo.output()).isZero();
    }
    assertThat(new ObjectMapper().readTree(json.toFile()).get("itemsWithToken").asInt())
        .isEqualTo(30);
    Set<String> exported = new HashSet<>();
    for (String line : Files.readAllLines(table)) {
      exported.add(new ObjectMapper().readTree(line).get("item").asText());
    }
    assertThat(exported).hasSize(30).contains("a1", "a30");
  }

  private void refuses(String message, String... arguments) throws Exception {
    List<String> all = new ArrayList<>(List.of("demo"));
    all.addAll(List.of(arguments));
    try (Command demo = Command.start(output(), all)) {
      assertThat(demo.await(120)).as(demo.output()).isEqualTo(2);
      assertThat(demo.output()).contains(message);
    }
  }

  private JsonNode finish(Path state) throws Exception {
    Path json = folder.resolve("summary.json");
    Files.deleteIfExists(json);
    try (Command demo = demo(state, ITEMS, "--verify", "--json", json.toString())) {
      assertThat(demo.await(300)).as(demo.output()).isZero();
    }
    return new ObjectMapper().readTree(json.toFile());
  }

  private Command demo(Path state, int items, String... more) throws IOException {
    List<String> arguments = new ArrayList<>(List.of("demo", "--until-done", "--ui-port", "18481"));
    arguments.addAll(List.of("--items", "" + items, "--events", "" + EVENTS));
    arguments.addAll(List.of("--state", state.toString()));
    arguments.addAll(settings());
    arguments.addAll(List.of(more));
    return Command.start(output(), arguments);
  }

  private static List<String> settings() {
    List<String> arguments = new ArrayList<>();
    for (String set :
        List.of(
            "checkpoint.interval=500 ms",
            "encoder.hidden=32,24",
            "quantizer.dim=16",
            "learn.step-positions=256",
            "recommender.negatives=64",
            "bootstrap.max-steps=10",
            "learn.round-steps=2",
            "learn.round-interval=1 s",
            "quantizer.steps=2",
            "embed.model=minilm-quantized",
            "embed.max-tokens=16",
            "gate.enabled=false")) {
      arguments.add("--set");
      arguments.add(set);
    }
    return arguments;
  }

  private Path output() {
    return folder.resolve("output" + outputs++ + ".txt");
  }

  /** The address of the demo's broker, once its topics are there. */
  private static String broker(Command demo) {
    String[] found = new String[1];
    Awaitility.await("the broker")
        .atMost(Duration.ofSeconds(90))
        .until(
            () -> {
              Matcher line = BROKER.matcher(demo.output());
              if (line.find()) {
                found[0] = line.group(1);
                return true;
              }
              assertThat(demo.running()).as(demo.output()).isTrue();
              return false;
            });
    return found[0];
  }

  private static JobConfig config(String bootstrap) {
    return JobConfig.load(
        null,
        List.of(
            JobOptions.KAFKA_BOOTSTRAP.key() + "=" + bootstrap,
            // As the demo fits it to the number of items.
            JobOptions.QUANTIZER_CODEBOOK_SIZE.key() + "=8"));
  }
}
