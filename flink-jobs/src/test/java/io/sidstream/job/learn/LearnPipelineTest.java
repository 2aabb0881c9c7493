package io.sidstream.job.learn;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Backlog;
import io.sidstream.job.metrics.JobMetric;
import io.sidstream.job.metrics.KeptMetrics;
import io.sidstream.job.record.Control;
import io.sidstream.job.record.MergeInput;
import io.sidstream.model.learn.GateRules;
import io.sidstream.model.learn.RuleVerdict.Outcome;
import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelParts;
import io.sidstream.schemas.Quality;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@SuppressWarnings("try") // Flink declares that closing a harness throws Exception
class LearnPipelineTest {
  static final int DIM = 12;
  static final int ITEMS = 60;

  static JobConfig config(Map<String, String> more) {
    Map<String, String> values = new HashMap<>();
    values.put("max-parallelism", "8");
    values.put("content.dim", Integer.toString(DIM));
    values.put("encoder.hidden", "16");
    values.put("quantizer.dim", "8");
    values.put("quantizer.codebook-size", "8");
    values.put("id.dim", "4");
    values.put("recommender.negatives", "32");
    values.put("learn.step-positions", "64");
    values.put("bootstrap.items", "40");
    values.put("bootstrap.interactions", "100");
    values.put("bootstrap.max-steps", "10");
    values.put("learn.round-interactions", "50");
    values.put("learn.round-steps", "6");
    values.put("quantizer.round-every", "2");
    values.put("quantizer.steps", "6");
    values.put("quantizer.learning-rate", "0.01");
    values.put("quantizer.decay", "0.8");
    values.put("quantizer.churn-budget", "1");
    values.put("gate.enabled", "false");
    values.put("learn.duty-cycle", "1");
    values.putAll(more);
    return JobConfig.of(values);
  }

  static float[] vector(int item) {
    Random random = new Random(item);
    float[] v = new float[DIM];
    for (int d = 0; d < DIM; d++) {
      v[d] = (float) (random.nextGaussian() + (item % 4 == d ? 3 : 0));
    }
    return v;
  }

  static void items(LearnPipeline pipeline, int from, int to) throws Exception {
    for (int i = from; i < to; i++) {
      pipeline.item("item-" + i, vector(i), 1_000 + i);
    }
  }

  /** Events from to to: user e mod 20, an item of the user's taste. */
  static void events(LearnPipeline pipeline, int from, int to) throws Exception {
    for (int e = from; e < to; e++) {
      Random random = new Random(e);
      int user = e % 20;
      int item = 4 * random.nextInt(ITEMS / 4) + user % 4;
      pipeline.event("user-" + user, "item-" + item, 10_000 + e, e / 20);
    }
  }

  /** Lets the first model be made of so many events, then brings the others. */
  private static void feed(LearnPipeline pipeline, int first, int all) throws Exception {
    items(pipeline, 0, ITEMS);
    events(pipeline, 0, first);
    pipeline.until(1);
    events(pipeline, first, all);
  }

  private static List<VersionState> states(List<VersionRecord> records) {
    return records.stream().map(VersionRecord::getState).toList();
  }

  @Test
  void bootstrapsThenLearnsInRoundsAndRefinesTheQuantizerOnTheSlowClock() throws Exception {
    try (LearnPipeline pipeline = new LearnPipeline(config(Map.of()), null, List.of())) {
      items(pipeline, 0, ITEMS);
      events(pipeline, 0, 200);
      pipeline.until(1);
      assertThat(states(pipeline.versions()))
          .containsExactly(VersionState.BEGIN, VersionState.REVISION);
      events(pipeline, 200, 400);
      pipeline.until(5);
      assertThat(states(pipeline.versions()))
          .containsExactly(
              VersionState.BEGIN,
              VersionState.REVISION,
              VersionState.REVISION,
              VersionState.BEGIN,
              VersionState.REVISION,
              VersionState.REVISION,
              VersionState.BEGIN,
              VersionState.REVISION);
      assertThat(pipeline.revisions())
          .extracting(VersionRecord::getInteractions)
          .containsExactly(200L, 250L, 300L, 350L, 400L);
      assertThat(pipeline.revisions())
          .extracting(VersionRecord::getRevision)
          .containsExactly(1L, 2L, 3L, 4L, 5L);
      // Users all have had events before, so each new one is ranked.
      assertThat(pipeline.revisions().subList(1, 5))
          .allMatch(r -> r.getPrequential().getEvents() == 50);
      assertThat(pipeline.versions().get(0).getItems()).isEqualTo(ITEMS);
      assertThat(pipeline.updates()).extracting(u -> u.version).containsExactly(1, 2, 3);
      assertThat(pipeline.embeddings()).isNotEmpty();
    }
  }

  /** A broker that does not answer at first, and then says that there is always more to read. */
  private static final class EndlessBacklog implements Backlog {
    private static final long serialVersionUID = 1L;
    private final AtomicInteger asked = new AtomicInteger();

    @Override
    public String ends(JobConfig config) throws ExecutionException {
      if (asked.getAndIncrement() == 0) {
        throw new ExecutionException(new TimeoutException("no answer"));
      }
      return "items-0=1000";
    }

    @Override
    public boolean read(JobConfig config, String ends) {
      asked.incrementAndGet();
      return false;
    }

    @Override
    public void close() {}
  }

  @Test
  void theFirstModelWaitsForABacklogOnlySoLong() throws Exception {
    JobConfig config = config(Map.of("bootstrap.backlog-timeout", "10 min"));
    EndlessBacklog backlog = new EndlessBacklog();
    try (LearnPipeline pipeline = new LearnPipeline(config, backlog, null, List.of())) {
      items(pipeline, 0, ITEMS);
      events(pipeline, 0, 200);
      // 50 ms a step of the pipeline's clock; the broker answers on a thread, in real time.
      for (int s = 0; s < 11_900; s++) {
        pipeline.step();
        if (backlog.asked.get() < 3) {
          Thread.sleep(1);
        }
      }
      assertThat(backlog.asked.get()).isGreaterThanOrEqualTo(3);
      assertThat(pipeline.progress(0).phase).isEqualTo(LearnProgress.Phase.COLLECT);
      pipeline.until(1);
      assertThat(states(pipeline.versions()))
          .containsExactly(VersionState.BEGIN, VersionState.REVISION);
    }
  }

  @Test
  void whatNoReaderGoesBackToLeavesTheModelsTopic() throws Exception {
    JobConfig config = config(Map.of("quantizer.round-every", "1", "topics.kept-codebooks", "3"));
    try (LearnPipeline pipeline = new LearnPipeline(config, null, List.of())) {
      feed(pipeline, 200, 550);
      pipeline.until(8);
      // A round's removals come after its revision.
      for (int s = 0; s < 50; s++) {
        pipeline.step();
      }
      int begun =
          pipeline.versions().stream()
              .filter(v -> v.getState() == VersionState.BEGIN)
              .mapToInt(VersionRecord::getVersion)
              .max()
              .orElseThrow();
      assertThat(begun).isEqualTo(8);
      Map<ModelPartKind, Set<Integer>> live = new TreeMap<>();
      for (ModelPart part : pipeline.models()) {
        Set<Integer> versions = live.computeIfAbsent(part.getPart(), p -> new TreeSet<>());
        if (part.getCount() == 0) {
          assertThat(versions.remove(part.getVersion())).as("removed once: %s", part).isTrue();
        } else {
          versions.add(part.getVersion());
        }
      }
      // Committed before the last round began: up to 7.
      assertThat(live.get(ModelPartKind.CODEBOOKS)).containsExactly(5, 6, 7, 8);
      for (ModelPartKind kind :
          List.of(ModelPartKind.ENCODER, ModelPartKind.DECODER, ModelPartKind.RECOMMENDER)) {
        assertThat(live.get(kind)).as(kind.name()).containsExactly(6, 7, 8);
      }
      assertThat(live.get(ModelPartKind.LEARNER)).as("of the newest round").hasSize(1);
    }
  }

  @Test
  void embeddingsBetweenTwoPublicationsAreKeptBackAndNoneIsLost() throws Exception {
    Map<Long, String> everyRound;
    Map<String, List<Float>> embeddings;
    int rows;
    Map<String, String> oneVersion = Map.of("quantizer.round-every", "1000");
    try (LearnPipeline pipeline = new LearnPipeline(config(oneVersion), null, List.of())) {
      feed(pipeline, 200, 500);
      pipeline.until(7);
      everyRound = pipeline.recommenders();
      embeddings = pipeline.embeddings();
      rows = pipeline.embeddingRows();
    }
    assertThat(everyRound.keySet()).containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L);

    Map<String, String> everyThird = new HashMap<>(oneVersion);
    everyThird.put("learn.publish-every", "3");
    JobConfig config = config(everyThird);
    Map<String, List<Float>> published = new TreeMap<>();
    int publishedRows;
    LearnPipeline pipeline = new LearnPipeline(config, null, List.of());
    try {
      feed(pipeline, 200, 500);
      // What the rounds 5 and 6 changed, or one of them at least, goes into the checkpoint.
      pipeline.until(5);
      LearnPipeline.Snapshot cut = pipeline.snapshot();
      published.putAll(pipeline.embeddings());
      publishedRows = pipeline.embeddingRows();
      int revisions = pipeline.revisions().size();
      pipeline.close();
      pipeline = new LearnPipeline(config, cut, pipeline.models());
      pipeline.until(7 - revisions);
      published.putAll(pipeline.embeddings());
      publishedRows += pipeline.embeddingRows();
      assertThat(pipeline.recommenders().keySet()).containsExactly(1L, 4L, 7L);
      pipeline
          .recommenders()
          .forEach((revision, digest) -> assertThat(digest).isEqualTo(everyRound.get(revision)));
    } finally {
      pipeline.close();
    }
    // The 7th publishes all: then a reader has what it has where every round publishes.
    assertThat(published).isEqualTo(embeddings);
    assertThat(publishedRows).isLessThan(rows);
  }

  @Test
  void interactionsOlderThanTheCatalogueAreRanked() throws Exception {
    long years = Duration.ofDays(730).toMillis();
    try (LearnPipeline pipeline = new LearnPipeline(config(Map.of()), null, List.of())) {
      for (int i = 0; i < ITEMS; i++) {
        pipeline.item("item-" + i, vector(i), years + i);
      }
      events(pipeline, 0, 200);
      pipeline.until(1);
      events(pipeline, 200, 300);
      pipeline.until(3);
      assertThat(pipeline.revisions().subList(1, 3))
          .allMatch(r -> r.getPrequential().getEvents() == 50);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void aReplayGivesTheBitsOfTheJob(int shards) throws Exception {
    JobConfig config =
        config(
            Map.of(
                "learn.shards", Integer.toString(shards),
                "gate.enabled", "true",
                "quantizer.churn-budget", "0.1"));
    Map<Long, String> ofJob;
    List<VersionRecord> versions;
    try (LearnPipeline pipeline = new LearnPipeline(config, null, List.of())) {
      feed(pipeline, 200, 400);
      pipeline.until(4);
      ofJob = pipeline.recommenders();
      versions = pipeline.versions();
    }
    Map<Long, String> ofReplay = new TreeMap<>();
    List<Double> churn = new ArrayList<>();
    try (Replay replay = new Replay(LearnSettings.plan(config), (done, steps) -> {})) {
      for (int i = 0; i < ITEMS; i++) {
        replay.item("item-" + i, vector(i), 1_000 + i);
      }
      for (int e = 0; e < 400; e++) {
        Random random = new Random(e);
        int user = e % 20;
        int item = 4 * random.nextInt(ITEMS / 4) + user % 4;
        if (e == 200) {
          rounds(replay, ofReplay, churn);
        }
        replay.event("user-" + user, "item-" + item, 10_000 + e);
      }
      rounds(replay, ofReplay, churn);
    }
    assertThat(ofJob).hasSizeGreaterThanOrEqualTo(4);
    assertThat(ofReplay).containsAllEntriesOf(ofJob);
    List<Double> published =
        versions.stream()
            .filter(v -> v.getQuality() != null && v.getVersion() > 1)
            .map(v -> v.getQuality().getExpectedChurn())
            .toList();
    assertThat(churn).startsWith(published.toArray(Double[]::new));
  }

  private static void rounds(Replay replay, Map<Long, String> digests, List<Double> churn)
      throws InterruptedException {
    for (Replay.Told told = replay.round(true); told != null; told = replay.round(false)) {
      for (ModelPart part : replay.last().models()) {
        if (part.getCount() > 0 && part.getPart() == ModelPartKind.RECOMMENDER) {
          digests.put(part.getRevision(), part.getDigest());
        }
      }
      if (told.verdict() != null && told.version() + (told.refusal() == null ? 0 : 1) > 1) {
        churn.add(told.verdict().churn());
      }
    }
  }

  @Test
  void aShardMayBeRoundsAheadOfTheMerge() throws Exception {
    JobConfig config = config(Map.of("quantizer.round-every", "3"));
    Map<Long, String> undisturbed;
    LearnPipeline pipeline = new LearnPipeline(config, null, List.of());
    try {
      feed(pipeline, 400, 600);
      pipeline.until(4);
      undisturbed = pipeline.recommenders();
    } finally {
      pipeline.close();
    }
    pipeline = new LearnPipeline(config, null, List.of());
    try {
      feed(pipeline, 400, 600);
      pipeline.untilWaitsFor(4);
      assertThat(pipeline.revisions()).hasSize(1);
      LearnPipeline.Snapshot cut = pipeline.snapshot();
      pipeline.close();
      pipeline = new LearnPipeline(config, cut, pipeline.models());
      pipeline.until(3);
      assertThat(pipeline.revisions())
          .extracting(VersionRecord::getRevision)
          .containsExactly(2L, 3L, 4L);
      assertThat(pipeline.recommenders()).isEqualTo(undisturbed);
    } finally {
      pipeline.close();
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void aRestartAtAnyStepGivesTheSameBits(int shards) throws Exception {
    JobConfig config = config(Map.of("learn.shards", Integer.toString(shards)));
    int revisions = 4;
    Map<Long, String> undisturbed;
    List<VersionRecord> versions;
    try (LearnPipeline pipeline = new LearnPipeline(config, null, List.of())) {
      feed(pipeline, 200, 400);
      pipeline.until(revisions);
      undisturbed = pipeline.recommenders();
      versions = pipeline.versions();
    }
    assertThat(undisturbed).hasSizeGreaterThanOrEqualTo(revisions);
    Random random = new Random(shards);
    LearnPipeline pipeline = new LearnPipeline(config, null, List.of());
    int said = 0;
    try {
      items(pipeline, 0, ITEMS);
      events(pipeline, 0, 200);
      boolean more = false;
      for (int kill = 0; kill < 16; kill++) {
        int steps = 1 + random.nextInt(25);
        for (int s = 0; s < steps; s++) {
          pipeline.step();
          Thread.sleep(random.nextInt(3));
        }
        if (!more && said + pipeline.revisions().size() > 0) {
          more = true;
          events(pipeline, 200, 400);
        }
        pipeline.deliver();
        LearnPipeline.Snapshot snapshot = pipeline.snapshot();
        said += pipeline.revisions().size();
        // What is done after the checkpoint is lost with the process.
        int lost = random.nextInt(10);
        List<io.sidstream.schemas.ModelPart> models = List.copyOf(pipeline.models());
        for (int s = 0; s < lost; s++) {
          pipeline.step();
        }
        pipeline.close();
        pipeline = new LearnPipeline(config, snapshot, models);
      }
      if (!more) {
        pipeline.until(1);
        events(pipeline, 200, 400);
      }
      if (said < revisions) {
        pipeline.until(revisions - said);
      }
      Map<Long, String> disturbed = pipeline.recommenders();
      for (long revision = 1; revision <= revisions; revision++) {
        assertThat(disturbed.get(revision))
            .as("revision " + revision)
            .isEqualTo(undisturbed.get(revision));
      }
    } finally {
      pipeline.close();
    }
    assertThat(versions).isNotEmpty();
  }

  @Test
  void orderOfArrivalOfABacklogDoesNotMatter() throws Exception {
    Map<Long, String> digests = null;
    for (int seed = 0; seed < 3; seed++) {
      try (LearnPipeline pipeline = new LearnPipeline(config(Map.of()), null, List.of())) {
        if (seed == 1) {
          for (int i = ITEMS - 1; i >= 0; i--) {
            items(pipeline, i, i + 1);
          }
          for (int user = 19; user >= 0; user--) {
            for (int e = user; e < 300; e += 20) {
              events(pipeline, e, e + 1);
            }
          }
        } else if (seed == 2) {
          events(pipeline, 0, 300);
          items(pipeline, 0, ITEMS);
        } else {
          items(pipeline, 0, ITEMS);
          events(pipeline, 0, 300);
        }
        pipeline.until(1);
        Map<Long, String> now = pipeline.recommenders();
        digests = digests == null ? now : digests;
        assertThat(now).isEqualTo(digests);
      }
    }
  }

  @Test
  void interactionsWithUnknownItemsWaitStartNoRoundAndGo() throws Exception {
    JobConfig config =
        config(Map.of("learn.unknown-retention", "10 s", "learn.round-interval", "1 s"));
    try (LearnPipeline pipeline = new LearnPipeline(config, null, List.of())) {
      items(pipeline, 0, ITEMS);
      events(pipeline, 0, 200);
      pipeline.until(1);
      for (int i = 0; i < 500; i++) {
        pipeline.event("stranger-" + i, "never-" + i, 20_000 + i, 0);
      }
      for (int s = 0; s < 40; s++) {
        pipeline.step();
        Thread.sleep(1);
      }
      assertThat(pipeline.revisions()).hasSize(1);
      assertThat(pipeline.progress(0).waiting).isEqualTo(500);
      // 40 steps of 50 ms, less a second in the queue, until a round takes them out of it.
      assertThat(pipeline.ofLearn.value(JobMetric.WAITING_FOR)).isBetween(100., 2_000.);
      assertThat(pipeline.ofLearn.value(JobMetric.QUEUED_FOR)).isZero();
      for (int s = 0; s < 400; s++) {
        pipeline.step();
      }
      assertThat(pipeline.progress(0).waiting).isZero();
      assertThat(pipeline.ofLearn.value(JobMetric.WAITING_FOR)).isZero();
      assertThat(pipeline.progress(0).waitingDropped).isEqualTo(500);
      assertThat(pipeline.progress(0).users).isEqualTo(20);
      assertThat(pipeline.revisions()).hasSize(1);
    }
  }

  @Test
  void anInteractionThatWaitedIsLearntWhenItsItemComes() throws Exception {
    try (LearnPipeline pipeline =
        new LearnPipeline(config(Map.of("learn.round-interval", "1 s")), null, List.of())) {
      items(pipeline, 0, ITEMS);
      events(pipeline, 0, 200);
      pipeline.until(1);
      pipeline.event("user-1", "item-new", 50_000, 100);
      for (int s = 0; s < 60; s++) {
        pipeline.step();
        Thread.sleep(1);
      }
      assertThat(pipeline.progress(0).interactions).isEqualTo(200);
      pipeline.item("item-new", vector(1_000), 40_000);
      pipeline.until(2);
      assertThat(pipeline.progress(0).interactions).isEqualTo(201);
      assertThat(pipeline.progress(0).items).isEqualTo(ITEMS + 1);
    }
  }

  @Test
  void usersAreForgottenAndDeletedItemsLeaveNothing() throws Exception {
    JobConfig config = config(Map.of("sequence.retention", "20 s", "learn.round-interval", "1 s"));
    try (LearnPipeline pipeline = new LearnPipeline(config, null, List.of())) {
      items(pipeline, 0, ITEMS);
      events(pipeline, 0, 200);
      pipeline.until(1);
      assertThat(pipeline.progress(0).users).isEqualTo(20);
      for (int i = 0; i < ITEMS; i += 2) {
        pipeline.item("item-" + i, null, 90_000);
      }
      for (int s = 0; s < 600; s++) {
        pipeline.step();
      }
      assertThat(pipeline.progress(0).users).isZero();
      assertThat(pipeline.progress(0).items).isEqualTo(ITEMS / 2);
      // Their embeddings are taken back with the next round.
      events(pipeline, 400, 460);
      pipeline.until(2);
      assertThat(pipeline.embeddings()).containsEntry("item-0", null);
    }
  }

  @Test
  void aPersonHoldsAndForcesTheGate() throws Exception {
    try (LearnPipeline pipeline = new LearnPipeline(config(Map.of()), null, List.of())) {
      items(pipeline, 0, ITEMS);
      events(pipeline, 0, 200);
      pipeline.until(1);
      pipeline.tell(control(ControlAction.HOLD));
      events(pipeline, 200, 300);
      pipeline.until(3);
      List<VersionRecord> all = pipeline.versions();
      assertThat(states(all))
          .containsExactly(
              VersionState.BEGIN,
              VersionState.REVISION,
              VersionState.REVISION,
              VersionState.HELD,
              VersionState.REVISION);
      assertThat(all.get(3).getReason()).isEqualTo("held by control message: why (who)");
      pipeline.tell(control(ControlAction.FORCE));
      events(pipeline, 300, 400);
      pipeline.until(5);
      assertThat(pipeline.versions().get(6).getState()).isEqualTo(VersionState.BEGIN);
      assertThat(pipeline.versions().get(6).getReason()).startsWith("forced by control message");
    }
  }

  @Test
  void whatReadersNeedOfTheModelIsSaidAgainWhenAsked() throws Exception {
    try (LearnPipeline pipeline = new LearnPipeline(config(Map.of()), null, List.of())) {
      items(pipeline, 0, ITEMS);
      events(pipeline, 0, 200);
      pipeline.until(1);
      events(pipeline, 200, 300);
      pipeline.until(3);
      steps(pipeline, 20);
      int said = pipeline.models().size();
      Map<String, String> newest = forReaders(pipeline.models());
      assertThat(newest).hasSizeGreaterThanOrEqualTo(4);
      pipeline.tell(control(ControlAction.REPUBLISH));
      pipeline.step();
      List<ModelPart> again = pipeline.models().subList(said, pipeline.models().size());
      assertThat(forReaders(again)).isEqualTo(newest);
    }
  }

  /** By key, the digests of the parts that are there in the end, but those for the learner. */
  private static Map<String, String> forReaders(List<ModelPart> said) {
    Map<String, String> digests = new TreeMap<>();
    for (ModelPart part : said) {
      if (part.getCount() == 0) {
        digests.remove(ModelParts.key(part));
      } else if (part.getPart() != ModelPartKind.LEARNER) {
        digests.put(ModelParts.key(part), part.getRevision() + " " + part.getDigest());
      }
    }
    return digests;
  }

  @Test
  void roundsAndTheGateAreMeasured() throws Exception {
    JobConfig config = config(Map.of("learn.round-interval", "1 h"));
    try (LearnPipeline pipeline = new LearnPipeline(config, null, List.of())) {
      KeptMetrics learn = pipeline.ofLearn;
      KeptMetrics merge = pipeline.ofMerge;
      items(pipeline, 0, ITEMS);
      events(pipeline, 0, 200);
      pipeline.until(1);
      steps(pipeline, 20);
      assertThat(learn.value(JobMetric.REPLAYABLE_USERS)).isEqualTo(20);
      double first = merge.value("partrecommendation.partLoss");
      double reconstruction = merge.value("partreconstruction.partLoss");
      assertThat(first).isPositive();
      assertThat(reconstruction).isPositive();
      assertThat(merge.value("partcommitment.partLoss")).isPositive();
      assertThat(learn.value("phaseIDLE.shardPhase")).isEqualTo(1);
      assertThat(learn.value("phaseCOMPUTE.shardPhase")).isZero();
      assertThat(merge.value("phaseGATHER.mergePhase")).isEqualTo(1);
      assertThat(merge.value("phaseJUDGE.mergePhase")).isZero();
      assertThat(merge.value(JobMetric.SHARDS_BEHIND)).isZero();
      Quality quality = pipeline.versions().get(0).getQuality();
      for (int l = 0; l < 3; l++) {
        assertThat(merge.value("level" + (l + 1) + ".deadCodewords"))
            .isEqualTo(Math.rint(8 * (1 - quality.getUtilisation().get(l))));
      }
      assertThat(merge.value(JobMetric.DISTINCT_TUPLES))
          .isBetween(quality.getUniqueTuples(), 1.0)
          .isPositive();
      assertThat(merge.value(JobMetric.LARGEST_COLLISION)).isBetween(1.0, (double) ITEMS);
      assertThat(merge.names().stream().filter(n -> n.endsWith("gateDecisions")))
          .as("rules of three levels, by outcome")
          .hasSize(3 * 7)
          .allSatisfy(n -> assertThat(merge.count(n)).as("a first version").isZero());

      // Not enough for a round: it waits.
      events(pipeline, 200, 210);
      steps(pipeline, 100);
      assertThat(pipeline.progress(0).queuedEvents).isEqualTo(10);
      assertThat(learn.value(JobMetric.QUEUED_FOR)).isBetween(4_000., 5_000.);

      events(pipeline, 210, 300);
      pipeline.until(2);
      steps(pipeline, 20);
      assertThat(learn.value(JobMetric.KEPT_TOKENIZERS)).isEqualTo(1);
      assertThat(merge.value(JobMetric.POPULARITY_NDCG))
          .isBetween(0.0, merge.value(JobMetric.POPULARITY_HIT_RATE));
      assertThat(merge.value("partrecommendation.partLoss")).isNotEqualTo(first);
      assertThat(merge.value("partreconstruction.partLoss"))
          .as("not trained by the recommender's round")
          .isEqualTo(reconstruction);

      events(pipeline, 300, 400);
      pipeline.until(3);
      steps(pipeline, 20);
      assertThat(merge.value("partreconstruction.partLoss")).isNotEqualTo(reconstruction);
      for (String rule : GateRules.names(3)) {
        assertThat(
                Stream.of(Outcome.values())
                    .mapToLong(o -> merge.count("rule" + rule + ".outcome" + o + ".gateDecisions")))
            .as(rule)
            .containsExactlyInAnyOrder(1L, 0L, 0L);
      }
      // The rounds took part of a second, and its share is told when the second is over.
      Awaitility.await()
          .untilAsserted(() -> assertThat(learn.value(JobMetric.DUTY_USED)).isPositive());
    }
  }

  private static void steps(LearnPipeline pipeline, int steps) throws Exception {
    for (int s = 0; s < steps; s++) {
      pipeline.step();
    }
  }

  private static MergeInput control(ControlAction action) {
    MergeInput input = new MergeInput();
    input.control = new Control();
    input.control.action = action;
    input.control.reason = "why";
    input.control.author = "who";
    return input;
  }

  @Test
  void theNextVersionWaitsForTheCommitOfTheLast() throws Exception {
    try (LearnPipeline pipeline = new LearnPipeline(config(Map.of()), null, List.of())) {
      pipeline.commits = false;
      feed(pipeline, 200, 400);
      pipeline.until(2);
      for (int s = 0; s < 200; s++) {
        pipeline.step();
        Thread.sleep(1);
      }
      assertThat(pipeline.revisions()).hasSize(2);
      pipeline.commits = true;
      pipeline.until(3);
      assertThat(pipeline.versions().get(3).getState()).isEqualTo(VersionState.BEGIN);
    }
  }
}
