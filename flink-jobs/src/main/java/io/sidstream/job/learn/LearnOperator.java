package io.sidstream.job.learn;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Backlog;
import io.sidstream.job.kafka.Topics;
import io.sidstream.job.learn.LearnProgress.Phase;
import io.sidstream.job.record.LearnInput;
import io.sidstream.job.record.RoundPiece;
import io.sidstream.model.learn.LearnPlan;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import org.apache.flink.api.common.TaskInfo;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Learns the joint model from the stream, in rounds; keyed by shard. Items reach every shard,
 * interactions the shard of their user, and what the merge made of a round comes back to all.
 *
 * <p>What arrives is put aside in state at once, so nothing upstream ever waits for learning.
 * Rounds are drawn, put aside and applied in slices of at most {@value #SLICE_MS} ms, and computed
 * on threads of their own, so no barrier waits for a step. See {@link Shard} for what a restart
 * does.
 */
public class LearnOperator extends AbstractStreamOperator<RoundPiece>
    implements OneInputStreamOperator<LearnInput, RoundPiece> {
  /** Longest turn of the operator's thread, ms. */
  private static final long SLICE_MS = 20;

  /** How often a shard without work looks at the clock, ms. */
  private static final long IDLE_MS = 200;

  /** How often it is asked whether the backlog is read, ms. */
  private static final long BACKLOG_MS = 1_000;

  /** How often it is said for what a shard waits, ms. */
  private static final long SAY_MS = 60_000;

  private final JobConfig config;
  private final Backlog backlog;

  private transient Map<Integer, Shard> shards;
  private transient ShardTables tables;

  /** Whether anything has come since the last turn. */
  private transient boolean arrived;

  private transient ExecutorService threads;
  private transient MailboxExecutor mailbox;
  private transient long ticket;
  private transient boolean asking;
  private transient long askedAt;
  private transient long saidAt;
  private transient volatile boolean closed;

  /** With the topics of a configuration. */
  public LearnOperator(JobConfig config) {
    this(config, Backlog.ofTopics());
  }

  /**
   * With another backlog than that of topics: where there is no broker.
   *
   * @param backlog what the first model waits for
   */
  public LearnOperator(JobConfig config, Backlog backlog) {
    this.config = config;
    this.backlog = backlog;
  }

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    boolean ordered = "rocksdb".equals(getKeyedStateBackend().getBackendTypeIdentifier());
    tables = new ShardTables(ShardTables.Store.of(context.getKeyedStateStore(), ordered));
    threads = newThreads();
    mailbox =
        getContainingTask()
            .getMailboxExecutorFactory()
            .createExecutor(getOperatorConfig().getChainIndex());
    LearnPlan plan = LearnSettings.plan(config);
    RoundRunner.Times times = LearnMetrics.times(getMetricGroup());
    shards = new LinkedHashMap<>();
    TaskInfo task = getRuntimeContext().getTaskInfo();
    int groups = task.getMaxNumberOfParallelSubtasks();
    int[] keys = ShardKeys.of(plan.shards(), groups);
    for (int s = 0; s < keys.length; s++) {
      if (KeyGroupRangeAssignment.assignKeyToParallelOperator(
              keys[s], groups, task.getNumberOfParallelSubtasks())
          == task.getIndexOfThisSubtask()) {
        open(s, keys[s], plan, times);
      }
    }
  }

  /** Where rounds are computed. */
  ExecutorService newThreads() {
    return Executors.newCachedThreadPool(
        work -> {
          Thread thread = new Thread(work, "learn-" + getOperatorID());
          thread.setDaemon(true);
          thread.setContextClassLoader(getUserCodeClassloader());
          return thread;
        });
  }

  /** What turns are measured by. */
  long nanos() {
    return System.nanoTime();
  }

  private void open(int number, int key, LearnPlan plan, RoundRunner.Times times) throws Exception {
    setCurrentKey(key);
    Intake.Bounds bounds =
        new Intake.Bounds(
            config.get(JobOptions.RECOMMENDER_MAX_LENGTH) + 1,
            config.get(JobOptions.LEARN_UNKNOWN_MAX),
            config.get(JobOptions.LEARN_UNKNOWN_RETENTION).toMillis(),
            config.get(JobOptions.SEQUENCE_RETENTION).toMillis());
    Shard.Clock clock =
        new Shard.Clock(
            config.get(JobOptions.BOOTSTRAP_ITEMS),
            config.get(JobOptions.BOOTSTRAP_INTERACTIONS),
            config.get(JobOptions.BOOTSTRAP_TIMEOUT).toMillis(),
            config.get(JobOptions.BOOTSTRAP_BACKLOG_TIMEOUT).toMillis(),
            config.get(JobOptions.LEARN_ROUND_INTERVAL).toMillis(),
            config.get(JobOptions.LEARN_PENDING_MAX));
    RoundRunner runner =
        new RoundRunner(
            plan,
            number,
            config.get(JobOptions.LEARN_DUTY_CYCLE),
            threads,
            (done, steps) -> {},
            times,
            this::wake);
    Shard shard =
        new Shard(
            number,
            plan,
            tables,
            new Intake(tables, plan, bounds),
            clock,
            runner,
            piece -> output.collect(new StreamRecord<>(piece)));
    String[] shape = LearnSettings.shape(config);
    shard.open(shape);
    try {
      LearnSettings.requireShape(shard.progress().shape, shape);
    } catch (IllegalStateException e) {
      // Trying again would not help.
      throw new SuppressRestartsException(e);
    }
    shards.put(key, shard);
  }

  @Override
  public void open() throws Exception {
    super.open();
    LearnMetrics.register(getMetricGroup(), shards.values(), this::now);
    schedule(0);
  }

  @Override
  public void processElement(StreamRecord<LearnInput> element) throws Exception {
    arrived = true;
    LearnInput input = element.getValue();
    Shard shard = shards.get(input.shardKey);
    if (input.item != null) {
      shard.put(input.item, now());
    } else if (input.event != null) {
      shard.put(input.event);
    } else {
      shard.put(input.merged);
      if (shard.progress().mergedPieces > 0) {
        // All is there: what the shard waits for need not wait for the clock.
        schedule(0);
      }
    }
  }

  /**
   * Where a shard stands, for who measures; on the operator's thread, and not to be changed.
   *
   * @param key of a shard of this subtask, see {@link ShardKeys}
   */
  public LearnProgress progress(int key) {
    return shards.get(key).progress();
  }

  /**
   * Optimizer steps of a shard's round under way: taken, and all; 0 of 0 while none is computed.
   *
   * @param key of a shard of this subtask
   */
  public int[] steps(int key) {
    return shards.get(key).steps();
  }

  private long now() {
    return getProcessingTimeService().getCurrentProcessingTime();
  }

  /** A round has ended; called on its thread. */
  private void wake() {
    try {
      mailbox.execute(this::turn, "end of a round");
    } catch (RejectedExecutionException e) {
      LOG.debug("A round ended after its operator", e);
    }
  }

  /** Asks for a turn instead of that which was asked for before. */
  private void schedule(long delayMs) {
    long mine = ++ticket;
    getProcessingTimeService()
        .registerTimer(
            now() + delayMs,
            t -> {
              if (mine == ticket) {
                turn();
              }
            });
  }

  private void turn() throws Exception {
    if (closed) {
      return;
    }
    long begin = nanos();
    boolean more = false;
    for (Map.Entry<Integer, Shard> e : shards.entrySet()) {
      setCurrentKey(e.getKey());
      askForBacklog(e.getValue());
      long share = SLICE_MS * 1_000_000 / shards.size();
      more |= e.getValue().turn(now(), Deadline.in(this::nanos, share));
      say(e.getValue());
    }
    // While a timer waits, a task takes one record a timer: as long a pause as the turn took leaves
    // half of the time to what arrives, where anything does.
    long tookMs = arrived ? (nanos() - begin) / 1_000_000 : 0;
    arrived = false;
    schedule(more ? Math.max(1, tookMs) : IDLE_MS);
  }

  private void askForBacklog(Shard shard) {
    LearnProgress at = shard.progress();
    if (at.phase != Phase.COLLECT || at.backlogRead || asking || now() - askedAt < BACKLOG_MS) {
      return;
    }
    asking = true;
    askedAt = now();
    String ends = at.backlog;
    threads.execute(
        () -> {
          String found = ends;
          boolean read = false;
          try {
            found = ends == null ? backlog.ends(config) : ends;
            read = backlog.read(config, found);
          } catch (ExecutionException | RuntimeException e) {
            // With another client the next time: this one may be what is wrong.
            backlog.close();
            LOG.warn("Whether the backlog is read cannot be told; asking again", e);
          } catch (InterruptedException e) {
            return;
          } finally {
            if (read || closed) {
              backlog.close();
            }
          }
          answer(found, read);
        });
  }

  private void answer(String ends, boolean read) {
    try {
      mailbox.execute(
          () -> {
            asking = false;
            for (Shard shard : shards.values()) {
              shard.backlog(ends, read);
            }
            if (read) {
              turn();
            }
          },
          "state of the backlog");
    } catch (RejectedExecutionException e) {
      LOG.debug("The backlog was looked at after the operator ended", e);
    }
  }

  /** Says for what a shard waits that has waited long. */
  private void say(Shard shard) {
    LearnProgress at = shard.progress();
    if (at.phase == Phase.COLLECT && now() - saidAt > SAY_MS) {
      saidAt = now();
      LOG.info(
          "Shard {} waits for its first model: {} items of {}, {} interactions of {}, what was in the topics at the start {}",
          shard.number(),
          at.queuedItems,
          config.get(JobOptions.BOOTSTRAP_ITEMS),
          at.queuedEvents,
          config.get(JobOptions.BOOTSTRAP_INTERACTIONS) / config.get(JobOptions.LEARN_SHARDS),
          at.backlogRead ? "is read" : "is not read: " + at.backlog);
    }
    if (at.phase == Phase.WAIT && now() - at.lastRoundAt > SAY_MS && now() - saidAt > SAY_MS) {
      saidAt = now();
      LOG.warn(
          "Shard {} waits for what the merge makes of round {}: it comes back through topic {}",
          shard.number(),
          at.round,
          Topics.models(config));
    }
  }

  @Override
  public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
    super.prepareSnapshotPreBarrier(checkpointId);
    for (Map.Entry<Integer, Shard> e : shards.entrySet()) {
      setCurrentKey(e.getKey());
      e.getValue().save();
    }
  }

  @Override
  public void close() throws Exception {
    closed = true;
    if (shards != null) {
      shards.values().forEach(Shard::close);
    }
    if (threads != null) {
      threads.shutdownNow();
    }
    backlog.close();
    super.close();
  }
}
