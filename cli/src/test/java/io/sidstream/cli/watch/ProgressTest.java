package io.sidstream.cli.watch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.schemas.DeadLetter;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.Prequential;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class ProgressTest {
  private static final Summary.Run RUN = new Summary.Run(12.5, 20, 1 << 20, null, null, null);

  private final Progress progress = new Progress(2, 4, "s.items", "s.interactions");

  @Test
  void sumsUpWhatTheTopicsSaid() throws Exception {
    progress.version(version(1, VersionState.BEGIN, 0).build(), 1000);
    progress.token("a", row("a", List.of(0, 0), List.of(0, 0), null), 500L, 1100);
    progress.token("b", row("b", List.of(0, 1), List.of(0, 0), null), null, 1100);
    progress.token("gone", row("gone", List.of(3, 3), List.of(3, 3), null), null, 1100);
    progress.token("gone", null, null, 1100);
    progress.version(version(1, VersionState.COMMIT, 0).setItems(2).build(), 1200);
    progress.version(revision(1, 10, 4, 2, 1.5, 1), 1300);
    progress.version(revision(1, 25, 6, 4, 2, 1), 1400);
    progress.version(version(2, VersionState.HELD, 25).setReason("too few").build(), 1450);
    progress.version(version(2, VersionState.BEGIN, 25).build(), 1500);
    progress.version(
        version(2, VersionState.COMMIT, 25).setOldItems(2).setMovedItems(1).build(), 1600);
    progress.version(revision(2, 30, 0, 0, 0, 0), 1700);
    progress.token("c", row("c", List.of(1, 2), List.of(1, 2), 1), 2000L, 2300);
    progress.token("c", row("c", List.of(1, 3), List.of(1, 3), null), 2000L, 9000);

    Summary summary = progress.summary(3, null, RUN);

    assertThat(summary.items()).isEqualTo(3);
    assertThat(summary.itemsWithToken()).isEqualTo(3);
    assertThat(summary.interactions()).isEqualTo(30);
    assertThat(summary.versions()).isEqualTo(2);
    assertThat(summary.held()).isEqualTo(1);
    assertThat(summary.holds())
        .singleElement()
        .satisfies(
            hold -> {
              assertThat(hold.version()).isEqualTo(2);
              assertThat(hold.reason()).isEqualTo("too few");
            });
    assertThat(summary.revisions()).isEqualTo(3);
    assertThat(summary.levels().get(0).utilisation()).isEqualTo(0.5);
    // Two of three at one codeword, one at another: exp(entropy) = 3 / 4^(1/3).
    assertThat(summary.levels().get(0).perplexity()).isCloseTo(3 / Math.cbrt(4), within(1e-9));
    assertThat(summary.levels().get(1).utilisation()).isEqualTo(0.5);
    assertThat(summary.aloneInTuple()).isCloseTo(1 / 3.0, within(1e-12));
    assertThat(summary.uniqueTokens()).isEqualTo(1);
    assertThat(summary.churn()).containsExactly(0.0, 0.5);
    assertThat(summary.prequential())
        .containsExactly(new Summary.Version(1, 10, 0.6, 0.3, 0.35, 4, 0.25, 0.0));
    // Only c was sent after the first commit was seen, and only its first row counts.
    assertThat(summary.latencyMs()).isEqualTo(new Summary.Latency(1, 300L, 300L));

    JsonNode json = new ObjectMapper().valueToTree(summary);
    assertThat(json.fieldNames())
        .toIterable()
        .contains(
            "items",
            "itemsWithToken",
            "interactions",
            "deadLetters",
            "versions",
            "revisions",
            "levels",
            "aloneInTuple",
            "churn",
            "prequential",
            "latencyMs",
            "wallSeconds",
            "cpuSeconds",
            "peakRssBytes",
            "firstVersion",
            "checkpoints",
            "stepTimeMs");
    assertThat(json.at("/prequential/0/newPopularityHr10").asDouble()).isZero();
    assertThat(json.at("/latencyMs/p99").asLong()).isEqualTo(300);
  }

  @Test
  void isCompleteOnlyWhenNothingIsMissingAndNoVersionIsUnderWay() {
    List<String> items = List.of("a", "bad");
    assertThat(progress.complete(List.of(), 0)).as("no version yet").isFalse();
    progress.version(version(1, VersionState.COMMIT, 0).build(), 1);
    progress.version(revision(1, 9, 0, 0, 0, 0), 2);
    progress.token("a", row("a", List.of(0, 0), List.of(0, 0), null), null, 3);
    assertThat(progress.complete(items, 10)).as("an item and an interaction are missing").isFalse();
    progress.deadLetter(letter("s.items", "bad"));
    assertThat(progress.complete(items, 10)).as("an interaction is missing").isFalse();
    assertThat(progress.settledInteractions()).isEqualTo(9);
    progress.deadLetter(letter("s.interactions", "u"));
    assertThat(progress.settledInteractions()).isEqualTo(10);
    assertThat(progress.complete(items, 10)).isTrue();
    progress.version(version(2, VersionState.BEGIN, 9).build(), 4);
    assertThat(progress.complete(items, 10)).as("version 2 is under way").isFalse();
    progress.version(version(2, VersionState.COMMIT, 9).build(), 5);
    assertThat(progress.complete(items, 10)).isTrue();
    progress.token("a", null, null, 6);
    assertThat(progress.complete(items, 10)).as("a has lost its token").isFalse();
    assertThat(progress.summary(2, null, RUN).deadLetters()).isEqualTo(2);
  }

  @Test
  void saysNothingOfWhatWasNotSeen() {
    Summary summary = progress.summary(0, null, RUN);
    assertThat(summary.itemsWithToken()).isZero();
    assertThat(summary.aloneInTuple()).isZero();
    assertThat(summary.levels().get(0)).isEqualTo(new Summary.Level(0, 0));
    assertThat(summary.churn()).isEmpty();
    assertThat(summary.prequential()).isEmpty();
    assertThat(summary.latencyMs()).isEqualTo(new Summary.Latency(0, null, null));
  }

  private static VersionRecord.Builder version(int version, VersionState state, long interactions) {
    return VersionRecord.newBuilder()
        .setVersion(version)
        .setState(state)
        .setRevision(1)
        .setInteractions(interactions)
        .setTime(Instant.EPOCH);
  }

  private static VersionRecord revision(
      int version,
      long interactions,
      long events,
      double hits,
      double popularityHits,
      double newHits) {
    return version(version, VersionState.REVISION, interactions)
        .setPrequential(
            Prequential.newBuilder()
                .setEvents(events)
                .setHits10(hits)
                .setNdcg10(hits / 2)
                .setPopularityHits10(popularityHits)
                .setNewEvents(events == 0 ? 0 : 2)
                .setNewHits10(newHits / 2)
                .setNewPopularityHits10(0)
                .build())
        .build();
  }

  private static ItemToken row(
      String item, List<Integer> codes, List<Integer> nearest, Integer suffix) {
    return ItemToken.newBuilder()
        .setItem(item)
        .setVersion(1)
        .setCommit(1)
        .setRevision(1)
        .setCodes(codes)
        .setSuffix(suffix)
        .setNearest(nearest)
        .setDistances(List.of(0f, 0f))
        .setMargins(List.of(0f, 0f))
        .setTime(Instant.EPOCH)
        .build();
  }

  private static DeadLetter letter(String topic, String key) {
    return DeadLetter.newBuilder()
        .setTopic(topic)
        .setPartition(0)
        .setOffset(0)
        .setTimestamp(Instant.EPOCH)
        .setCode("ID_EMPTY")
        .setReason("test")
        .setKey(ByteBuffer.wrap(key.getBytes(StandardCharsets.UTF_8)))
        .setValueLength(0)
        .setTime(Instant.EPOCH)
        .build();
  }
}
