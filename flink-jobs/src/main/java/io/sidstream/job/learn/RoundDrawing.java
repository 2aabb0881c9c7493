package io.sidstream.job.learn;

import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.learn.LearnPlan;
import io.sidstream.model.learn.LearnedRow;
import io.sidstream.model.learn.RoundInput;
import io.sidstream.model.learn.RoundKind;
import io.sidstream.model.learn.WorkingSet;
import io.sidstream.model.math.Rng;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Draws the input of a round from a shard's tables, in slices. It only reads, and what it draws is
 * a function of the tables, the seed and the round: after a restart it draws the same.
 */
final class RoundDrawing {
  /** Rows of users or items read between two looks at the clock. */
  private static final int LOOK = 16;

  private record Sequence(long[] items, long[] times, int fresh) {
    static Sequence of(UserRow row, int fresh) {
      return new Sequence(row.items(), row.times(), fresh);
    }
  }

  /** A part of the drawing, which does one thing at a call; false when it is done. */
  private interface Part {
    boolean next() throws Exception;
  }

  private final ShardTables tables;
  private final LearnProgress at;
  private final LearnPlan plan;
  private final int shard;
  private final RoundKind kind;
  private final Rng rng;
  private final List<Part> parts = new ArrayList<>();
  private int part;

  private final List<Sequence> predicted = new ArrayList<>();
  private final List<Sequence> recent = new ArrayList<>();
  private final List<Sequence> replayed = new ArrayList<>();
  private final List<Sequence> heldOut = new ArrayList<>();
  private final Map<Long, Integer> freshOf = new HashMap<>();
  private final Set<Long> named = new LinkedHashSet<>();
  private final List<Long> pool = new ArrayList<>();
  private final List<Long> sample = new ArrayList<>();
  private final List<Long> sweep = new ArrayList<>();
  private final List<Long> goneItems = new ArrayList<>();
  private final WorkingSet set;

  RoundDrawing(ShardTables tables, LearnProgress at, LearnPlan plan, int shard) {
    this.tables = tables;
    this.at = at;
    this.plan = plan;
    this.shard = shard;
    kind = plan.kind(at.round);
    rng = new Rng(Rng.hash(plan.seed(), 20, at.round * plan.shards() + shard));
    set = new WorkingSet(plan.model(), kind.encodes());
    parts.add(places(pool, LearnPlan.POOL, rng.split()));
    if (samples()) {
      parts.add(places(sample, share(LearnPlan.QUALITY_ITEMS), rng.split()));
      parts.add(this::heldOutWindow);
    }
    parts.add(this::fullWindow);
    parts.add(this::touchedUser);
    parts.add(replay(rng.split()));
    parts.add(this::sweptItem);
    parts.add(this::row);
  }

  private boolean samples() {
    return plan.endsInCandidate(at.round) || at.round == 1;
  }

  private int share(int ofAll) {
    return (ofAll + plan.shards() - 1) / plan.shards();
  }

  /** Goes on until the deadline; true when all is drawn. */
  boolean advance(Deadline deadline) throws Exception {
    while (part < parts.size()) {
      for (int i = 0; i < LOOK; i++) {
        if (!parts.get(part).next()) {
          part++;
          break;
        }
      }
      if (deadline.isOver()) {
        return part == parts.size();
      }
    }
    return true;
  }

  /** Distinct items at uniformly drawn places; all of them, in order, where there are no more. */
  private Part places(List<Long> to, int most, Rng draws) {
    if (at.items <= most) {
      int[] next = {0};
      return () -> {
        if (next[0] < at.items) {
          to.add(tables.itemPlaces.get(next[0]++));
        }
        return next[0] < at.items;
      };
    }
    Draw draw = new Draw(at.items, draws);
    return () -> {
      to.add(tables.itemPlaces.get(draw.next()));
      return to.size() < most;
    };
  }

  /** Numbers 0 to n - 1 in a random order, as many of them as are asked for. */
  private static final class Draw {
    private final int n;
    private final Rng rng;
    private final Map<Integer, Integer> moved = new HashMap<>();
    private int drawn;

    Draw(int n, Rng rng) {
      this.n = n;
      this.rng = rng;
    }

    boolean any() {
      return drawn < n;
    }

    /** The next step of Fisher and Yates' shuffle, of which only what it has moved is kept. */
    int next() {
      int at = drawn + rng.nextInt(n - drawn);
      int value = moved.getOrDefault(at, at);
      moved.put(at, moved.getOrDefault(drawn, drawn));
      drawn++;
      return value;
    }
  }

  private int nextHeldOut;

  private boolean heldOutWindow() throws Exception {
    int n = at.heldOut.length;
    // The newest, as many as are this shard's share.
    if (nextHeldOut >= Math.min(n, share(LearnPlan.GATE_WINDOWS))) {
      return false;
    }
    UserRow row = tables.user(at.heldOut[n - 1 - nextHeldOut++]);
    if (row != null && row.items().length > 1) {
      heldOut.add(Sequence.of(row, 1));
    }
    return true;
  }

  private int nextFull;

  private boolean fullWindow() throws Exception {
    if (nextFull >= at.full) {
      return false;
    }
    byte[] window = tables.fullWindows.get(nextFull++);
    UserRow row = Intake.rowOf(window);
    add(Intake.userOf(window), Sequence.of(row, row.fresh()));
    return true;
  }

  private int nextTouched;

  private boolean touchedUser() throws Exception {
    if (nextTouched >= at.touched) {
      return false;
    }
    String user = tables.touched.get(nextTouched++);
    UserRow row = tables.user(user);
    if (row != null) {
      add(user, Sequence.of(row, row.freshIn(at.round)));
    }
    return true;
  }

  private void add(String user, Sequence sequence) {
    for (int i = sequence.items.length - sequence.fresh; i < sequence.items.length; i++) {
      freshOf.merge(sequence.items[i], 1, Integer::sum);
    }
    if (kind != RoundKind.BOOTSTRAP && sequence.fresh > 0) {
      predicted.add(sequence);
    }
    if (kind != RoundKind.BOOTSTRAP && !plan.heldOut(user)) {
      recent.add(sequence);
    }
  }

  /**
   * Users of any time with more than one event, until they have the positions that the round's
   * steps want of them, or name all the items that it has room for.
   */
  private Part replay(Rng draws) {
    boolean bootstrap = kind == RoundKind.BOOTSTRAP;
    long wanted =
        bootstrap
            ? (long) plan.bootstrap().maxSteps() * plan.steps().positions()
            : (long)
                ((double) plan.stepsOf(at.round, 0)
                    * plan.stepOf(at.round).positions()
                    * (1 - plan.steps().recentShare()));
    Draw draw = new Draw(at.replayable, draws);
    long[] positions = {0};
    Set<Long> items = new HashSet<>(pool);
    return () -> {
      if (!draw.any() || positions[0] >= wanted || items.size() >= LearnPlan.WORKING_SET) {
        return false;
      }
      String user = tables.userPlaces.get(draw.next());
      UserRow row = tables.user(user);
      if (!plan.heldOut(user)) {
        positions[0] += Math.min(row.items().length - 1, plan.model().maxLen());
        Arrays.stream(row.items()).forEach(items::add);
        replayed.add(Sequence.of(row, 0));
      }
      return true;
    };
  }

  private int nextSwept = -1;

  private boolean sweptItem() throws Exception {
    nextSwept = nextSwept < 0 ? at.sweepPlace : nextSwept;
    if (at.sweepVersion == 0 || nextSwept >= sweepEnd()) {
      return false;
    }
    sweep.add(tables.itemPlaces.get(nextSwept++));
    return true;
  }

  /** Place up to which the items have adopted the version of the sweep after this round. */
  int sweepEnd() {
    return Math.min(at.items, at.sweepPlace + LearnPlan.SWEEP_ITEMS);
  }

  private List<Long> rows;
  private int nextRow;

  /** Adds the row of an item to the working set; what comes first is sure to have a place in it. */
  private boolean row() throws Exception {
    if (rows == null) {
      named.addAll(pool);
      named.addAll(sample);
      for (List<Sequence> sequences : List.of(heldOut, predicted, recent, replayed)) {
        for (Sequence sequence : sequences) {
          for (long item : sequence.items) {
            named.add(item);
          }
        }
      }
      rows = new ArrayList<>(named);
    }
    if (nextRow < rows.size() && set.size() < LearnPlan.WORKING_SET + sample.size()) {
      add(rows.get(nextRow++), false);
      return true;
    }
    int swept = nextSweptRow++;
    if (swept >= sweep.size()) {
      return false;
    }
    if (set.indexOf(sweep.get(swept)) < 0) {
      add(sweep.get(swept), true);
    }
    return true;
  }

  private int nextSweptRow;

  private void add(long item, boolean onlyIfStale) throws Exception {
    ItemMeta meta = tables.meta(item);
    if (meta == null) {
      goneItems.add(item);
      return;
    }
    LearnedRow row = tables.learned(item);
    boolean stale = at.version > 0 && (row.codes() == null || row.version() < at.version);
    if (onlyIfStale && !stale) {
      return;
    }
    int before = meta.interactions() - freshOf.getOrDefault(item, 0);
    set.add(
        item,
        meta.name(),
        meta.arrival(),
        Math.max(0, before),
        row,
        stale || kind.encodes() ? tables.itemContent.get(item) : null);
  }

  /** What was drawn, when all is. */
  RoundInput input() throws Exception {
    BitSet old = new BitSet();
    for (int i = 0; i < sample.size(); i++) {
      old.set(i, sample.get(i) < at.versionItem);
    }
    return new RoundInput(
        shard,
        at.round,
        new RoundInput.Versions(at.version, tables.tokenizers(at)),
        set,
        indices(pool),
        new RoundInput.Windows(windows(predicted), sequences(recent), sequences(replayed)),
        samples() ? new RoundInput.Sample(indices(sample), old, windows(heldOut)) : null,
        new RoundInput.Totals(at.items, at.interactions, at.waiting));
  }

  /** Numbers of the items whose rows are in the working set, by its index. */
  long[] numbers() {
    long[] numbers = new long[set.size()];
    for (List<Long> some : List.of(rows, sweep)) {
      for (long item : some) {
        int index = set.indexOf(item);
        if (index >= 0) {
          numbers[index] = item;
        }
      }
    }
    return numbers;
  }

  private int[] indices(List<Long> items) {
    return items.stream().mapToInt(set::indexOf).toArray();
  }

  private int[] indices(long[] items) {
    int[] indices = new int[items.length];
    for (int i = 0; i < items.length; i++) {
      indices[i] = set.indexOf(items[i]);
    }
    return indices;
  }

  private List<int[]> sequences(List<Sequence> all) {
    return all.stream().map(s -> indices(s.items)).toList();
  }

  private List<Prequential.Window> windows(List<Sequence> all) {
    return all.stream()
        .map(s -> new Prequential.Window(indices(s.items), s.times, s.fresh))
        .toList();
  }
}
