package io.sidstream.model.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.NotFiniteException;
import io.sidstream.model.math.Rng;
import io.sidstream.model.math.Threads;
import io.sidstream.model.recommend.Tower;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class JointTrainerTest {
  private static final float[] NO_TOLERANCE = {0f, 0f, 0f};

  private static JointConfig.Builder small() {
    return JointConfig.builder()
        .contentDim(24)
        .hidden(List.of(32))
        .semanticDim(12)
        .idDim(4)
        .codewords(16)
        .ffn(32)
        .maxLen(12)
        .dropout(0.1f)
        .sharedNegatives(64)
        .batchUsers(32);
  }

  private static Catalogue catalogue(JointConfig config) {
    return new Catalogue(config, 240, 200, 10, 3);
  }

  private static double hitRate(JointTrainer trainer, Catalogue c, boolean popularity) {
    List<Prequential.Window> windows = new ArrayList<>();
    for (int u = 0; u < c.userCount; u++) {
      windows.add(new Prequential.Window(c.users.items(u), c.users.times(u), 3));
    }
    Prequential.Result result =
        new Prequential(trainer.recommender(), trainer, c.items, 99).evaluate(windows, new Rng(5));
    return (popularity ? result.popularity : result.model).hr(10);
  }

  @ParameterizedTest
  @EnumSource(JointConfig.Loss.class)
  void lossFallsAndBeatsPopularity(JointConfig.Loss loss) {
    JointConfig config = small().loss(loss).build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    trainer.initialiseCodebooks(1000);
    Rng batches = new Rng(2);
    double first = 0;
    double last = 0;
    double reconstruction = 0;
    for (int i = 0; i < 300; i++) {
      StepStats stats = trainer.step(c.batch(32, batches), Phase.JOINT);
      assertThat(stats.positions()).isEqualTo(32 * 9);
      first += i < 10 ? stats.recommendation() / 10 : 0;
      last += i >= 290 ? stats.recommendation() / 10 : 0;
      reconstruction = i == 0 ? stats.reconstruction() : reconstruction;
      if (i == 299) {
        assertThat(stats.reconstruction()).isLessThan(0.7 * reconstruction);
      }
    }
    assertThat(last).isLessThan(0.9 * first);
    trainer.adopt(trainer.candidate(NO_TOLERANCE));
    double hr = hitRate(trainer, c, false);
    double popular = hitRate(trainer, c, true);
    assertThat(hr).as("HR@10 against popularity's " + popular).isGreaterThan(popular + 0.1);
  }

  /** A dropout this near to 1 drops z in every step that this test takes. */
  @Test
  void aStepWithoutSemanticsSeesAndMovesNoneOfIt() {
    JointConfig config = small().semanticDropout(0.999999f).build();
    Catalogue c = catalogue(config);
    Catalogue other = catalogue(config);
    JointTrainer trainer = adopted(config, c, new Rng(2));
    JointTrainer blind = adopted(config, other, new Rng(2));
    Arrays.fill(other.items.semantic(), 7f);
    int[] batch = c.batch(32, new Rng(3));
    trainer.step(batch, Phase.RECOMMENDER);
    blind.step(batch, Phase.RECOMMENDER);
    assertThat(other.items.id()).isEqualTo(c.items.id());
    assertThat(blind.recommender().parameters()).isEqualTo(trainer.recommender().parameters());

    // Other ID embeddings give another loss; the quantizer hears nothing of it.
    Kernels.scale(3f, other.items.id(), 0, other.items.id().length);
    float[] before = trainer.quantizer().parameters().clone();
    double loss = trainer.step(batch, Phase.JOINT).recommendation();
    assertThat(blind.step(batch, Phase.JOINT).recommendation()).isNotEqualTo(loss);
    assertThat(trainer.quantizer().parameters()).isNotEqualTo(before);
    assertThat(blind.quantizer().parameters()).isEqualTo(trainer.quantizer().parameters());
  }

  /** The second recommender learns z alone, also in steps that hide z from the first. */
  @Test
  void theRecommenderOfSemanticsSeesNoIdEmbedding() {
    JointConfig config = small().semanticDropout(0.999999f).semanticShare(0.4f).build();
    Catalogue c = catalogue(config);
    Catalogue other = catalogue(config);
    JointTrainer trainer = adopted(config, c, new Rng(2));
    JointTrainer blind = adopted(config, other, new Rng(2));
    Kernels.scale(3f, other.items.id(), 0, other.items.id().length);
    int[] batch = c.batch(32, new Rng(3));
    float[] before = second(trainer).clone();
    trainer.step(batch, Phase.JOINT);
    blind.step(batch, Phase.JOINT);
    assertThat(second(trainer)).isNotEqualTo(before);
    assertThat(second(blind)).isEqualTo(second(trainer));
    assertThat(blind.quantizer().parameters()).isEqualTo(trainer.quantizer().parameters());
    assertThat(blind.recommender().parameters()).isNotEqualTo(trainer.recommender().parameters());
  }

  @Test
  void theRecommenderOfSemanticsHasItsShareAndTemperature() {
    JointConfig config =
        small().temperature(0.8f).semanticShare(0.5f).semanticTemperature(5f).build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    assertThat(trainer.temperature()).isEqualTo(0.8f);
    assertThat(trainer.towers())
        .extracting(Tower::from, Tower::to, Tower::temperature, Tower::share)
        .containsExactly(tuple(0, config.semanticDim(), 4f, 0.5f));
  }

  @Test
  void aStepWhoseLossIsNotFiniteLeavesTheWeights() {
    JointConfig config = small().semanticShare(0.3f).build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = adopted(config, c, new Rng(2));
    // The first recommender's loss is finite, the second's is not.
    Arrays.fill(second(trainer), Float.MAX_VALUE);
    float[] first = trainer.recommender().parameters().clone();
    float[] second = second(trainer).clone();
    float[] quantizer = trainer.quantizer().parameters().clone();
    float[] ids = c.items.id().clone();
    assertThatThrownBy(() -> trainer.step(c.batch(32, new Rng(3)), Phase.JOINT))
        .hasMessageContaining(
            "weights, codebooks and optimiser state are unchanged: lower the learning rate");
    assertThat(trainer.recommender().parameters()).isEqualTo(first);
    assertThat(second(trainer)).isEqualTo(second);
    assertThat(trainer.quantizer().parameters()).isEqualTo(quantizer);
    assertThat(c.items.id()).isEqualTo(ids);
  }

  @Test
  void aStepWhoseReconstructionIsNotFiniteLeavesTheWeights() {
    JointConfig config = small().build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = adopted(config, c, new Rng(2));
    float[] quantizer = trainer.quantizer().parameters();
    // The last number is a bias of the decoder's output.
    quantizer[quantizer.length - 1] = Float.MAX_VALUE;
    float[] before = quantizer.clone();
    float[] recommender = trainer.recommender().parameters().clone();
    float[] ids = c.items.id().clone();
    for (Phase phase : new Phase[] {Phase.JOINT, Phase.QUANTIZER_ALONE}) {
      assertThatThrownBy(() -> trainer.step(c.batch(32, new Rng(3)), phase))
          .hasMessageContaining("reconstruction loss is Infinity in step ");
      assertThat(trainer.recommender().parameters()).isEqualTo(recommender);
      assertThat(quantizer).isEqualTo(before);
      assertThat(c.items.id()).isEqualTo(ids);
    }
  }

  @ParameterizedTest
  @EnumSource(JointConfig.Loss.class)
  void stepsHaveTheSameBitsWhateverTheNumberOfThreads(JointConfig.Loss loss) throws Exception {
    JointConfig config = small().loss(loss).semanticShare(0.3f).build();
    Catalogue c = catalogue(config);
    byte[] one = state(adopted(config, c, new Rng(2)));
    float[] ids = c.items.id();
    Threads.use(3);
    try {
      Catalogue again = catalogue(config);
      assertThat(state(adopted(config, again, new Rng(2)))).isEqualTo(one);
      assertThat(again.items.id()).isEqualTo(ids);
    } finally {
      Threads.use(1);
    }
  }

  /** As a job does whose setting changed between two starts. */
  @Test
  void theRecommenderOfSemanticsMayComeAndGoBetweenStates() throws Exception {
    JointConfig without = small().build();
    JointConfig with = small().semanticShare(0.4f).build();
    Catalogue c = catalogue(without);
    JointTrainer one = adopted(without, c, new Rng(2));
    JointTrainer two = adopted(with, catalogue(with), new Rng(2));

    JointTrainer came = new JointTrainer(with, c.items, c.users, 99);
    read(came, state(one));
    assertThat(came.recommender().parameters()).isEqualTo(one.recommender().parameters());
    assertThat(came.quantizer().parameters()).isEqualTo(one.quantizer().parameters());
    assertThat(came.step(c.batch(8, new Rng(3)), Phase.RECOMMENDER).recommendation()).isFinite();

    JointTrainer went = new JointTrainer(without, c.items, c.users, 99);
    read(went, state(two));
    assertThat(went.towers()).isEmpty();
    assertThat(went.recommender().parameters()).isEqualTo(two.recommender().parameters());
    assertThat(went.quantizer().parameters()).isEqualTo(two.quantizer().parameters());
    assertThat(went.inUse().toBytes()).isEqualTo(two.inUse().toBytes());
  }

  private static void read(JointTrainer trainer, byte[] state) throws Exception {
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(state));
    trainer.readState(in);
    assertThat(in.read()).as("all was read").isEqualTo(-1);
  }

  private static float[] second(JointTrainer trainer) {
    return trainer.towers().get(0).recommender().parameters();
  }

  /** A slow step moves the quantizer as a fast one of a configuration with those rates does. */
  @Test
  void theSlowPhaseHasItsOwnRateAndDecay() {
    JointConfig slow = small().slowLearningRate(3e-4f).slowCodebookDecay(0.6f).build();
    byte[] moved = afterAStep(slow, Phase.QUANTIZER_SLOW);
    assertThat(moved)
        .isEqualTo(
            afterAStep(small().learningRate(3e-4f).codebookDecay(0.6f).build(), Phase.JOINT));
    assertThat(moved)
        .isNotEqualTo(afterAStep(small().learningRate(3e-4f).build(), Phase.JOINT))
        .isNotEqualTo(afterAStep(small().codebookDecay(0.6f).build(), Phase.JOINT));
    // And a fast one does not look at them.
    assertThat(afterAStep(slow, Phase.JOINT)).isEqualTo(afterAStep(small().build(), Phase.JOINT));
  }

  /** The tokenizer after one step from the start. */
  private static byte[] afterAStep(JointConfig config, Phase phase) {
    Catalogue c = catalogue(config);
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    trainer.initialiseCodebooks(1000);
    trainer.step(c.batch(32, new Rng(3)), phase);
    return trainer.candidate(NO_TOLERANCE).toBytes();
  }

  @Test
  void negativesAvoidTheUsersItems() {
    JointConfig config = small().loss(JointConfig.Loss.BCE).build();
    Catalogue c = new Catalogue(config, 24, 1, 2, 3);
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    trainer.initialiseCodebooks(24);
    // All but 6, 9 and 20, which is gone by then; of them the newest 13 are its window.
    int[] had = IntStream.range(0, 24).filter(i -> i != 6 && i != 9 && i != 20).toArray();
    c.users.set(0, had, new long[had.length]);
    c.items.remove(20);
    Set<Integer> drawn = new HashSet<>();
    for (int step = 0; step < 20; step++) {
      assertThat(trainer.step(new int[] {0}, Phase.JOINT).positions()).isEqualTo(12);
      int[] items = trainer.batchItems();
      for (int slot : trainer.batchNegatives()) {
        drawn.add(items[slot]);
      }
    }
    assertThat(drawn).containsExactlyInAnyOrder(6, 9);

    // A user of all items gets one of its own rather than none.
    c.items.remove(6);
    c.items.remove(9);
    assertThat(trainer.step(new int[] {0}, Phase.JOINT).recommendation()).isFinite();
    for (int slot : trainer.batchNegatives()) {
      assertThat(had).contains(trainer.batchItems()[slot]);
    }
  }

  @Test
  void theIdEmbeddingOfADroppedSlotDoesNotMove() {
    JointConfig config = small().idDropout(0.5f).build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = adopted(config, c, new Rng(2));
    run(trainer, c, new Rng(4), 10);
    int w = config.idDim();
    for (Phase phase : new Phase[] {Phase.JOINT, Phase.RECOMMENDER}) {
      byte[][] rows = new byte[c.itemCount][];
      Arrays.setAll(rows, c.items::row);
      float[][] before = {
        c.items.id().clone(), c.items.idMean().clone(), c.items.idSquare().clone()
      };
      trainer.step(c.batch(32, new Rng(5)), phase);
      float[][] after = {c.items.id(), c.items.idMean(), c.items.idSquare()};
      int[] batch = trainer.batchItems();
      int dropped = 0;
      for (int i = 0; i < batch.length; i++) {
        int from = batch[i] * w;
        if (trainer.idDropped(i)) {
          dropped++;
          assertThat(c.items.row(batch[i])).as("item %d", batch[i]).isEqualTo(rows[batch[i]]);
          continue;
        }
        for (int a = 0; a < 3; a++) {
          assertThat(Arrays.copyOfRange(after[a], from, from + w))
              .as("array %d of item %d", a, batch[i])
              .isNotEqualTo(Arrays.copyOfRange(before[a], from, from + w));
        }
      }
      assertThat(dropped).isBetween(batch.length / 4, batch.length * 3 / 4);
    }
  }

  /** Adam's first step is the rate whatever the gradient, if the correction is that of a first. */
  @Test
  void anIdEmbeddingIsCorrectedByItsOwnSteps() {
    JointConfig config = small().idLearningRate(0.01f).sharedNegatives(1).build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = adopted(config, c, new Rng(2));
    for (int step = 0; step < 8; step++) {
      trainer.step(new int[] {0}, Phase.RECOMMENDER);
    }
    BitSet trained = new BitSet();
    IntStream.range(0, c.itemCount).filter(c.items::idTrained).forEach(trained::set);
    trainer.step(IntStream.range(0, c.userCount).toArray(), Phase.RECOMMENDER);
    int first = 0;
    for (int item : trainer.batchItems()) {
      if (!trained.get(item)) {
        first++;
        for (int i = item * 4; i < item * 4 + 4; i++) {
          assertThat(Math.abs(c.items.id()[i])).as("item %d", item).isCloseTo(0.01f, within(1e-4f));
        }
      }
    }
    assertThat(first).isPositive();
  }

  @Test
  void recommenderPhaseMovesNoToken() {
    JointConfig config = small().build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    trainer.initialiseCodebooks(1000);
    Rng batches = new Rng(2);
    for (int i = 0; i < 20; i++) {
      trainer.step(c.batch(32, batches), Phase.JOINT);
    }
    trainer.adopt(trainer.candidate(NO_TOLERANCE));
    int[] codes = c.items.codes().clone();
    byte[] tokenizer = trainer.candidate(NO_TOLERANCE).toBytes();
    float[] weights = trainer.recommender().parameters().clone();
    trainer.step(c.batch(32, batches), Phase.RECOMMENDER);
    assertThat(trainer.candidate(NO_TOLERANCE).toBytes()).isEqualTo(tokenizer);
    assertThat(trainer.adopt(trainer.candidate(NO_TOLERANCE))).isZero();
    assertThat(c.items.codes()).isEqualTo(codes);
    assertThat(trainer.recommender().parameters()).isNotEqualTo(weights);
  }

  /** A trainer of five steps whose tokenizer is in use. */
  private static JointTrainer adopted(JointConfig config, Catalogue c, Rng batches) {
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    trainer.initialiseCodebooks(1000);
    run(trainer, c, batches, 5);
    trainer.adopt(trainer.candidate(NO_TOLERANCE));
    return trainer;
  }

  @ParameterizedTest
  @EnumSource(
      value = JointConfig.Variant.class,
      names = {"UNIFIED", "SEMANTIC"})
  void goingOnFromStateEqualsGoingOn(JointConfig.Variant variant) throws Exception {
    JointConfig config =
        small()
            .variant(variant)
            .idDropout(0.2f)
            .semanticDropout(0.3f)
            .semanticShare(variant == JointConfig.Variant.UNIFIED ? 0.3f : 0f)
            .build();
    Catalogue c = catalogue(config);
    Rng batches = new Rng(2);
    JointTrainer a = adopted(config, c, batches);
    run(a, c, batches, 5);

    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    a.writeState(new DataOutputStream(bytes));
    ItemTable items = JointTrainer.newItemTable(config);
    for (int i = 0; i < c.items.size(); i++) {
      items.readRow(i, c.items.row(i));
    }
    JointTrainer b = new JointTrainer(config, items, c.users, 99);
    b.readState(new DataInputStream(new ByteArrayInputStream(bytes.toByteArray())));

    long at = batches.state();
    run(a, c, batches, 5);
    run(b, c, new Rng(at), 5);
    assertThat(state(b)).isEqualTo(state(a));
    for (int i = 0; i < items.size(); i++) {
      assertThat(items.row(i)).as("row " + i).isEqualTo(c.items.row(i));
    }
  }

  @Test
  void aStateOfFormat1HasNoReseededCodewords() throws Exception {
    JointConfig config = small().build();
    Catalogue c = catalogue(config);
    Rng batches = new Rng(2);
    JointTrainer a = adopted(config, c, batches);
    byte[] present = state(a);
    // Format 1 ended with the tokenizer; what follows in format 2 are three empty sets now.
    byte[] old = Arrays.copyOf(present, present.length - 3 * Integer.BYTES);
    ByteBuffer.wrap(old).putInt(0, 1);

    JointTrainer b = new JointTrainer(config, c.items, c.users, 99);
    b.initialiseCodebooks(1000);
    reseedSome(b, c);
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(old));
    b.readState(in);
    assertThat(in.available()).isZero();
    assertThat(b.reseeded()).containsExactly(0, 0, 0);
    assertThat(state(b)).isEqualTo(present);

    ByteBuffer.wrap(old).putInt(0, 4);
    assertThatThrownBy(() -> b.readState(new DataInputStream(new ByteArrayInputStream(old))))
        .hasMessage("trainer state has format 4; this version reads 1 to 3");
  }

  /** Steps at full speed until a codeword was re-seeded. */
  private static void reseedSome(JointTrainer trainer, Catalogue c) {
    Rng batches = new Rng(7);
    for (int i = 0; i < 200 && Arrays.stream(trainer.reseeded()).sum() == 0; i++) {
      trainer.step(c.batch(4, batches), Phase.JOINT);
    }
    assertThat(Arrays.stream(trainer.reseeded()).sum()).isPositive();
  }

  @Test
  void itemsOnReseededCodewordsAreCountedUntilATokenizerIsAdopted() {
    JointConfig config = small().codewords(64).build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    trainer.initialiseCodebooks(1000);
    reseedSome(trainer, c);
    Quality first = trainer.quality(trainer.candidate(NO_TOLERANCE));
    assertThat(first.reseededItems()).as("no item is old").containsExactly(0, 0, 0);
    trainer.adopt(trainer.candidate(NO_TOLERANCE));
    Quality quiet = trainer.quality(trainer.candidate(NO_TOLERANCE));
    assertThat(quiet.reseededItems()).containsExactly(0, 0, 0);
    reseedSome(trainer, c);
    long[] reseeded = trainer.reseeded();
    Quality next = trainer.quality(trainer.candidate(NO_TOLERANCE));
    assertThat(Arrays.stream(next.reseededItems()).sum()).isPositive();
    for (int l = 0; l < 3; l++) {
      assertThat(next.reseededItems()[l]).isLessThanOrEqualTo(next.oldItems());
      if (reseeded[l] == 0) {
        assertThat(next.reseededItems()[l]).isZero();
      }
    }
  }

  private static void run(JointTrainer trainer, Catalogue c, Rng batches, int steps) {
    for (int i = 0; i < steps; i++) {
      trainer.step(
          c.batch(32, batches),
          trainer.inUse() != null && i % 2 == 0 ? Phase.RECOMMENDER : Phase.QUANTIZER_SLOW);
    }
  }

  private static byte[] state(JointTrainer trainer) throws Exception {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    trainer.writeState(new DataOutputStream(bytes));
    return bytes.toByteArray();
  }

  @Test
  void idVariantLearnsWithoutContent() {
    JointConfig config =
        small()
            .variant(JointConfig.Variant.ID)
            .idDim(16)
            .idStart(JointConfig.IdStart.RANDOM)
            .build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    Rng batches = new Rng(2);
    double first = trainer.step(c.batch(32, batches), Phase.JOINT).recommendation();
    double last = 0;
    for (int i = 0; i < 200; i++) {
      last = trainer.step(c.batch(32, batches), Phase.JOINT).recommendation();
    }
    assertThat(last).isLessThan(0.9 * first);
    assertThatThrownBy(() -> trainer.candidate(NO_TOLERANCE))
        .hasMessage("candidate: variant ID has no quantizer");
  }

  @Test
  void unknownItemsAreLeftOut() {
    JointConfig config = small().build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    trainer.initialiseCodebooks(1000);
    c.items.allocate(300);
    c.users.set(500, new int[] {299, 1, 298, 2, 297}, new long[5]);
    c.users.set(501, new int[] {299, 298, 1}, new long[3]);
    StepStats stats = trainer.step(new int[] {500, 501, 502}, Phase.JOINT);
    assertThat(stats.users()).isEqualTo(1);
    assertThat(stats.positions()).isEqualTo(1);
    assertThat(trainer.step(new int[] {501}, Phase.JOINT).users()).isZero();
  }

  @Test
  void recommenderPhaseNeedsATokenizer() {
    JointConfig config = small().build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    assertThatThrownBy(() -> trainer.step(new int[] {0, 1}, Phase.RECOMMENDER))
        .hasMessage("no tokenizer is in use; call adopt first");
  }

  /** A step has some 200 items here. */
  @Test
  void aSampleThatIsDecodedTeachesTheDecoderMuchAsAllItems() {
    double untrained = reconstructionAfter(Integer.MAX_VALUE, 0);
    double all = reconstructionAfter(Integer.MAX_VALUE, 400);
    double sampled = reconstructionAfter(50, 400);
    assertThat(all).isLessThan(0.9 * untrained);
    assertThat(sampled)
        .as("all items give %s, none %s", all, untrained)
        .isNotEqualTo(all)
        .isLessThan(untrained - 0.8 * (untrained - all));
  }

  private static double reconstructionAfter(int maxDecoded, int steps) {
    JointConfig config = small().maxDecoded(maxDecoded).build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    trainer.initialiseCodebooks(1000);
    run(trainer, c, new Rng(2), steps);
    return trainer.quality(trainer.candidate(NO_TOLERANCE)).reconstruction();
  }

  @Test
  void qualityCountsAndTheBudgetIsKept() {
    JointConfig config = small().build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    trainer.initialiseCodebooks(1000);
    Quality fresh = trainer.quality(trainer.candidate(NO_TOLERANCE));
    assertThat(fresh.items()).isEqualTo(240);
    assertThat(fresh.oldItems()).isZero();
    assertThat(fresh.churn()).isZero();
    assertThat(java.util.Arrays.stream(fresh.utilisation()).boxed())
        .allMatch(u -> u > 0.7 && u <= 1);
    assertThat(java.util.Arrays.stream(fresh.perplexity()).boxed()).allMatch(p -> p > 4 && p <= 16);
    trainer.adopt(trainer.candidate(NO_TOLERANCE));
    Rng batches = new Rng(2);
    for (int i = 0; i < 40; i++) {
      trainer.step(c.batch(32, batches), Phase.JOINT);
    }
    float[] base = {0.1f, 0.1f, 0.1f};
    Quality loose = trainer.quality(trainer.candidate(NO_TOLERANCE));
    assertThat(loose.churn()).isGreaterThan(0.2);
    assertThat(loose.reconstruction()).isPositive();
    Quality held = trainer.quality(trainer.candidateWithin(0.1, 0, base, 1000f, 4096));
    assertThat(held.churn()).isLessThanOrEqualTo(0.1);
    // A share of all items need not be that of the old ones.
    for (int old = 1; old < 240; old += 7) {
      TokenizerModel kept = trainer.candidateWithin(0.25, old, base, 1000f, 4096);
      int[] rows = java.util.stream.IntStream.range(0, old).toArray();
      assertThat(trainer.churn(kept, rows, 0)).as("of the first %d", old).isBetween(0.0, 0.25);
      assertThat(trainer.quality(kept).churn()).isLessThanOrEqualTo(0.25);
    }
    int before = trainer.adopt(trainer.candidateWithin(0.1, 0, base, 1000f, 4096));
    assertThat(before).isEqualTo((int) Math.round(held.churn() * 240));
  }

  @Test
  void collisionsAreCounted() {
    int[] codes = {1, 0, 1, 0, 0, 1, 1, 1, 1, 0};
    int[] before = {1, 0, 0, 0, -1, -1, 1, 0, 1, 0};
    BitSet[] reseeded = {BitSet.valueOf(new long[] {0b10}), new BitSet()};
    Quality q = Quality.of(codes, before, 5, new int[] {4, 2}, reseeded, 0);
    assertThat(q.aloneInTuple()).isEqualTo(0.4);
    assertThat(q.largestCollision()).isEqualTo(3);
    assertThat(q.utilisation()).containsExactly(0.5, 1.0);
    assertThat(q.oldItems()).isEqualTo(4);
    assertThat(q.churn()).isEqualTo(0.5);
    assertThat(q.churnPerLevel()).containsExactly(0.25, 0.25);
    assertThat(q.reseededItems()).as("2 stay, 1 stays, 1 comes; 1 is new").containsExactly(4, 0);
    reseeded = new BitSet[] {BitSet.valueOf(new long[] {0b01}), BitSet.valueOf(new long[] {0b10})};
    q = Quality.of(codes, before, 5, new int[] {4, 2}, reseeded, 0);
    assertThat(q.reseededItems()).as("1 leaves; 1 comes").containsExactly(1, 1);
  }

  private static JointTrainer afterTenSteps(JointConfig config, Catalogue c) {
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    trainer.initialiseCodebooks(1000);
    Rng batches = new Rng(2);
    for (int i = 0; i < 10; i++) {
      trainer.step(c.batch(32, batches), Phase.JOINT);
    }
    return trainer;
  }

  @Test
  void newItemsStartFromTheirPrefix() {
    JointConfig config = small().idStart(JointConfig.IdStart.PREFIX_MEAN).build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = afterTenSteps(config, c);
    trainer.adopt(trainer.candidate(NO_TOLERANCE));
    // A twin of item 5: the same content, so the same codes.
    c.items.put(240, java.util.Arrays.copyOfRange(c.items.content(), 5 * 24, 6 * 24), 9);
    float[] s = new float[16];
    trainer.fill(new int[] {240}, 1, s);
    float[] expected = new float[4];
    int n = 0;
    for (int item = 0; item < 240; item++) {
      if (c.items.codes()[item * 3] == c.items.codes()[15]
          && c.items.codes()[item * 3 + 1] == c.items.codes()[16]
          && c.items.idTrained(item)) {
        n++;
        for (int i = 0; i < 4; i++) {
          expected[i] += c.items.id()[item * 4 + i];
        }
      }
    }
    assertThat(n).isPositive();
    for (int i = 0; i < 4; i++) {
      assertThat(s[12 + i]).isEqualTo(expected[i] / n);
    }
  }

  @Test
  void anItemThatIsFirstTrainedInAStepThatEncodesStartsFromItsPrefix() {
    JointConfig config =
        small().idStart(JointConfig.IdStart.PREFIX_MEAN).idLearningRate(1e-9f).build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = afterTenSteps(config, c);
    for (int i = 0; i < c.items.id().length; i++) {
      c.items.id()[i] = .5f;
    }
    trainer.adopt(trainer.candidate(NO_TOLERANCE));
    // A twin of item 5: the same content, so the same codes.
    c.items.put(240, java.util.Arrays.copyOfRange(c.items.content(), 5 * 24, 6 * 24), 9);
    java.util.Arrays.fill(c.items.id(), 240 * 4, 241 * 4, 0f);
    c.users.append(0, 240, 1_000);
    trainer.step(new int[] {0}, Phase.QUANTIZER_SLOW);
    assertThat(c.items.idTrained(240)).isTrue();
    for (int i = 0; i < 4; i++) {
      assertThat(c.items.id()[240 * 4 + i]).isCloseTo(.5f, within(1e-6f));
    }
  }

  @Test
  void anAdoptionKnowsAllCodesBeforeItemsStartFromTheirPrefix() {
    JointConfig config = small().idStart(JointConfig.IdStart.PREFIX_MEAN).build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = afterTenSteps(config, c);
    // Twins of items that are trained stand before them by more rows than are encoded together.
    ItemTable items = JointTrainer.newItemTable(config);
    int from = 3000;
    for (int i = 0; i < 240; i++) {
      float[] vector = java.util.Arrays.copyOfRange(c.items.content(), i * 24, (i + 1) * 24);
      items.put(i, vector, 0);
      items.put(from + i, vector, 0);
      System.arraycopy(c.items.id(), i * 4, items.id(), (from + i) * 4, 4);
      if (c.items.idTrained(i)) {
        items.nextIdStep(from + i);
      }
    }
    JointTrainer other = new JointTrainer(config, items, c.users, 1);
    other.adopt(trainer.candidate(NO_TOLERANCE));
    int started = 0;
    for (int i = 0; i < 240; i++) {
      for (int w = 0; w < 4; w++) {
        started += items.id()[i * 4 + w] != 0f ? 1 : 0;
      }
    }
    assertThat(started).isGreaterThan(4 * 200);
  }

  @Test
  void theFirstOfTwoStagesLeavesTheRecommender() {
    JointConfig config = small().build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    trainer.initialiseCodebooks(1000);
    float[] weights = trainer.recommender().parameters().clone();
    Rng batches = new Rng(2);
    double first = trainer.step(c.batch(32, batches), Phase.QUANTIZER_ALONE).reconstruction();
    double last = 0;
    for (int i = 0; i < 100; i++) {
      StepStats stats = trainer.step(c.batch(32, batches), Phase.QUANTIZER_ALONE);
      assertThat(stats.recommendation()).isZero();
      last = stats.reconstruction();
    }
    assertThat(last).isLessThan(0.7 * first);
    assertThat(trainer.recommender().parameters()).isEqualTo(weights);
    assertThat(c.items.id()).containsOnly(0f);
  }

  @Test
  void anEncoderThatDivergedIsNamedWithTheKnob() {
    JointConfig config = small().learningRate(1e20f).build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    trainer.initialiseCodebooks(1000);
    Rng batches = new Rng(2);
    trainer.step(c.batch(32, batches), Phase.QUANTIZER_ALONE);
    assertThatThrownBy(() -> trainer.step(c.batch(32, batches), Phase.QUANTIZER_ALONE))
        .isInstanceOf(NotFiniteException.class)
        .hasMessage("the encoder's output is no longer finite in step 2: lower the learning rate");
    assertThatThrownBy(() -> trainer.adopt(trainer.candidate(NO_TOLERANCE)))
        .isInstanceOf(NotFiniteException.class)
        .hasMessageContaining("lower the learning rate");
  }

  @Test
  void aLossThatIsNotFiniteIsRefused() {
    JointConfig config = small().build();
    Catalogue c = catalogue(config);
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, 1);
    trainer.initialiseCodebooks(1000);
    c.items.id()[c.users.items(0)[1] * 4] = Float.NaN;
    float[] weights = trainer.recommender().parameters().clone();
    assertThatThrownBy(() -> trainer.step(new int[] {0}, Phase.JOINT))
        .hasMessage(
            "recommendation loss is NaN in step 1; weights, codebooks and optimiser state are unchanged: lower the learning rate, or raise a temperature that is near 0");
    assertThat(trainer.recommender().parameters()).isEqualTo(weights);
  }
}
