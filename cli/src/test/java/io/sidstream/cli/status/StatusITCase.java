package io.sidstream.cli.status;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.cli.CommandRun;
import io.sidstream.cli.kafka.EmbeddedKafka;
import io.sidstream.cli.report.Catalogue;
import io.sidstream.cli.tokens.TokenTopics;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StatusITCase {
  @TempDir static Path folder;
  private static EmbeddedKafka kafka;

  @BeforeAll
  static void start() throws Exception {
    kafka = EmbeddedKafka.start(folder.resolve("kafka"));
    Catalogue.write(kafka.bootstrap(), "c.");
  }

  @AfterAll
  static void stop() {
    kafka.close();
  }

  @Test
  void oneScreenSaysWhatTheJobIsWorth() throws Exception {
    CommandRun run = run("status", "--prefix", "c.");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out())
        .contains("brokers    1, at " + kafka.bootstrap())
        .contains("version    2, committed")
        .contains("items      400 known, 400 with token")
        .contains("revision 40,")
        .contains("40,000 interactions used, 7 wait for their item")
        // Of the rounds 25 to 40 under version 2: .35 + .007 * 32.5.
        .contains("HR@10 0.578, popularity 0.300, new items 0.430; 16,000 events ranked")
        .contains("in use 100 %, 90 %, 100 %; alone in their tuple before repair 92.5 %")
        .contains("churn      5.00 % of old items changed their token in version 2")
        .contains("held back 1; the last: version 2 at revision 12: expected churn 0.12")
        .contains("lag        unknown")
        .contains("1 dead letters {NO_CONTENT=1}")
        .contains("state      OK");
  }

  @Test
  void jsonAndExitCodesAreForMonitoring() throws Exception {
    CommandRun run = run("status", "--prefix", "c.", "--json", "--max-age", "1h");
    assertThat(run.code()).isEqualTo(3);
    JsonNode json = new ObjectMapper().readTree(run.out());
    assertThat(json.get("version").asInt()).isEqualTo(2);
    assertThat(json.get("hr10").asDouble()).isBetween(.5774, .5776);
    assertThat(json.get("lag").isNull()).isTrue();
    assertThat(json.get("problems").get(0).asText()).contains("nothing has happened for");

    commit("c.items", 0, 1);
    run = run("status", "--prefix", "c.", "--json", "--group", "g", "--max-lag", "10");
    json = new ObjectMapper().readTree(run.out());
    assertThat(json.get("lag").get("c.items").asLong()).isGreaterThan(100);
    assertThat(json.get("problems").get(0).asText()).contains("records are not confirmed");
    assertThat(run.code()).isEqualTo(3);

    try (TokenTopics topics = new TokenTopics(kafka.bootstrap(), "empty.")) {
      topics.flush();
      run = run("status", "--prefix", "empty.");
      assertThat(run.code()).isEqualTo(3);
      assertThat(run.out()).contains("NOT OK: no token version is committed yet");
    }
    run = run("status", "--prefix", "none.");
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("there is no topic none.versions on " + kafka.bootstrap());
    assertThat(run("status", "--max-age", "soon").code()).isEqualTo(2);
  }

  @Test
  void explainsATokenLevelByLevel() {
    CommandRun run = run("explain", "item-040", "--prefix", "c.");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out())
        .contains("item           item-040  A oak")
        .contains(", of version 2, revision 2")
        .contains("before         [")
        .contains("at 0.1000, the next 0.1000 further")
        .contains("codewords next to it, by 1 - cosine: ")
        .contains("codewords next to it, by squared distance: ");
    // Level 3 of Catalogue: codeword k is 202 + k in each of 4 dimensions.
    assertThat(run.out()).contains("7 (4.000), 9 (4.000), 6 (16.000)");
    assertThat(run.out()).containsPattern("prefix \\d+\\s+ shared by \\d+ other items");
    assertThat(run.out())
        .containsPattern("  item-\\d{3}  \\d+-\\d+-\\d+(\\+1)?  A \\w+ \\w+ no\\. ");

    run = run("explain", "nobody", "--prefix", "c.");
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.err()).contains("item nobody has no token; it is not on the items topic either");
  }

  @Test
  void theReportHoldsWhatTheTopicsSay() throws Exception {
    Path html = folder.resolve("report.html");
    CommandRun run = run("report", "--prefix", "c.", "-o", html);
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).contains("report: " + html);
    String page = Files.readString(html);
    assertThat(page).doesNotContain("src=\"http").doesNotContain("{{data}}");
    int from = page.indexOf("id=\"data\">") + 10;
    JsonNode data =
        new ObjectMapper().readTree(page.substring(from, page.indexOf("</script>", from)));
    assertThat(data.get("version").asInt()).isEqualTo(2);
    assertThat(data.get("rows")).hasSize(Catalogue.ITEMS);
    assertThat(data.get("revisions")).hasSize(40);
    assertThat(data.get("holds").get(0).get("reason").asText()).contains("churn-budget");
    assertThat(data.get("versions").get(1).get("moved").asLong()).isEqualTo(20);
    long used = 0;
    for (JsonNode n : data.get("levels").get(0).get("use")) {
      used += n.asLong();
    }
    assertThat(used).isEqualTo(Catalogue.ITEMS);
    assertThat(data.findValuesAsText("title"))
        .contains(Catalogue.NASTY.replaceAll("\\s+", " ").strip());

    run = run("report", "--prefix", "c.", "-o", html, "--max-items", "50");
    assertThat(run.code()).isZero();
    assertThat(run("report", "--prefix", "none.", "-o", html).code()).isEqualTo(1);
    assertThat(run("report", "--max-items", "0").code()).isEqualTo(2);
  }

  private static CommandRun run(Object... args) {
    Object[] all = java.util.Arrays.copyOf(args, args.length + 2);
    all[args.length] = "--bootstrap";
    all[args.length + 1] = kafka.bootstrap();
    return CommandRun.of(all);
  }

  /** What the job confirms. */
  private static void commit(String topic, int partition, long offset) {
    Properties p = new Properties();
    p.put("bootstrap.servers", kafka.bootstrap());
    p.put("group.id", "g");
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(p, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      TopicPartition at = new TopicPartition(topic, partition);
      consumer.assign(java.util.List.of(at));
      consumer.commitSync(java.util.Map.of(at, new OffsetAndMetadata(offset)));
    }
  }
}
