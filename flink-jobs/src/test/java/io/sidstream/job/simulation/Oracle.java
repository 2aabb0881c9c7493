package io.sidstream.job.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.learn.LearnOperator;
import io.sidstream.job.learn.LearnProgress;
import io.sidstream.job.learn.ShardKeys;
import io.sidstream.job.learn.SimulatedLearning;
import io.sidstream.job.record.Interaction;
import io.sidstream.job.record.Item;
import io.sidstream.job.record.TokenRow;
import io.sidstream.schemas.IdEmbedding;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.TokenChecksum;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;

/** What must be true of a job that has come to rest, from what has arrived alone. */
final class Oracle {
  private final Topics topics;
  private final Simulation simulation;
  private final JobConfig config;

  /** A token, as readers have it. */
  private record Token(List<Integer> codes, int suffix) {
    static Token of(int[] codes, int suffix) {
      return new Token(Arrays.stream(codes).boxed().toList(), suffix);
    }

    static Token of(TokenRow row) {
      return row.removed ? null : of(row.codes, row.suffix);
    }

    static Token before(TokenRow row) {
      return row.previous == null ? null : of(row.previous.codes, row.previous.suffix);
    }
  }

  Oracle(Simulation simulation, JobConfig config) {
    this.simulation = simulation;
    this.config = config;
    topics = simulation.topics;
  }

  /**
   * @param losses whether transactions were lost, so that what lies between may be missing and be
   *     said twice
   */
  void check(boolean losses) throws Exception {
    exactlyTheLiveItemsHaveATokenOfTheirOwn();
    versionsHaveNoGap(losses);
    committedRowsAgreeWithTheirCommit(losses);
    everyInteractionIsCountedOnce();
    readersHaveTheModelInUse();
    recommenders();
    Map<String, IdEmbedding> embeddings = embeddings();
    if (!losses) {
      shardsHaveWhatReadersHave(embeddings);
    }
  }

  private Map<String, Item> live() {
    Map<String, Item> live = new HashMap<>();
    for (Item item : topics.items.all()) {
      if (item.deleted) {
        live.remove(item.item);
      } else {
        live.put(item.item, item);
      }
    }
    return live;
  }

  private void exactlyTheLiveItemsHaveATokenOfTheirOwn() {
    Map<String, Token> table = new HashMap<>();
    topics.tokens.all().forEach(row -> put(table, row.item, Token.of(row)));
    assertThat(table.keySet()).as("items with a token").isEqualTo(live().keySet());
    assertThat(new HashSet<>(table.values())).as("tokens of %s", table).hasSize(table.size());
  }

  private static void put(Map<String, Token> table, String item, Token token) {
    if (token == null) {
      table.remove(item);
    } else {
      table.put(item, token);
    }
  }

  private void versionsHaveNoGap(boolean losses) {
    List<VersionRecord> all = topics.versions.all();
    List<Integer> begun = new ArrayList<>();
    List<Integer> committed = new ArrayList<>();
    List<Long> revisions = new ArrayList<>();
    for (VersionRecord record : all) {
      switch (record.getState()) {
        case BEGIN -> begun.add(record.getVersion());
        case COMMIT -> committed.add(record.getVersion());
        case REVISION -> revisions.add(record.getRevision());
        default -> {}
      }
    }
    numbered("BEGIN", begun.stream().map(v -> (long) v).toList(), losses);
    // When everything is written again the last COMMIT is said again.
    assertThat(committed.size() - new HashSet<>(committed).size())
        .as("COMMITs said again in %s", committed)
        .isLessThanOrEqualTo(losses ? Integer.MAX_VALUE : topics.asked);
    numbered("COMMIT", committed.stream().map(v -> (long) v).toList(), losses || topics.asked > 0);
    numbered("REVISION", revisions, losses);
    assertThat(new HashSet<>(committed)).as("committed").isEqualTo(new HashSet<>(begun));
    assertThat(begun).as("versions").isNotEmpty();
  }

  private static void numbered(String what, List<Long> numbers, boolean losses) {
    List<Long> seen = losses ? numbers.stream().distinct().sorted().toList() : numbers;
    List<Long> expected = new ArrayList<>();
    for (long n = 1; n <= seen.size(); n++) {
      expected.add(n);
    }
    assertThat(seen).as(what).isEqualTo(expected);
  }

  private void committedRowsAgreeWithTheirCommit(boolean losses) {
    List<VersionRecord> commits =
        topics.versions.all().stream().filter(v -> v.getState() == VersionState.COMMIT).toList();
    int newest = commits.stream().mapToInt(VersionRecord::getVersion).max().orElse(0);
    for (VersionRecord commit : commits) {
      int version = commit.getVersion();
      Map<String, Token> table = new HashMap<>();
      Map<String, Token> joined = new HashMap<>();
      for (TokenRow row : topics.tokens.all()) {
        if (row.commit <= version) {
          put(table, row.item, Token.of(row));
        }
        if (row.commit <= version + 1) {
          put(joined, row.item, row.commit <= version ? Token.of(row) : Token.before(row));
        }
      }
      // A row that was lost may be told by a newer one of its item alone, which says what was
      // before.
      Map<String, Token> read = losses ? joined : table;
      boolean agrees = sum(read) == commit.getTableChecksum() && read.size() == commit.getItems();
      if (!losses || version == newest) {
        assertThat(agrees)
            .as("rows of version %d agree with %s: %s", version, commit, read)
            .isTrue();
        assertThat(joined).as("version %d, from the newest rows", version).isEqualTo(read);
      }
      if (agrees) {
        assertThat(new HashSet<>(read.values()))
            .as("tokens of version %d: %s", version, read)
            .hasSize(read.size());
      }
    }
  }

  private static long sum(Map<String, Token> table) {
    long sum = 0;
    for (Map.Entry<String, Token> e : table.entrySet()) {
      sum += TokenChecksum.of(e.getKey(), e.getValue().codes, e.getValue().suffix);
    }
    return sum;
  }

  private void everyInteractionIsCountedOnce() {
    Set<String> ids = new HashSet<>();
    Map<Integer, Long> accepted = new TreeMap<>();
    int[] keys =
        ShardKeys.of(config.get(JobOptions.LEARN_SHARDS), config.get(JobOptions.MAX_PARALLELISM));
    for (int key : keys) {
      accepted.put(key, 0L);
    }
    for (Interaction event : topics.interactions.all()) {
      if (ids.add(event.eventId)) {
        accepted.merge(ShardKeys.of(event.user, keys), 1L, Long::sum);
      }
    }
    int items = live().size();
    List<OperatorNode> learners = simulation.operators("learn");
    accepted.forEach(
        (key, expected) -> {
          int subtask =
              KeyGroupRangeAssignment.assignKeyToParallelOperator(
                  key, config.get(JobOptions.MAX_PARALLELISM), learners.size());
          LearnProgress at =
              ((LearnOperator) (Object) learners.get(subtask).harness.getOperator()).progress(key);
          assertThat(at.interactions + at.queuedEvents + at.waiting + at.waitingDropped)
              .as("interactions of the shard with key %d", key)
              .isEqualTo(expected);
          assertThat(at.queuedItems).as("queued items").isZero();
          assertThat(at.items).as("items of the shard with key %d", key).isEqualTo(items);
        });
  }

  /** By revision, the recommender that readers have. */
  Map<Long, String> recommenders() {
    Map<Long, String> digests = new TreeMap<>();
    for (ModelPart part : topics.models.all()) {
      if (part.getCount() > 0 && part.getPart() == ModelPartKind.RECOMMENDER) {
        String before = digests.put(part.getRevision(), part.getDigest());
        assertThat(before == null || before.equals(part.getDigest()))
            .as("one model of revision %d", part.getRevision())
            .isTrue();
      }
    }
    return digests;
  }

  /** By item, the ID embedding that readers have. */
  Map<String, IdEmbedding> embeddings() {
    Map<String, IdEmbedding> newest = new TreeMap<>();
    for (IdEmbedding embedding : topics.embeddings.all()) {
      IdEmbedding before = newest.put(embedding.getItem(), embedding);
      // An item that came again in the round is forgotten first.
      boolean again = before != null && before.getE().isEmpty() && !embedding.getE().isEmpty();
      assertThat(
              before == null
                  || before.getRevision() < embedding.getRevision()
                  || again && before.getRevision() == embedding.getRevision())
          .as("%s comes after %s, and once", embedding, before)
          .isTrue();
    }
    return newest;
  }

  /** No shard has an ID embedding that readers do not have, unless it is kept back. */
  private void shardsHaveWhatReadersHave(Map<String, IdEmbedding> embeddings) throws Exception {
    if (config.get(JobOptions.LEARN_PUBLISH_EVERY) > 1) {
      return;
    }
    int max = config.get(JobOptions.MAX_PARALLELISM);
    List<OperatorNode> learners = simulation.operators("learn");
    for (int key : ShardKeys.of(config.get(JobOptions.LEARN_SHARDS), max)) {
      int subtask = KeyGroupRangeAssignment.assignKeyToParallelOperator(key, max, learners.size());
      LearnOperator learner = (LearnOperator) (Object) learners.get(subtask).harness.getOperator();
      SimulatedLearning.embeddings(learner, key, Settings.ID_DIM)
          .forEach(
              (item, e) -> {
                IdEmbedding published = embeddings.get(item);
                assertThat(published == null ? null : published.getE())
                    .as("ID embedding of %s, of the shard with key %d", item, key)
                    .isEqualTo(e);
              });
    }
  }

  /** Of the newest version all parts, and the newest recommender that was to be published. */
  private void readersHaveTheModelInUse() {
    int version = 0;
    long revision = 0;
    for (VersionRecord record : topics.versions.all()) {
      if (record.getState() == VersionState.COMMIT) {
        version = Math.max(version, record.getVersion());
      }
      revision = Math.max(revision, record.getRevision());
    }
    Map<ModelPartKind, Long> newest = new EnumMap<>(ModelPartKind.class);
    for (ModelPart part : topics.models.all()) {
      if (part.getVersion() == version && part.getPart() != ModelPartKind.LEARNER) {
        newest.put(part.getPart(), part.getCount() == 0 ? -1 : part.getRevision());
      }
    }
    assertThat(newest)
        .as("parts of token version %d, with their revisions", version)
        .containsOnlyKeys(
            ModelPartKind.CODEBOOKS,
            ModelPartKind.ENCODER,
            ModelPartKind.DECODER,
            ModelPartKind.RECOMMENDER)
        .doesNotContainValue(-1L);
    assertThat(newest.get(ModelPartKind.RECOMMENDER))
        .as("revision of the newest recommender")
        .isBetween(revision - config.get(JobOptions.LEARN_PUBLISH_EVERY) + 1, revision);
  }
}
