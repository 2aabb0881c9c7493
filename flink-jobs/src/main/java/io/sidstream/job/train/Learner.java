package io.sidstream.job.train;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.OutRecord;
import io.sidstream.job.record.Records;
import io.sidstream.job.record.TrainingWindow;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.file.Sha256;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointTrainer;
import io.sidstream.model.train.Phase;
import io.sidstream.model.train.Quality;
import io.sidstream.model.train.StepStats;
import io.sidstream.model.train.UserSequences;
import io.sidstream.schemas.IdEmbedding;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.Vectors;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * What the trainer learns with: names become indices, windows become sequences, and the joint
 * trainer takes its steps. Knows nothing of Flink's state or timers. Not thread-safe.
 */
final class Learner {
  /** The paper ranks a target among as many. */
  private static final int NEGATIVES = 99;

  /** A piece of a model part, bytes: below a broker's default message limit of 1 MiB. */
  private static final int PART_BYTES = 900_000;

  /** Items that k-means takes at most. */
  private static final int INITIAL_ITEMS = 20_000;

  /** Items that the health of a candidate is measured on at most. */
  private static final int QUALITY_ITEMS = 20_000;

  /** Where the search for the churn budget's tolerance starts: .1 of cosine, 10 % of distance. */
  private static final float BASE_TOLERANCE = .1f;

  /** Where it ends, in multiples of {@link #BASE_TOLERANCE}: twice the cosine's whole range. */
  private static final float MOST_TOLERANCE = 40f;

  /**
   * Share of the churn budget that the tolerance is searched for: what the trainer expects and what
   * comes differ by items that arrive meanwhile.
   */
  private static final double AIMED_CHURN = .9;

  /** Held-out windows that the gate ranks at most, and below how many it does not judge. */
  private static final int GATE_WINDOWS = 512;

  private static final int GATE_LEAST_EVENTS = 50;

  /**
   * What may become a token version.
   *
   * @param reseeded per level, codewords re-seeded since the version in use
   */
  record Candidate(TokenizerModel tokenizer, Quality quality, long[] reseeded) {}

  /** Where a row of a table goes. */
  interface RowWriter {
    void put(String name, byte[] row) throws Exception;
  }

  private final JobConfig config;
  private final JointConfig joint;
  private final ItemTable items;
  private final UserSequences users;
  private final JointTrainer trainer;
  private final Prequential prequential;
  private Rng rng;
  private final WireFormat wire = new WireFormat();
  private final Map<String, Integer> itemIndex = new HashMap<>();
  private final List<String> itemNames = new ArrayList<>();
  private final Map<String, Integer> userIndex = new HashMap<>();
  private final List<String> userNames = new ArrayList<>();
  private final BitSet dirtyItems = new BitSet();
  private final BitSet dirtyUsers = new BitSet();
  private final BitSet changedItems = new BitSet();

  /** Kept up with every event; written by one thread, read by the metrics' too. */
  private volatile long waitingInteractions;

  Learner(JobConfig config) {
    this.config = config;
    joint = jointConfig(config);
    items = JointTrainer.newItemTable(joint);
    users = new UserSequences(config.get(JobOptions.SEQUENCE_LENGTH));
    long seed = config.get(JobOptions.SEED);
    trainer = new JointTrainer(joint, items, users, seed);
    prequential = new Prequential(trainer.recommender(), trainer, items, NEGATIVES);
    rng = new Rng(Rng.hash(seed, 1, 0));
  }

  private static JointConfig jointConfig(JobConfig c) {
    int width = c.get(JobOptions.QUANTIZER_DIM) + c.get(JobOptions.ID_DIM);
    return JointConfig.builder()
        .variant(
            c.get(JobOptions.ID_DIM) > 0
                ? JointConfig.Variant.UNIFIED
                : JointConfig.Variant.SEMANTIC)
        .contentDim(c.get(JobOptions.CONTENT_DIM))
        .hidden(c.get(JobOptions.ENCODER_HIDDEN))
        .semanticDim(c.get(JobOptions.QUANTIZER_DIM))
        .idDim(Math.max(1, c.get(JobOptions.ID_DIM)))
        .idStart(JointConfig.IdStart.valueOf(c.get(JobOptions.ID_START).name()))
        .idDropout(c.get(JobOptions.ID_DROPOUT).floatValue())
        .idLearningRate(c.get(JobOptions.ID_LEARNING_RATE).floatValue())
        .semanticDropout(c.get(JobOptions.RECOMMENDER_SEMANTIC_DROPOUT).floatValue())
        .semanticShare(
            c.get(JobOptions.ID_DIM) > 0
                ? c.get(JobOptions.RECOMMENDER_SEMANTIC_SHARE).floatValue()
                : 0f)
        .straightThrough(c.get(JobOptions.QUANTIZER_STRAIGHT_THROUGH))
        .metrics(
            c.get(JobOptions.QUANTIZER_METRICS).stream()
                .map(m -> Metric.valueOf(m.toUpperCase(Locale.ROOT)))
                .toList())
        .codewords(c.get(JobOptions.QUANTIZER_CODEBOOK_SIZE))
        .loss(JointConfig.Loss.valueOf(c.get(JobOptions.RECOMMENDER_LOSS).name()))
        .sharedNegatives(c.get(JobOptions.RECOMMENDER_NEGATIVES))
        .logQ(c.get(JobOptions.RECOMMENDER_LOG_Q).floatValue())
        .blocks(c.get(JobOptions.RECOMMENDER_LAYERS))
        .heads(c.get(JobOptions.RECOMMENDER_HEADS))
        .maxLen(c.get(JobOptions.RECOMMENDER_MAX_LENGTH))
        .dropout(c.get(JobOptions.RECOMMENDER_DROPOUT).floatValue())
        .batchUsers(c.get(JobOptions.RECOMMENDER_BATCH))
        .learningRate(c.get(JobOptions.RECOMMENDER_LEARNING_RATE).floatValue())
        .slowLearningRate(c.get(JobOptions.QUANTIZER_LEARNING_RATE).floatValue())
        .slowCodebookDecay(c.get(JobOptions.QUANTIZER_DECAY).floatValue())
        .build();
  }

  /**
   * The settings that are fixed once a job has state, as key=value: those that the sizes of a model
   * and of its state depend on, and whether tokens are made unique, which cannot be begun beside
   * tokens that repeat.
   */
  static String[] shape(JobConfig c) {
    Stream<String> sizes =
        Stream.of(
                JobOptions.CONTENT_DIM,
                JobOptions.ENCODER_HIDDEN,
                JobOptions.QUANTIZER_LEVELS,
                JobOptions.QUANTIZER_CODEBOOK_SIZE,
                JobOptions.QUANTIZER_METRICS,
                JobOptions.QUANTIZER_DIM,
                JobOptions.ID_DIM,
                JobOptions.RECOMMENDER_LAYERS,
                JobOptions.RECOMMENDER_HEADS,
                JobOptions.RECOMMENDER_MAX_LENGTH)
            .map(option -> option.key() + "=" + c.get(option));
    boolean repeat = c.get(JobOptions.RESOLVE_STRATEGY) == JobOptions.ResolveStrategy.NONE;
    String unique =
        JobOptions.RESOLVE_STRATEGY.key() + "=" + (repeat ? "none" : "nearest-free or suffix");
    return Stream.concat(sizes, Stream.of(unique)).toArray(String[]::new);
  }

  int knownItems() {
    return items.knownCount();
  }

  long rngState() {
    return rng.state();
  }

  /** Interactions with items that have not arrived, or are removed. */
  long waitingInteractions() {
    return waitingInteractions;
  }

  private long countWaiting() {
    long waiting = 0;
    for (int i = 0; i < items.size(); i++) {
      waiting += items.known(i) ? 0 : items.interactions(i);
    }
    return waiting;
  }

  // Names and rows.

  /**
   * The index of a name, with a row of its own. A new name is written out with the next changed
   * rows, whether or not anything else of its row changes: sequences of users hold its index.
   */
  private int item(String name) {
    int known = itemNames.size();
    int i = index(name, itemIndex, itemNames);
    if (itemNames.size() > known) {
      items.allocate(i + 1);
      items.markDirty(i);
    }
    return i;
  }

  private static int index(String name, Map<String, Integer> index, List<String> names) {
    Integer known = index.putIfAbsent(name, names.size());
    if (known != null) {
      return known;
    }
    names.add(name);
    return names.size() - 1;
  }

  /** An item came, changed or was deleted. */
  void put(EmbeddedItem event) {
    int i = item(event.item);
    if (event.deleted) {
      if (items.known(i) && hasEmbedding(i)) {
        changedItems.set(i);
      }
      waitingInteractions += items.known(i) ? items.interactions(i) : 0;
      items.remove(i);
      return;
    }
    int dim = joint.contentDim();
    boolean changed =
        !items.known(i)
            || !Arrays.equals(items.content(), i * dim, (i + 1) * dim, event.vector, 0, dim);
    if (changed) {
      if (!items.known(i)) {
        startsSomewhere(i);
      }
      waitingInteractions -= items.known(i) ? 0 : items.interactions(i);
      // The table forgets the codes, so that the new vector gets its nearest ones, as in Tokenize.
      items.put(i, event.vector, event.time);
    }
  }

  /** Whether readers are told of an item's embedding: that of an item without any is zero. */
  private boolean hasEmbedding(int item) {
    return items.idTrained(item) || joint.idStart() != JointConfig.IdStart.ZERO;
  }

  /** Has the embedding that an item starts with published, where readers cannot know it. */
  private void startsSomewhere(int item) {
    if (joint.hasId() && hasEmbedding(item) && !items.idTrained(item)) {
      changedItems.set(item);
    }
  }

  /** Writes the item rows that changed since the last call. */
  void changedItemRows(RowWriter to) throws Exception {
    collectDirty();
    for (int i = dirtyItems.nextSetBit(0); i >= 0; i = dirtyItems.nextSetBit(i + 1)) {
      byte[] row = items.row(i);
      to.put(itemNames.get(i), ByteBuffer.allocate(4 + row.length).putInt(i).put(row).array());
    }
    dirtyItems.clear();
  }

  private void collectDirty() {
    dirtyItems.or(items.dirty());
    items.clearDirty();
  }

  /** Takes back a row of {@link #changedItemRows}. */
  void readItem(String name, byte[] bytes) {
    ByteBuffer row = ByteBuffer.wrap(bytes);
    int i = row.getInt();
    name(i, name, itemIndex, itemNames);
    items.readRow(i, Arrays.copyOfRange(bytes, 4, bytes.length));
  }

  private static void name(int i, String name, Map<String, Integer> index, List<String> names) {
    while (names.size() <= i) {
      names.add(null);
    }
    names.set(i, name);
    index.put(name, i);
  }

  /** Writes the users whose sequence changed since the last call. */
  void changedUserRows(RowWriter to) throws Exception {
    for (int u = dirtyUsers.nextSetBit(0); u >= 0; u = dirtyUsers.nextSetBit(u + 1)) {
      int[] sequence = users.items(u);
      long[] times = users.times(u);
      ByteBuffer row = ByteBuffer.allocate(8 + 12 * sequence.length);
      row.putInt(u).putInt(sequence.length);
      for (int t = 0; t < sequence.length; t++) {
        row.putInt(sequence[t]).putLong(times[t]);
      }
      to.put(userNames.get(u), row.array());
    }
    dirtyUsers.clear();
  }

  /** Takes back a row of {@link #changedUserRows}. */
  void readUser(String name, byte[] bytes) {
    ByteBuffer row = ByteBuffer.wrap(bytes);
    int u = row.getInt();
    int n = row.getInt();
    int[] sequence = new int[n];
    long[] times = new long[n];
    for (int t = 0; t < n; t++) {
      sequence[t] = row.getInt();
      times[t] = row.getLong();
    }
    name(u, name, userIndex, userNames);
    users.set(u, sequence, times);
  }

  /** Everything but the rows. */
  byte[] modelState() throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(1 << 24);
    trainer.writeState(new DataOutputStream(bytes));
    return bytes.toByteArray();
  }

  /** Goes on from {@link #modelState}, once all rows are read. */
  void restore(byte[] model, TrainProgress progress) throws IOException {
    if (model.length > 0) {
      trainer.readState(new DataInputStream(new ByteArrayInputStream(model)));
    }
    rng = new Rng(progress.rngState);
    changedItems.or(BitSet.valueOf(progress.changedItems));
    waitingInteractions = countWaiting();
    items.clearDirty();
  }

  /** Brings what {@link TrainProgress} holds of this object up to date. */
  void save(TrainProgress progress) {
    progress.shape = shape(config);
    progress.rngState = rng.state();
    progress.changedItems = changedItems.toLongArray();
  }

  // Learning.

  /** Predicts the fresh events of windows, where asked to, then takes them in. */
  void consume(List<TrainingWindow> windows, boolean predict, TrainProgress progress) {
    List<Prequential.Window> packed = new ArrayList<>(windows.size());
    for (TrainingWindow w : windows) {
      int[] sequence = new int[w.items.length];
      for (int t = 0; t < sequence.length; t++) {
        sequence[t] = item(w.items[t]);
      }
      packed.add(new Prequential.Window(sequence, w.times, w.fresh));
    }
    if (predict) {
      progress.add(prequential.evaluate(packed, rng));
    }
    for (int i = 0; i < packed.size(); i++) {
      TrainingWindow w = windows.get(i);
      int[] sequence = packed.get(i).items();
      int u = index(w.user, userIndex, userNames);
      users.set(u, sequence, w.times);
      dirtyUsers.set(u);
      for (int t = sequence.length - w.fresh; t < sequence.length; t++) {
        items.countInteraction(sequence[t]);
        waitingInteractions += items.known(sequence[t]) ? 0 : 1;
      }
      progress.interactions += w.events;
      progress.sinceRound += w.events;
      progress.addRecent(u);
    }
  }

  void initialiseCodebooks() {
    trainer.initialiseCodebooks(INITIAL_ITEMS);
  }

  /** One step of the phase. */
  void step(TrainProgress progress) {
    Phase phase =
        switch (progress.phase) {
          case BOOTSTRAP -> Phase.JOINT;
          case QUANTIZER_ROUND -> Phase.QUANTIZER_SLOW;
          case RECOMMENDER_ROUND -> Phase.RECOMMENDER;
          default -> throw new IllegalStateException("no step in phase " + progress.phase);
        };
    collectDirty();
    StepStats stats = trainer.step(batch(progress), phase);
    BitSet touched = items.dirty();
    for (int i = touched.nextSetBit(0); i >= 0; i = touched.nextSetBit(i + 1)) {
      // A step also encodes items that it does not train.
      if (hasEmbedding(i)) {
        changedItems.set(i);
      }
    }
    progress.lossSum += stats.recommendation() + stats.reconstruction() + stats.commitment();
    progress.steps++;
    progress.stepsLeft--;
  }

  /**
   * Half of the batch are users of the newest windows, half are users of any time; all distinct.
   */
  private int[] batch(TrainProgress progress) {
    int size = Math.min(joint.batchUsers(), userNames.size());
    int[] batch = new int[size];
    BitSet taken = new BitSet();
    int n = 0;
    int recent = progress.phase == TrainProgress.Phase.BOOTSTRAP ? 0 : size / 2;
    for (int tries = 0; n < recent && tries < 4 * size && progress.recentCount > 0; tries++) {
      n = take(progress.recentUsers[rng.nextInt(progress.recentCount)], taken, batch, n);
    }
    for (int tries = 0; n < size && tries < 8 * size; tries++) {
      n = take(rng.nextInt(userNames.size()), taken, batch, n);
    }
    return n == size ? batch : Arrays.copyOf(batch, n);
  }

  private int take(int user, BitSet taken, int[] batch, int n) {
    if (taken.get(user) || heldOut(user)) {
      return n;
    }
    taken.set(user);
    batch[n] = user;
    return n + 1;
  }

  // Token versions.

  /** The quantizer as it stands, with the smallest tolerance that keeps to the churn budget. */
  Candidate withinBudget(TrainProgress progress) {
    float[] base = new float[joint.levels()];
    Arrays.fill(base, BASE_TOLERANCE);
    return rated(
        trainer.candidateWithin(
            AIMED_CHURN * config.get(JobOptions.QUANTIZER_CHURN_BUDGET),
            progress.itemsOfVersion,
            base,
            MOST_TOLERANCE,
            QUALITY_ITEMS));
  }

  /** The quantizer as it stands, every item at its nearest codewords. */
  Candidate nearest() {
    return rated(trainer.candidate(new float[joint.levels()]));
  }

  private Candidate rated(TokenizerModel tokenizer) {
    return new Candidate(tokenizer, trainer.quality(tokenizer), trainer.reseeded());
  }

  /** Why a candidate is held back, or null where it passes. */
  String refusal(Candidate candidate, TrainProgress progress) {
    if (!config.get(JobOptions.GATE_ENABLED)) {
      return null;
    }
    Quality q = candidate.quality();
    // A catalogue smaller than the codebook cannot use all of it.
    double possible = Math.min(1, (double) items.knownCount() / joint.codewords());
    double leastUsed = config.get(JobOptions.GATE_MIN_UTILISATION) * possible;
    for (int l = 0; l < joint.levels(); l++) {
      if (q.utilisation()[l] < leastUsed) {
        return "utilisation of level %d is %.3f, below gate.min-utilisation %.3f"
            .formatted(l + 1, q.utilisation()[l], leastUsed);
      }
    }
    double leastUnique = config.get(JobOptions.GATE_MIN_UNIQUE);
    if (q.aloneInTuple() < leastUnique) {
      return "unique tuples are %.3f, below gate.min-unique %.3f"
          .formatted(q.aloneInTuple(), leastUnique);
    }
    double budget = config.get(JobOptions.QUANTIZER_CHURN_BUDGET);
    if (q.churn() > budget) {
      return "expected churn is %.3f at the greatest tolerance, above quantizer.churn-budget %.3f"
          .formatted(q.churn(), budget);
    }
    double most =
        progress.reconstruction * (1 + config.get(JobOptions.GATE_MAX_RECONSTRUCTION_GROWTH));
    if (q.reconstruction() > most) {
      return "reconstruction error is %.4f against %.4f of the version in use, beyond gate.max-reconstruction-growth %.3f"
          .formatted(
              q.reconstruction(),
              progress.reconstruction,
              config.get(JobOptions.GATE_MAX_RECONSTRUCTION_GROWTH));
    }
    try {
      return rankingRefusal(candidate);
    } catch (IllegalStateException e) {
      return "held-out windows cannot be ranked: " + e.getMessage();
    }
  }

  private String rankingRefusal(Candidate candidate) {
    List<Prequential.Window> held = new ArrayList<>();
    for (int u = userNames.size() - 1; u >= 0 && held.size() < GATE_WINDOWS; u--) {
      if (heldOut(u) && users.items(u).length > 1) {
        held.add(new Prequential.Window(users.items(u), users.times(u), 1));
      }
    }
    // The same draws for both, so that only the tokenizer differs.
    long draws = Rng.hash(config.get(JobOptions.SEED), 2, trainer.steps());
    double inUse = prequential.evaluate(held, new Rng(draws)).model.hr(10);
    Prequential.Result result =
        new Prequential(
                trainer.recommender(),
                new CandidateRepresentations(candidate.tokenizer(), items, trainer),
                items,
                NEGATIVES)
            .evaluate(held, new Rng(draws));
    double drop = config.get(JobOptions.GATE_MAX_HR_DROP);
    if (result.model.count() >= GATE_LEAST_EVENTS && result.model.hr(10) < inUse * (1 - drop)) {
      return "HR@10 on %d held-out windows is %.3f against %.3f of the version in use, beyond gate.max-hr-drop %.3f"
          .formatted(result.model.count(), result.model.hr(10), inUse, drop);
    }
    return null;
  }

  /** Whether the user's windows are for the gate alone: never trained on. */
  private boolean heldOut(int user) {
    return Rng.uniform(Rng.hash(config.get(JobOptions.SEED), 3, user))
        < config.get(JobOptions.GATE_HOLDOUT);
  }

  /** Takes a candidate into use. */
  void adopt(Candidate candidate, TrainProgress progress) {
    trainer.adopt(candidate.tokenizer());
    for (int i = 0; i < items.size(); i++) {
      if (items.known(i)) {
        startsSomewhere(i);
      }
    }
    progress.reconstruction = candidate.quality().reconstruction();
    progress.itemsOfVersion = items.size();
  }

  // Records.

  /** Pieces of encoder and codebooks. */
  List<OutRecord> tokenizerParts(Candidate candidate, TrainProgress progress, long now) {
    List<OutRecord> parts = new ArrayList<>();
    parts(ModelPartKind.ENCODER, candidate.tokenizer().toBytes(), progress, now, parts);
    parts(ModelPartKind.CODEBOOKS, codebooks(candidate.tokenizer()), progress, now, parts);
    return parts;
  }

  /**
   * int32 levels; per level: int32 metric (0 cosine, 1 Euclidean), K, D, then K x D float32; all
   * big-endian.
   */
  private static byte[] codebooks(TokenizerModel tokenizer) {
    List<Codebook> books = tokenizer.quantizer().codebooks();
    int floats = books.stream().mapToInt(b -> b.codewords().length).sum();
    ByteBuffer bytes = ByteBuffer.allocate(4 + 12 * books.size() + 4 * floats);
    bytes.putInt(books.size());
    for (Codebook book : books) {
      bytes.putInt(book.metric() == Metric.COSINE ? 0 : 1).putInt(book.size()).putInt(book.dim());
      for (float value : book.codewords()) {
        bytes.putFloat(value);
      }
    }
    return bytes.array();
  }

  /** Pieces of the recommender: its parameters as big-endian float32. */
  List<OutRecord> recommenderParts(TrainProgress progress, long now) {
    float[] parameters = trainer.recommender().parameters();
    ByteBuffer bytes = ByteBuffer.allocate(4 * parameters.length);
    bytes.asFloatBuffer().put(parameters);
    List<OutRecord> parts = new ArrayList<>();
    parts(ModelPartKind.RECOMMENDER, bytes.array(), progress, now, parts);
    return parts;
  }

  /**
   * Removals of the encoders and recommenders of versions that no reader goes back to. The
   * codebooks of every version stay: rows of any may still be valid, and are judged by them.
   *
   * @param candidate a tokenizer, whose encoder has as many pieces as theirs: its shape is fixed
   * @param first the first version
   * @param last the last version; before the first for none
   */
  List<OutRecord> removals(Candidate candidate, int first, int last) {
    int encoder = pieces(candidate.tokenizer().toBytes().length);
    int recommender = pieces(4 * trainer.recommender().parameters().length);
    List<OutRecord> nulls = new ArrayList<>();
    for (int version = first; version <= last; version++) {
      for (int i = 0; i < encoder; i++) {
        nulls.add(OutRecord.of(partKey(version, ModelPartKind.ENCODER, i), null));
      }
      for (int i = 0; i < recommender; i++) {
        nulls.add(OutRecord.of(partKey(version, ModelPartKind.RECOMMENDER, i), null));
      }
    }
    return nulls;
  }

  private static int pieces(int bytes) {
    return Math.max(1, (bytes + PART_BYTES - 1) / PART_BYTES);
  }

  private static byte[] partKey(int version, ModelPartKind kind, int index) {
    return Records.key(version + "/" + kind + "/" + index);
  }

  private void parts(
      ModelPartKind kind, byte[] whole, TrainProgress progress, long now, List<OutRecord> to) {
    String digest = Sha256.hex(whole);
    int count = pieces(whole.length);
    for (int i = 0; i < count; i++) {
      byte[] data =
          Arrays.copyOfRange(whole, i * PART_BYTES, Math.min(whole.length, (i + 1) * PART_BYTES));
      ModelPart part =
          new ModelPart(
              progress.version,
              progress.revision,
              kind,
              i,
              count,
              digest,
              ByteBuffer.wrap(data),
              Instant.ofEpochMilli(now));
      to.add(OutRecord.of(partKey(progress.version, kind, i), wire.encode(part)));
    }
  }

  /**
   * ID embeddings that changed since the last call; null for those of items that were deleted, and
   * have none again if they came back.
   */
  List<OutRecord> changedEmbeddings(TrainProgress progress) {
    List<OutRecord> rows = new ArrayList<>();
    if (joint.hasId()) {
      int d = joint.idDim();
      for (int i = changedItems.nextSetBit(0); i >= 0; i = changedItems.nextSetBit(i + 1)) {
        if (items.known(i) && hasEmbedding(i)) {
          if (!items.idTrained(i)) {
            // Gives the embedding its start, where it has none yet.
            trainer.fill(new int[] {i}, 1, new float[joint.dim()]);
          }
          IdEmbedding row =
              new IdEmbedding(
                  itemNames.get(i),
                  progress.version,
                  progress.revision,
                  Vectors.toList(Arrays.copyOfRange(items.id(), i * d, (i + 1) * d)));
          rows.add(OutRecord.of(Records.key(itemNames.get(i)), wire.encode(row)));
        } else {
          // Gone, or gone and come again since: what readers have is of its earlier life.
          rows.add(OutRecord.of(Records.key(itemNames.get(i)), null));
        }
      }
    }
    changedItems.clear();
    return rows;
  }

  /** The record of a round that just ended. */
  VersionRecord revisionRecord(TrainProgress progress, long now) {
    VersionRecord record = record(VersionState.REVISION, progress.version, progress, now);
    record.setPrequential(progress.prequential());
    return record;
  }

  /** The record of a token version that begins or is held. */
  VersionRecord versionRecord(
      VersionState state,
      int version,
      String reason,
      Candidate candidate,
      TrainProgress progress,
      long now) {
    VersionRecord record = record(state, version, progress, now);
    record.setReason(reason);
    record.setModelDigest(candidate.tokenizer().digest());
    record.setQuality(quality(candidate));
    return record;
  }

  private static io.sidstream.schemas.Quality quality(Candidate candidate) {
    Quality q = candidate.quality();
    List<Double> tolerance = new ArrayList<>();
    for (float t : candidate.tokenizer().tolerance()) {
      tolerance.add((double) t);
    }
    return io.sidstream.schemas.Quality.newBuilder()
        .setUtilisation(Arrays.stream(q.utilisation()).boxed().toList())
        .setPerplexity(Arrays.stream(q.perplexity()).boxed().toList())
        .setUniqueTuples(q.aloneInTuple())
        .setReconstruction(q.reconstruction())
        .setExpectedChurn(q.churn())
        .setTolerance(tolerance)
        .setReseeded(Arrays.stream(candidate.reseeded()).boxed().toList())
        .setReseededItems(Arrays.stream(q.reseededItems()).boxed().toList())
        .build();
  }

  private VersionRecord record(VersionState state, int version, TrainProgress progress, long now) {
    VersionRecord record = new VersionRecord();
    record.setState(state);
    record.setVersion(version);
    record.setRevision(progress.revision);
    record.setItems(items.knownCount());
    record.setInteractions(progress.interactions);
    record.setWaitingInteractions(waitingInteractions);
    record.setChangedCodes(List.of());
    record.setChangedPrefixes(List.of());
    record.setModelDigest("");
    record.setLoss(progress.steps == 0 ? 0 : progress.lossSum / progress.steps);
    record.setSteps(progress.steps);
    record.setTime(Instant.ofEpochMilli(now));
    return record;
  }
}
