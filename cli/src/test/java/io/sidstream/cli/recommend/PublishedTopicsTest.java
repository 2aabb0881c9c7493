package io.sidstream.cli.recommend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.models.PublishedModel;
import io.sidstream.model.math.Rng;
import io.sidstream.model.serve.RankingModel;
import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointTrainer;
import io.sidstream.model.train.UserSequences;
import io.sidstream.schemas.IdEmbedding;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelParts;
import io.sidstream.schemas.Vectors;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;

/** What is published of a trainer, record by record, and read again. */
class PublishedTopicsTest {
  private static final int ITEMS = 30;
  private static final int LEVELS = 3;
  private static final WireFormat WIRE = new WireFormat();
  private final JointTrainer trainer;
  private final ItemTable items;
  private final PublishedTopics topics = new PublishedTopics("p.");

  PublishedTopicsTest() {
    JointConfig config =
        JointConfig.builder()
            .contentDim(8)
            .hidden(List.of(12))
            .semanticDim(6)
            .idDim(4)
            .codewords(8)
            .maxLen(5)
            .semanticShare(.3f)
            .build();
    items = JointTrainer.newItemTable(config);
    Rng rng = new Rng(3);
    for (int i = 0; i < ITEMS; i++) {
      float[] x = new float[8];
      for (int d = 0; d < 8; d++) {
        x[d] = rng.nextGaussian();
      }
      items.put(i, x, 0);
      for (int d = 0; d < 4; d++) {
        items.id()[4 * i + d] = i % 3 == 0 ? 0f : rng.nextGaussian();
      }
    }
    trainer = new JointTrainer(config, items, new UserSequences(6), 1);
    trainer.initialiseCodebooks(ITEMS);
    trainer.adopt(trainer.candidate(new float[LEVELS]));
  }

  private void send(String topic, String key, SpecificRecord value) {
    topics.take(
        new ConsumerRecord<>(
            "p." + topic,
            0,
            0,
            key.getBytes(StandardCharsets.UTF_8),
            value == null ? null : WIRE.encode(value)));
  }

  private static String name(int item) {
    return "item%02d".formatted(item);
  }

  private void version(VersionState state, int version, long revision) {
    VersionRecord record = new VersionRecord();
    record.setState(state);
    record.setVersion(version);
    record.setRevision(revision);
    record.setModelDigest("");
    record.setChangedCodes(List.of());
    record.setChangedPrefixes(List.of());
    record.setTime(Instant.EPOCH);
    send("versions", Integer.toString(version), record);
  }

  private void token(int item, int version) {
    List<Integer> nearest = new ArrayList<>();
    for (int l = 0; l < LEVELS; l++) {
      nearest.add(items.codes()[LEVELS * item + l]);
    }
    List<Integer> repaired = new ArrayList<>(nearest);
    repaired.set(LEVELS - 1, (nearest.get(LEVELS - 1) + 1) % 8);
    float[] none = new float[LEVELS];
    send(
        "tokens",
        name(item),
        ItemToken.newBuilder()
            .setItem(name(item))
            .setVersion(version)
            .setCommit(version)
            .setRevision(5)
            .setCodes(repaired)
            .setNearest(nearest)
            .setDistances(Vectors.toList(none))
            .setMargins(Vectors.toList(none))
            .setTime(Instant.EPOCH)
            .build());
  }

  private void embedding(int item, long revision) {
    float[] e = Arrays.copyOfRange(items.id(), 4 * item, 4 * item + 4);
    send("id-embeddings", name(item), new IdEmbedding(name(item), 2, revision, Vectors.toList(e)));
  }

  private void pieces(List<ModelPart> pieces) {
    pieces.forEach(piece -> send("models", ModelParts.key(piece), piece));
  }

  private void recommenders(int version, long revision) {
    pieces(
        new PublishedModel(version, revision, Instant.EPOCH)
            .recommenders(RankingModel.of(trainer.recommender(), trainer, 6)));
  }

  private void all() {
    PublishedModel model = new PublishedModel(2, 5, Instant.EPOCH);
    pieces(model.tokenizer(trainer.inUse()));
    pieces(model.decoder(trainer.quantizer().decoder()));
    recommenders(2, 5);
    for (int i = 0; i < ITEMS; i++) {
      token(i, 1 + i % 2);
      if (i % 3 != 0) {
        embedding(i, 1 + i % 5);
      }
    }
    version(VersionState.BEGIN, 2, 4);
    version(VersionState.REVISION, 2, 5);
    version(VersionState.COMMIT, 2, 5);
  }

  /** By what the quantizer chose, not by the tokens; e of an item without is 0. */
  @Test
  void representationsAreTheTrainersBitForBit() {
    all();
    assertThat(topics.disagreement()).isNull();
    PublishedRanking ranking = topics.ranking();
    assertThat(ranking.version()).isEqualTo(2);
    assertThat(ranking.revision()).isEqualTo(5);
    assertThat(ranking.names()).hasSize(ITEMS).startsWith("item00", "item01");
    assertThat(ranking.index("item07")).isEqualTo(7);
    assertThat(ranking.index("never")).isEqualTo(-1);
    int[] rows = IntStream.range(0, ITEMS).toArray();
    float[] expected = new float[10 * ITEMS];
    float[] actual = new float[10 * ITEMS];
    trainer.fill(rows, ITEMS, expected);
    ranking.model().fill(rows, ITEMS, actual);
    assertThat(actual).isEqualTo(expected);
    assertThat(ranking.model().towers()).hasSize(1);
    assertThat(ranking.model().recommender().parameters())
        .isEqualTo(trainer.recommender().parameters());
  }

  @Test
  void aVersionUnderWayIsWaitedFor() {
    all();
    version(VersionState.BEGIN, 3, 5);
    assertThat(topics.disagreement()).isEqualTo("token version 3 has begun and is not committed");
  }

  @Test
  void aRowOfALaterVersionIsWaitedFor() {
    all();
    token(4, 3);
    assertThat(topics.disagreement())
        .isEqualTo("a row of item item04 is of token version 3, the newest committed is 2");
    send("tokens", name(4), null);
    assertThat(topics.disagreement()).isNull();
    assertThat(topics.ranking().names()).hasSize(ITEMS - 1);
  }

  @Test
  void aRevisionThatIsHalfVisibleIsWaitedFor() {
    all();
    embedding(4, 6);
    assertThat(topics.disagreement())
        .isEqualTo("the ID embedding of item item04 is of revision 6, the recommenders are of 5");
    recommenders(2, 6);
    assertThat(topics.disagreement())
        .isEqualTo("the recommenders are of revision 6, the versions topic is at 5");
    version(VersionState.REVISION, 2, 6);
    assertThat(topics.disagreement()).isNull();
    assertThat(topics.ranking().revision()).isEqualTo(6);
    // A revision that is not published (learn.publish-every) takes nothing from the one that is.
    version(VersionState.REVISION, 2, 7);
    assertThat(topics.disagreement()).isNull();
    assertThat(topics.ranking().revision()).isEqualTo(6);
    // A candidate that is held is of no account.
    version(VersionState.HELD, 3, 6);
    assertThat(topics.disagreement()).isNull();
  }

  @Test
  void partsThatAreMissingAreNamed() {
    assertThatThrownBy(topics::disagreement)
        .hasMessage("no version is committed on p.versions yet: nothing can be ranked");
    all();
    send("models", new ModelParts.Key(2, ModelPartKind.RECOMMENDER, 0).toString(), null);
    assertThat(topics.disagreement())
        .isEqualTo("the recommenders of token version 2 are not complete");
    send("models", new ModelParts.Key(2, ModelPartKind.CODEBOOKS, 0).toString(), null);
    assertThat(topics.disagreement())
        .isEqualTo("the codebooks of token version 2 are not complete");
  }
}
