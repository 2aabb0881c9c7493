package io.sidstream.job.learn;

import io.sidstream.job.learn.LearnProgress.Phase;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.RoundPiece;
import io.sidstream.job.record.SequencedEvent;
import io.sidstream.model.learn.LearnPlan;
import io.sidstream.model.learn.MergedRound;
import io.sidstream.model.learn.RoundInput;
import io.sidstream.model.learn.RoundKind;
import io.sidstream.model.learn.WorkingSet;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Objects;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A shard of the learner, from round to round. It is called on the operator's thread, for some
 * milliseconds at a time, under the key of the shard; rounds run on a thread of their own.
 *
 * <pre>
 * COLLECT ─► TAKE ─► COMPUTE ─► STORE ─► APPLY ─► WAIT ─► ADOPT ─► IDLE
 *              ▲                           └──────────────────────►─┤
 *              └────────────────────────────────────────────────────┘
 * </pre>
 *
 * <p>All but what COMPUTE and STORE have on the heap is in state at once. COMPUTE changes no state,
 * so that a restart in it, or in STORE, draws and computes the same again.
 */
final class Shard {
  /** When a first model is made, and when a round begins without enough that is new. */
  record Clock(
      long bootstrapItems,
      long bootstrapInteractions,
      long bootstrapTimeoutMs,
      long backlogTimeoutMs,
      long roundIntervalMs,
      int pendingMax) {}

  private static final Logger LOG = LoggerFactory.getLogger(Shard.class);

  /** Rounds take so many times what they would where more waits than is wanted. */
  private static final int CATCH_UP = 8;

  /**
   * But no more than this, where a round does not want more anyway: they are on the heap at once.
   */
  private static final int CATCH_UP_MOST = 100_000;

  private final int number;
  private final LearnPlan plan;
  private final ShardTables tables;
  private final Intake intake;
  private final Clock clock;
  private final RoundRunner runner;
  private final Consumer<RoundPiece> out;

  private LearnProgress at;
  private boolean dirty;
  private RoundDrawing drawing;
  private long[] numbers;
  private RoundRunner.Computed computed;
  private int changedFrom;
  private int modelStored;
  private MergedRound adopted;
  private int adoptedRows;

  /**
   * A shard.
   *
   * @param runner has the model, and the thread of the rounds
   * @param out where pieces of results go
   */
  Shard(
      int number,
      LearnPlan plan,
      ShardTables tables,
      Intake intake,
      Clock clock,
      RoundRunner runner,
      Consumer<RoundPiece> out) {
    this.number = number;
    this.plan = plan;
    this.tables = tables;
    this.intake = intake;
    this.clock = clock;
    this.runner = runner;
    this.out = out;
  }

  /** Begins, or goes on from state. */
  void open(String[] shape) throws Exception {
    at = tables.progress.value();
    if (at == null) {
      at = new LearnProgress();
      at.shape = shape;
      return;
    }
    at = at.copy();
    if (at.pieces[at.copy] > 0) {
      runner.restore(tables.model(at));
    }
  }

  int number() {
    return number;
  }

  LearnProgress progress() {
    return at;
  }

  Intake intake() {
    return intake;
  }

  /**
   * What the topics say of the backlog.
   *
   * @param ends where it ends; null while that cannot be told
   */
  void backlog(String ends, boolean read) {
    dirty |= !Objects.equals(ends, at.backlog) || read && !at.backlogRead;
    at.backlog = ends;
    at.backlogRead |= read;
  }

  /** Steps of the round under way: taken, and all; 0 of 0 between rounds. */
  int[] steps() {
    return runner.steps();
  }

  void put(EmbeddedItem item, long now) throws Exception {
    dirty = true;
    if (at.firstItemAt == 0) {
      at.firstItemAt = now;
    }
    intake.arrive(at, item);
  }

  void put(SequencedEvent event) throws Exception {
    dirty = true;
    intake.arrive(at, event);
  }

  /** A piece of a merged round; those of other rounds are of before a restart. */
  void put(RoundPiece piece) throws Exception {
    if (piece.count == 0) {
      // Another shard has begun the round.
      dirty |= piece.round > at.called;
      at.called = Math.max(at.called, piece.round);
      return;
    }
    if (piece.round != at.round || idle()) {
      return;
    }
    tables.mergedPieces.put(piece.index, piece.data);
    boolean all = true;
    for (int i = 0; i < piece.count && all; i++) {
      all = tables.mergedPieces.contains(i);
    }
    if (all) {
      at.mergedPieces = piece.count;
      dirty = true;
    }
  }

  private boolean idle() {
    return at.phase == Phase.IDLE || at.phase == Phase.COLLECT || at.phase == Phase.TAKE;
  }

  /** What waits for the next checkpoint is written; called before its barrier. */
  void save() throws Exception {
    if (dirty) {
      dirty = false;
      // On the heap, state is written by another thread while the shard goes on.
      tables.progress.update(at.copy());
    }
  }

  /**
   * Does something until the deadline.
   *
   * @param now processing time, ms
   * @return whether there is more to do at once
   */
  boolean turn(long now, Deadline deadline) throws Exception {
    intake.look(at, now);
    Phase before = at.phase;
    boolean more =
        switch (at.phase) {
          case COLLECT -> collect(now);
          case IDLE -> idle(now, deadline);
          case TAKE -> take(now, deadline);
          case COMPUTE -> compute(deadline);
          case STORE -> store(deadline);
          case APPLY -> apply(now, deadline);
          case WAIT -> await();
          case ADOPT -> adopt(now, deadline);
        };
    dirty |= at.phase != before || more;
    return more;
  }

  // ---- between rounds

  private boolean collect(long now) throws Exception {
    if (!at.backlogRead && at.firstItemAt > 0 && now - at.firstItemAt >= clock.backlogTimeoutMs) {
      LOG.warn(
          "Shard {}: what was in the topics at the start ({}) is not read after {} s (bootstrap.backlog-timeout); the first model is made without the rest of it",
          number,
          at.backlog,
          clock.backlogTimeoutMs / 1000);
      at.backlogRead = true;
      dirty = true;
    }
    boolean enough =
        at.backlogRead
            && at.queuedItems >= clock.bootstrapItems
            && at.queuedEvents >= clock.bootstrapInteractions / plan.shards();
    boolean waited =
        at.firstItemAt > 0 && now - at.firstItemAt >= clock.bootstrapTimeoutMs && at.backlogRead;
    if (at.queuedItems > 0 && (enough || waited) || at.called > at.round) {
      begin(Long.MAX_VALUE);
      return true;
    }
    return false;
  }

  private boolean idle(long now, Deadline deadline) throws Exception {
    long head = at.waitingHead;
    int users = at.userSweepPlace;
    long items = at.queuedItems;
    intake.expire(at, now);
    intake.forgetUsers(at, now);
    boolean taken = intake.takeItems(at, deadline);
    dirty |= head != at.waitingHead || users != at.userSweepPlace || items != at.queuedItems;
    if (!taken) {
      return true;
    }
    long next = at.round + 1;
    boolean bootstrap = plan.kind(next) == RoundKind.BOOTSTRAP;
    long wanted = plan.interactionsOfShard();
    boolean enough = at.queuedEvents >= wanted;
    boolean paused = at.queuedEvents > 0 && now - at.lastRoundAt >= clock.roundIntervalMs;
    if (enough || paused || bootstrap || at.called >= next) {
      boolean behind = at.queuedEvents > clock.pendingMax / plan.shards();
      at.catchUpRounds += behind && !bootstrap ? 1 : 0;
      begin(bootstrap ? Long.MAX_VALUE : behind ? catchUp(wanted) : wanted);
      return true;
    }
    return at.userSweepPlace > 0;
  }

  /** Interactions of a round where more wait than is wanted. */
  static long catchUp(long wanted) {
    return Math.max(wanted, Math.min(CATCH_UP * wanted, CATCH_UP_MOST));
  }

  private void begin(long wanted) {
    at.round++;
    at.wanted = wanted;
    at.taken = 0;
    at.phase = Phase.TAKE;
  }

  // ---- a round

  private boolean take(long now, Deadline deadline) throws Exception {
    if (!intake.takeItems(at, deadline) || !intake.takeEvents(at, now, deadline)) {
      return true;
    }
    boolean nothing = at.taken == 0 && at.gone == 0 && plan.kind(at.round) != RoundKind.BOOTSTRAP;
    if (at.items == 0 && plan.shards() == 1 || nothing && at.called < at.round) {
      // All that was queued waits for its items, or all items are gone again.
      at.round--;
      at.lastRoundAt = now;
      at.phase = at.version == 0 && at.round == 0 ? Phase.COLLECT : Phase.IDLE;
      return false;
    }
    at.sent = 0;
    at.rowsStored = 0;
    at.phase = Phase.COMPUTE;
    return true;
  }

  private boolean compute(Deadline deadline) throws Exception {
    if (runner.running()) {
      return false;
    }
    RoundRunner.Computed done = runner.take();
    if (done != null) {
      computed = done;
      changedFrom = 0;
      modelStored = 0;
      at.phase = Phase.STORE;
      return true;
    }
    if (drawing == null) {
      drawing = new RoundDrawing(tables, at, plan, number);
    }
    if (!drawing.advance(deadline)) {
      return true;
    }
    RoundInput input = drawing.input();
    numbers = drawing.numbers();
    drawing = null;
    List<String> gone = new ArrayList<>();
    for (int i = 0; i < at.gone; i++) {
      gone.add(tables.gone.get(i));
    }
    runner.start(input, gone);
    return false;
  }

  /** Puts rows and model aside and sends the result. */
  private boolean store(Deadline deadline) throws Exception {
    if (computed == null) {
      // After a restart: what was sent is not sent again, as it comes out the same.
      at.rowsStored = 0;
      at.phase = Phase.COMPUTE;
      return true;
    }
    BitSet changed = computed.changed();
    WorkingSet set = computed.set();
    for (int row = changed.nextSetBit(changedFrom); row >= 0; ) {
      tables.storedRows.put(at.rowsStored++, StoredRow.of(numbers[row], set.learned(row)));
      changedFrom = row + 1;
      row = changed.nextSetBit(changedFrom);
      if (deadline.isOver()) {
        return true;
      }
    }
    int other = 1 - at.copy;
    int pieces = computed.model() == null ? 0 : ShardTables.pieces(computed.model().length);
    while (modelStored < pieces) {
      tables.putModel(other, modelStored++, computed.model());
      if (deadline.isOver()) {
        return true;
      }
    }
    RoundPieces result = computed.result();
    while (at.sent < result.count()) {
      out.accept(result.piece(at.sent++));
      if (deadline.isOver()) {
        return true;
      }
    }
    // From here on a restart goes on from what was put aside.
    if (pieces > 0) {
      at.pieces[other] = pieces;
      at.copy = other;
    } else {
      // The round failed: the model of its beginning stays.
      runner.restore(tables.model(at));
    }
    at.rowsApplied = 0;
    if (at.sweepVersion > 0) {
      at.sweepPlace = Math.min(at.items, at.sweepPlace + LearnPlan.SWEEP_ITEMS);
    }
    computed = null;
    numbers = null;
    at.phase = Phase.APPLY;
    return true;
  }

  private boolean apply(long now, Deadline deadline) throws Exception {
    while (at.rowsApplied < at.rowsStored) {
      byte[] row = tables.storedRows.get(at.rowsApplied);
      tables.put(StoredRow.item(row), StoredRow.learned(row));
      tables.storedRows.remove(at.rowsApplied++);
      if (deadline.isOver()) {
        return true;
      }
    }
    while (at.touched > 0) {
      tables.touched.remove(--at.touched);
      if (deadline.isOver()) {
        return true;
      }
    }
    while (at.full > 0) {
      tables.fullWindows.remove(--at.full);
    }
    while (at.gone > 0) {
      tables.gone.remove(--at.gone);
    }
    dropTokenizers();
    if (plan.waits(at.round)) {
      at.phase = Phase.WAIT;
    } else {
      end(now);
    }
    return true;
  }

  /** Lets tokenizers go that every item has adopted, and begins the next sweep. */
  private void dropTokenizers() throws Exception {
    if (at.sweepVersion > 0 && at.sweepPlace < at.items) {
      return;
    }
    while (at.oldestTokenizer < at.sweepVersion) {
      tables.tokenizers.remove(at.oldestTokenizer++);
    }
    if (at.sweepVersion < at.version) {
      at.sweepVersion = at.version;
      at.sweepPlace = 0;
    }
  }

  private void end(long now) {
    at.lastRoundAt = now;
    at.phase = Phase.IDLE;
  }

  // ---- what the merge made of it

  private boolean await() {
    if (at.mergedPieces == 0) {
      return false;
    }
    adoptedRows = 0;
    at.phase = Phase.ADOPT;
    return true;
  }

  /** Reads what came back; false where it is not the merge's, which is then waited for again. */
  private boolean readMerged() throws Exception {
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    for (int i = 0; i < at.mergedPieces; i++) {
      whole.writeBytes(tables.mergedPieces.get(i));
    }
    try {
      adopted = MergedRound.fromBytes(whole.toByteArray());
    } catch (IllegalArgumentException e) {
      LOG.error("Shard {}: what came back for round {} is passed over", number, at.round, e);
    }
    if (adopted != null && adopted.round() != at.round) {
      LOG.error(
          "Shard {} waits for round {}; round {} is passed over",
          number,
          at.round,
          adopted.round());
      adopted = null;
    }
    adoptedRows = 0;
    if (adopted == null) {
      forgetMerged();
      at.phase = Phase.WAIT;
    }
    return adopted != null;
  }

  private void forgetMerged() throws Exception {
    for (int i = 0; i < at.mergedPieces; i++) {
      tables.mergedPieces.remove(i);
    }
    at.mergedPieces = 0;
  }

  private boolean adopt(long now, Deadline deadline) throws Exception {
    if (adopted == null && !readMerged()) {
      return false;
    }
    // Embeddings are the same however often they are put, so a restart may begin again.
    while (adoptedRows < adopted.embeddings().size()) {
      var embedding = adopted.embeddings().get(adoptedRows++);
      Long item = tables.itemNumbers.get(embedding.item());
      if (item != null) {
        // Also where readers are to forget it: an item that came again begins anew in all shards.
        tables.put(item, StoredRow.with(tables.learned(item), embedding.e()));
      }
      if (deadline.isOver()) {
        return true;
      }
    }
    if (adopted.weights() != null || adopted.tokenizer() != null) {
      byte[] model = runner.adopt(adopted);
      int other = 1 - at.copy;
      int pieces = ShardTables.pieces(model.length);
      for (int i = 0; i < pieces; i++) {
        tables.putModel(other, i, model);
      }
      at.pieces[other] = pieces;
      at.copy = other;
    }
    if (adopted.tokenizer() != null) {
      at.version = adopted.version();
      at.versionItem = at.nextItem;
      tables.tokenizers.put(at.version, adopted.tokenizer());
      if (at.version == 1) {
        at.oldestTokenizer = 1;
      }
      dropTokenizers();
    }
    forgetMerged();
    adopted = null;
    end(now);
    return true;
  }

  /** Ends the round that is under way, if one is. */
  void close() {
    runner.close();
  }
}
