package io.sidstream.job.learn;

import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.RoundPiece;
import io.sidstream.job.record.SequencedEvent;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.learn.Adoption;
import io.sidstream.model.learn.LearnPlan;
import io.sidstream.model.learn.Round;
import io.sidstream.model.learn.RoundResult;
import io.sidstream.model.learn.ShardRound;
import io.sidstream.model.learn.Verdict;
import io.sidstream.model.learn.WorkingSet;
import io.sidstream.model.train.JointTrainer;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;

/**
 * The job's learner without a job: the same shards, rounds and merge, on the heap and as fast as
 * they go. The same events in the same order, put in in the same portions, give the bits that the
 * job gives.
 *
 * <pre>{@code
 * try (Replay replay = new Replay(plan, (done, steps) -> {})) {
 *   replay.item("a", vector, 0);
 *   replay.event("user", "a", 1);
 *   Replay.Told told = replay.round(true);
 * }
 * }</pre>
 */
public final class Replay implements AutoCloseable {
  private static final long INTERVAL_MS = 1_000;

  /**
   * What a round came to.
   *
   * @param round its number, from 1
   * @param figures what it did and ranked
   * @param verdict what the gate said of its candidate; null where it has none
   * @param refusal why the candidate is held back, or why the round failed; null for neither
   * @param version token version after it
   * @param ms what its shards took by the clock, drawing and merging included
   */
  public record Told(
      long round,
      RoundResult.Figures figures,
      Verdict verdict,
      String refusal,
      int version,
      double ms) {}

  /**
   * The model with all items, their codes brought up to date.
   *
   * @param trainer the model, which uses the rows of {@code set}
   */
  public record Learnt(JointTrainer trainer, WorkingSet set) {}

  private final LearnPlan plan;
  private final ExecutorService threads = Executors.newCachedThreadPool(Replay::daemon);
  private final Semaphore ended = new Semaphore(0);
  private final List<Shard> shards = new ArrayList<>();
  private final List<ShardTables> tables = new ArrayList<>();
  private final List<RoundRunner> runners = new ArrayList<>();
  private final Map<String, Long> orders = new HashMap<>();
  private final List<RoundPiece> sent = new ArrayList<>();
  private final List<List<RoundPiece>> rounds = new ArrayList<>();
  private MergeProgress merge = new MergeProgress();
  private byte[] tokenizer;
  private long now = 1;
  private RoundRecords last;

  /**
   * A learner that knows nothing.
   *
   * @param heard hears of the first shard's steps, on the thread of its round
   */
  public Replay(LearnPlan plan, Round.Listener heard) {
    this.plan = plan;
    int length = plan.model().maxLen() + 1;
    Intake.Bounds bounds =
        new Intake.Bounds(length, Integer.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE);
    Shard.Clock clock = new Shard.Clock(0, 0, 0, 0, INTERVAL_MS, Integer.MAX_VALUE);
    try {
      for (int s = 0; s < plan.shards(); s++) {
        ShardTables of = new ShardTables(new HeapStore());
        Round.Listener mine = s == 0 ? heard : (done, steps) -> {};
        RoundRunner runner =
            new RoundRunner(plan, s, 1, threads, mine, RoundRunner.Times.NOBODY, ended::release);
        Shard shard =
            new Shard(s, plan, of, new Intake(of, plan, bounds), clock, runner, sent::add);
        shard.open(new String[0]);
        shard.backlog("", true);
        tables.add(of);
        runners.add(runner);
        shards.add(shard);
        rounds.add(new ArrayList<>());
      }
    } catch (Exception e) {
      throw onHeap(e);
    }
  }

  private static Thread daemon(Runnable work) {
    Thread thread = new Thread(work, "replay");
    thread.setDaemon(true);
    return thread;
  }

  /** State on the heap declares what it never throws. */
  private static RuntimeException onHeap(Exception e) {
    return e instanceof RuntimeException unchecked ? unchecked : new IllegalStateException(e);
  }

  /**
   * An item arrives.
   *
   * @param vector {@code [D_x]} content
   * @param time event time, ms since the epoch
   */
  public void item(String name, float[] vector, long time) {
    EmbeddedItem item = new EmbeddedItem();
    item.item = name;
    item.vector = vector;
    item.time = time;
    try {
      for (Shard shard : shards) {
        shard.put(item, now);
      }
    } catch (Exception e) {
      throw onHeap(e);
    }
  }

  /**
   * An interaction arrives.
   *
   * @param time event time, ms since the epoch
   */
  public void event(String user, String item, long time) {
    SequencedEvent event = new SequencedEvent();
    event.user = user;
    event.item = item;
    event.time = time;
    event.placed = true;
    event.order = orders.merge(user, 1L, Long::sum) - 1;
    try {
      shards.get(LearnPlan.shard(user, plan.shards())).put(event);
    } catch (Exception e) {
      throw onHeap(e);
    }
  }

  /**
   * Runs the next round.
   *
   * @param all whether less than a round's interactions are enough
   * @return null where there is not enough for one
   * @throws IllegalStateException with what a round threw
   */
  public Told round(boolean all) throws InterruptedException {
    long begin = System.nanoTime();
    now += all ? 2 * INTERVAL_MS : 0;
    Told told = null;
    try {
      while (true) {
        boolean more = false;
        boolean busy = false;
        for (Shard shard : shards) {
          // One that is done waits for the others: the round after is another call's.
          if (told == null || !idle(shard)) {
            more |= shard.turn(now, Deadline.NEVER);
            busy |= !idle(shard);
          }
        }
        RoundRecords made = deliver();
        if (made != null) {
          RoundResult.Figures figures = made.merged().figures();
          double ms = (System.nanoTime() - begin) / 1e6;
          told = new Told(merge.round, figures, made.verdict(), made.refusal(), merge.version, ms);
        }
        if (!busy && (told != null || !more)) {
          return told;
        }
        if (!more && made == null) {
          ended.acquire();
        }
      }
    } catch (InterruptedException e) {
      throw e;
    } catch (Exception e) {
      throw onHeap(e);
    }
  }

  private static boolean idle(Shard shard) {
    LearnProgress.Phase phase = shard.progress().phase;
    return phase == LearnProgress.Phase.IDLE || phase == LearnProgress.Phase.COLLECT;
  }

  /** Gives the merge what the shards have sent, and the shards what it makes of a whole round. */
  private RoundRecords deliver() throws Exception {
    for (RoundPiece piece : sent) {
      if (plan.shards() > 1 && rounds.stream().allMatch(List::isEmpty)) {
        RoundPiece call = new RoundPiece();
        call.round = piece.round;
        for (Shard shard : shards) {
          shard.put(call);
        }
      }
      rounds.get(piece.shard).add(piece);
    }
    sent.clear();
    if (!rounds.stream().allMatch(of -> !of.isEmpty() && of.size() == of.get(0).count)) {
      return null;
    }
    List<ShardRound> results = new ArrayList<>();
    for (List<RoundPiece> pieces : rounds) {
      ByteArrayOutputStream whole = new ByteArrayOutputStream();
      pieces.forEach(piece -> whole.writeBytes(piece.data));
      pieces.clear();
      results.add(ShardRound.fromBytes(whole.toByteArray()));
    }
    merge.committed = merge.version;
    merge.publishesThis = true;
    last = RoundRecords.of(plan, RoundRecords.EVERY_VERSION, merge, tokenizer, results);
    merge = last.after(merge);
    tokenizer = last.tokenizer() == null ? tokenizer : last.tokenizer();
    if (last.back() != null) {
      RoundPieces back = new RoundPieces(-1, merge.round, last.back());
      for (int i = 0; i < back.count(); i++) {
        for (Shard shard : shards) {
          shard.put(back.piece(i));
        }
      }
    }
    return last;
  }

  /** What the merge said last; null before the first round. */
  RoundRecords last() {
    return last;
  }

  /** What the first shard has learnt, between rounds. */
  public Learnt learnt() {
    try {
      LearnProgress at = shards.get(0).progress();
      ShardTables of = tables.get(0);
      WorkingSet set = new WorkingSet(plan.model(), true);
      for (int place = 0; place < at.items; place++) {
        long item = of.itemPlaces.get(place);
        ItemMeta meta = of.meta(item);
        set.add(
            item,
            meta.name(),
            meta.arrival(),
            meta.interactions(),
            of.learned(item),
            of.itemContent.get(item));
      }
      SortedMap<Integer, TokenizerModel> tokenizers = of.tokenizers(at);
      new Adoption(set, tokenizers, at.version).run();
      JointTrainer trainer = runners.get(0).trainer();
      trainer.use(set.items());
      if (at.version > 0) {
        // The codes stay: they are the tokenizer's already.
        trainer.adopt(tokenizers.get(at.version));
      }
      return new Learnt(trainer, set);
    } catch (Exception e) {
      throw onHeap(e);
    }
  }

  /** Ends a round under way at its next step. */
  @Override
  public void close() {
    shards.forEach(Shard::close);
    threads.shutdownNow();
  }
}
