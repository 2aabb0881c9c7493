package io.sidstream.job.tokens;

import io.sidstream.job.config.JobOptions.ResolveStrategy;
import io.sidstream.job.publish.CommitOperator;
import io.sidstream.job.publish.PublishOperator;
import io.sidstream.job.record.Claim;
import io.sidstream.job.record.CommitPart;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.Republish;
import io.sidstream.job.record.Resolved;
import io.sidstream.job.record.TokenRow;
import io.sidstream.job.record.TokenizerUpdate;
import io.sidstream.job.resolve.ResolveFunction;
import io.sidstream.job.tokenize.TokenizeOperator;
import io.sidstream.schemas.VersionRecord;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.state.StateBackend;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.Mail;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedTwoInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.apache.flink.streaming.util.TwoInputStreamOperatorTestHarness;

/**
 * Tokenize, Resolve, Publish and Commit in operator harnesses, joined by first-in-first-out
 * channels of which a random one moves at a time, with Flink's alignment of watermarks and
 * barriers, a log as source that is replayed after a crash, and outputs that become visible when a
 * checkpoint is complete.
 */
final class TokenPipeline implements AutoCloseable {
  static final int MAX_PARALLELISM = 16;

  /** An entry of the source's log; exactly one field is set. */
  record Input(EmbeddedItem item, TokenizerUpdate update, long checkpoint) {}

  /** A barrier in a channel. */
  private record Barrier(long id) {}

  /** A subtask with one channel from every subtask before it. */
  private static final class Node {
    final AbstractStreamOperatorTestHarness<?> harness;
    final List<ArrayDeque<Object>> channels = new ArrayList<>();
    final Set<Integer> blocked = new HashSet<>();
    long[] marks;
    long mark = Long.MIN_VALUE;

    Node(AbstractStreamOperatorTestHarness<?> harness) {
      this.harness = harness;
    }
  }

  private record Snapshot(int logPosition, Map<String, OperatorSubtaskState[]> states) {}

  private final Random random;
  private final ResolveStrategy strategy;
  private final int quarantine;
  private final StateBackend backend;

  final List<Input> log = new ArrayList<>();

  /** Visible token rows, in an order that keeps that of every item. */
  final List<TokenRow> rows = new ArrayList<>();

  final List<VersionRecord> commits = new ArrayList<>();

  /**
   * Version to the items that were alive when Tokenize emitted its watermark, each with its place
   * in the log.
   */
  final Map<Integer, Map<String, Integer>> aliveAtMark = new HashMap<>();

  private int parallelism;
  private List<Node> tokenize;
  private List<Node> resolve;
  private List<Node> publish;
  private List<Node> commit;
  private int[] cursor;

  private Snapshot complete;
  private long completeId;
  private final Map<Long, Map<String, OperatorSubtaskState[]>> running = new HashMap<>();
  private final Map<Long, Integer> positions = new HashMap<>();
  private final Map<Long, List<TokenRow>> sealedRows = new HashMap<>();
  private final Map<Long, List<VersionRecord>> sealedCommits = new HashMap<>();
  private List<List<TokenRow>> openRows;
  private List<VersionRecord> openCommits;
  private long lastCheckpoint;
  private long slowSeed;
  private int loses = -1;
  private boolean losesCommits;
  private long lostIn = -1;

  /** Rows that were lost in all. */
  int lostRows;

  TokenPipeline(
      long seed, ResolveStrategy strategy, int quarantine, int parallelism, StateBackend backend)
      throws Exception {
    this.random = new Random(seed);
    this.strategy = strategy;
    this.quarantine = quarantine;
    this.backend = backend;
    this.parallelism = parallelism;
    build(null);
  }

  // ---- the graph

  private interface Maker {
    AbstractStreamOperatorTestHarness<?> make(int subtask) throws Exception;
  }

  private void build(Snapshot from) throws Exception {
    commit =
        nodes(
            "commit",
            1,
            parallelism,
            from,
            i ->
                new OneInputStreamOperatorTestHarness<CommitPart, VersionRecord>(
                    new CommitOperator(), 1, 1, 0));
    publish =
        nodes(
            "publish",
            parallelism,
            parallelism,
            from,
            i ->
                new KeyedTwoInputStreamOperatorTestHarness<String, Resolved, Republish, TokenRow>(
                    new PublishOperator(TinyTokenizer.LEVELS),
                    r -> r.item,
                    null,
                    Types.STRING,
                    MAX_PARALLELISM,
                    parallelism,
                    i));
    resolve =
        nodes(
            "resolve",
            parallelism,
            parallelism,
            from,
            i ->
                new KeyedOneInputStreamOperatorTestHarness<String, Claim, Resolved>(
                    new KeyedProcessOperator<>(new ResolveFunction(strategy, quarantine)),
                    ResolveFunction.BY_PREFIX,
                    Types.STRING,
                    MAX_PARALLELISM,
                    parallelism,
                    i));
    int batch = 1 + random.nextInt(4);
    int slice = 1 + random.nextInt(6);
    tokenize =
        nodes(
            "tokenize",
            parallelism,
            0,
            from,
            i ->
                new KeyedTwoInputStreamOperatorTestHarness<
                    String, EmbeddedItem, TokenizerUpdate, Claim>(
                    new TokenizeOperator(batch, 5, slice, "items"),
                    e -> e.item,
                    null,
                    Types.STRING,
                    MAX_PARALLELISM,
                    parallelism,
                    i));
    cursor = new int[parallelism];
    java.util.Arrays.fill(cursor, from == null ? 0 : from.logPosition);
    openRows = new ArrayList<>();
    for (int i = 0; i < parallelism; i++) {
      openRows.add(new ArrayList<>());
    }
    openCommits = new ArrayList<>();
    if (from != null) {
      handOutAgain(from.logPosition);
    }
  }

  /**
   * As NewestTokenizer does after a restart, but all versions: the log does not wait for a commit
   * before it begins the next one.
   */
  @SuppressWarnings("unchecked")
  private void handOutAgain(int logPosition) throws Exception {
    for (int t = 0; t < parallelism; t++) {
      var harness =
          (KeyedTwoInputStreamOperatorTestHarness<String, EmbeddedItem, TokenizerUpdate, Claim>)
              tokenize.get(t).harness;
      while (harness.getTaskMailbox().hasMail()) {
        mail(t);
      }
      for (Input input : log.subList(0, logPosition)) {
        if (input.update != null) {
          harness.processElement2(new StreamRecord<>(input.update));
        }
      }
      route(tokenize, t);
    }
  }

  private List<Node> nodes(String name, int count, int inputs, Snapshot from, Maker maker)
      throws Exception {
    List<Node> nodes = new ArrayList<>();
    OperatorSubtaskState all = null;
    int old = 0;
    if (from != null) {
      OperatorSubtaskState[] states = from.states.get(name);
      old = states.length;
      all = AbstractStreamOperatorTestHarness.repackageState(states);
    }
    for (int i = 0; i < count; i++) {
      AbstractStreamOperatorTestHarness<?> harness = maker.make(i);
      if (backend != null) {
        harness.setStateBackend(backend);
      }
      harness.setup();
      if (all != null) {
        harness.initializeState(
            AbstractStreamOperatorTestHarness.repartitionOperatorState(
                all, name.equals("commit") ? 1 : MAX_PARALLELISM, old, count, i));
      }
      harness.open();
      Node node = new Node(harness);
      for (int c = 0; c < inputs; c++) {
        node.channels.add(new ArrayDeque<>());
      }
      node.marks = new long[inputs];
      java.util.Arrays.fill(node.marks, Long.MIN_VALUE);
      nodes.add(node);
    }
    return nodes;
  }

  private int target(String key) {
    return KeyGroupRangeAssignment.assignKeyToParallelOperator(key, MAX_PARALLELISM, parallelism);
  }

  // ---- moving

  /** Makes one random move; false if nothing can move. */
  boolean step() throws Exception {
    if (random.nextInt(40) == 0) {
      // Some subtasks and channels stand still for a while, so that others get far ahead of them.
      slowSeed = random.nextLong();
    }
    List<Move> moves = new ArrayList<>();
    List<Move> slow = new ArrayList<>();
    for (int i = 0; i < parallelism; i++) {
      int t = i;
      List<Move> to = isSlow(0, t, 0) ? slow : moves;
      if (cursor[t] < log.size()) {
        to.add(() -> feed(t));
      }
      if (tokenize.get(t).harness.getTaskMailbox().hasMail()) {
        to.add(() -> mail(t));
      }
      if (random.nextInt(8) == 0 && timers(t)) {
        to.add(() -> tick(t));
      }
    }
    List<List<Node>> stages = List.of(resolve, publish, commit);
    for (List<Node> stage : stages) {
      for (int n = 0; n < stage.size(); n++) {
        Node node = stage.get(n);
        int subtask = n;
        for (int c = 0; c < node.channels.size(); c++) {
          int channel = c;
          if (!node.blocked.contains(c) && !node.channels.get(c).isEmpty()) {
            (isSlow(1 + stages.indexOf(stage), n, c) ? slow : moves)
                .add(() -> deliver(stage, node, subtask, channel));
          }
        }
      }
    }
    if (moves.isEmpty()) {
      moves = slow;
    }
    if (!moves.isEmpty()) {
      moves.get(random.nextInt(moves.size())).run();
      return true;
    }
    for (int i = 0; i < parallelism; i++) {
      if (timers(i)) {
        tick(i);
        return true;
      }
    }
    return false;
  }

  private boolean isSlow(int stage, int subtask, int channel) {
    return new Random(slowSeed + 100 * stage + 10 * subtask + channel).nextInt(3) == 0;
  }

  private boolean timers(int subtask) {
    return tokenize.get(subtask).harness.getProcessingTimeService().getNumActiveTimers() > 0;
  }

  private interface Move {
    void run() throws Exception;
  }

  void drain() throws Exception {
    int steps = 0;
    while (step()) {
      if (++steps > 1_000_000) {
        throw new IllegalStateException("the pipeline does not come to rest");
      }
    }
  }

  @SuppressWarnings("unchecked")
  private void feed(int t) throws Exception {
    Input input = log.get(cursor[t]++);
    var harness =
        (KeyedTwoInputStreamOperatorTestHarness<String, EmbeddedItem, TokenizerUpdate, Claim>)
            tokenize.get(t).harness;
    if (input.item != null) {
      if (target(input.item.item) == t) {
        harness.processElement1(new StreamRecord<>(input.item));
      }
    } else if (input.update != null) {
      harness.processElement2(new StreamRecord<>(input.update));
    } else {
      harness.prepareSnapshotPreBarrier(input.checkpoint);
      route(tokenize, t);
      positions.put(input.checkpoint, cursor[t]);
      snapshot("tokenize", input.checkpoint, t, parallelism, harness);
      broadcast(resolve, t, new Barrier(input.checkpoint));
    }
    route(tokenize, t);
  }

  private void mail(int t) throws Exception {
    Mail mail = tokenize.get(t).harness.getTaskMailbox().take(TaskMailbox.MIN_PRIORITY);
    mail.run();
    route(tokenize, t);
  }

  private void tick(int t) throws Exception {
    var harness = tokenize.get(t).harness;
    harness.setProcessingTime(harness.getProcessingTime() + 5);
    route(tokenize, t);
  }

  @SuppressWarnings("unchecked")
  private void deliver(List<Node> stage, Node node, int subtask, int channel) throws Exception {
    Object element = node.channels.get(channel).poll();
    if (element instanceof Barrier barrier) {
      node.blocked.add(channel);
      if (node.blocked.size() == node.channels.size()) {
        node.blocked.clear();
        barrier(stage, node, subtask, barrier.id);
      }
      return;
    }
    if (element instanceof Watermark mark) {
      node.marks[channel] = Math.max(node.marks[channel], mark.getTimestamp());
      long min = Long.MAX_VALUE;
      for (long m : node.marks) {
        min = Math.min(min, m);
      }
      if (min > node.mark) {
        node.mark = min;
        if (node.harness instanceof TwoInputStreamOperatorTestHarness<?, ?, ?> publishing) {
          publishing.processWatermark1(new Watermark(min));
        } else {
          ((OneInputStreamOperatorTestHarness<Object, Object>) node.harness)
              .processWatermark(new Watermark(min));
        }
      }
    } else if (node.harness instanceof TwoInputStreamOperatorTestHarness<?, ?, ?> publishing) {
      ((TwoInputStreamOperatorTestHarness<Object, Object, Object>) publishing)
          .processElement1((StreamRecord<Object>) element);
    } else {
      ((OneInputStreamOperatorTestHarness<Object, Object>) node.harness)
          .processElement((StreamRecord<Object>) element);
    }
    route(stage, subtask);
  }

  /** Sends what a subtask has put out to the next stage. */
  private void route(List<Node> stage, int subtask) throws Exception {
    AbstractStreamOperatorTestHarness<?> harness = stage.get(subtask).harness;
    if (stage == publish) {
      Queue<StreamRecord<CommitPart>> parts = harness.getSideOutput(PublishOperator.PARTS);
      while (parts != null && !parts.isEmpty()) {
        commit.get(0).channels.get(subtask).add(parts.poll());
      }
    }
    Queue<Object> out = harness.getOutput();
    while (!out.isEmpty()) {
      Object element = out.poll();
      if (element instanceof Watermark mark) {
        if (stage == tokenize) {
          rememberAlive((int) mark.getTimestamp(), subtask);
          broadcast(resolve, subtask, mark);
        } else if (stage == resolve) {
          broadcast(publish, subtask, mark);
        } else if (stage == publish) {
          commit.get(0).channels.get(subtask).add(mark);
        }
      } else if (element instanceof StreamRecord<?> record) {
        if (record.getValue() instanceof Claim claim) {
          int to = target(ResolveFunction.BY_PREFIX.getKey(claim));
          resolve.get(to).channels.get(subtask).add(record);
        } else if (record.getValue() instanceof Resolved resolved) {
          publish.get(target(resolved.item)).channels.get(subtask).add(record);
        } else if (record.getValue() instanceof TokenRow row) {
          openRows.get(subtask).add(row);
        } else if (record.getValue() instanceof VersionRecord row) {
          openCommits.add(row);
        }
      }
    }
  }

  private void rememberAlive(int version, int subtask) {
    if (version <= commits.size()) {
      // Emitted again after a restart.
      return;
    }
    Map<String, Integer> alive = aliveAtMark.computeIfAbsent(version, v -> new HashMap<>());
    for (int i = 0; i < cursor[subtask]; i++) {
      EmbeddedItem item = log.get(i).item;
      if (item != null && target(item.item) == subtask) {
        if (item.deleted) {
          alive.remove(item.item);
        } else {
          alive.put(item.item, cursor[subtask]);
        }
      }
    }
  }

  private static void broadcast(List<Node> stage, int from, Object element) {
    for (Node node : stage) {
      node.channels.get(from).add(element);
    }
  }

  /** Lets every Publish subtask write its rows again, at once. */
  @SuppressWarnings("unchecked")
  void republish() throws Exception {
    for (int i = 0; i < parallelism; i++) {
      var harness =
          (TwoInputStreamOperatorTestHarness<Resolved, Republish, TokenRow>) publish.get(i).harness;
      harness.processElement2(new StreamRecord<>(new Republish()));
      harness.setProcessingTime(harness.getProcessingTime() + 2_000);
      while (harness.getTaskMailbox().hasMail()) {
        harness.getTaskMailbox().take(TaskMailbox.MIN_PRIORITY).run();
      }
      route(publish, i);
    }
  }

  /**
   * The rows of the last checkpoint of one Publish subtask, and its COMMITs if so wished, are lost.
   */
  void loseTransaction(int subtask, boolean commits) {
    loses = subtask;
    losesCommits = commits;
  }

  // ---- checkpoints

  void triggerCheckpoint() {
    log.add(new Input(null, null, ++lastCheckpoint));
  }

  private void snapshot(
      String name, long id, int subtask, int count, AbstractStreamOperatorTestHarness<?> harness)
      throws Exception {
    running.computeIfAbsent(id, k -> new HashMap<>())
            .computeIfAbsent(name, k -> new OperatorSubtaskState[count])[subtask] =
        harness.snapshot(id, id);
  }

  private void barrier(List<Node> stage, Node node, int subtask, long id) throws Exception {
    node.harness.prepareSnapshotPreBarrier(id);
    route(stage, subtask);
    if (stage == resolve) {
      snapshot("resolve", id, subtask, parallelism, node.harness);
      broadcast(publish, subtask, new Barrier(id));
    } else if (stage == publish) {
      snapshot("publish", id, subtask, parallelism, node.harness);
      if (loses == subtask) {
        lostRows += openRows.get(subtask).size();
        lostIn = id;
        openRows.get(subtask).clear();
        loses = -1;
      }
      sealedRows.computeIfAbsent(id, k -> new ArrayList<>()).addAll(openRows.get(subtask));
      openRows.get(subtask).clear();
      commit.get(0).channels.get(subtask).add(new Barrier(id));
    } else {
      snapshot("commit", id, 0, 1, node.harness);
      if (losesCommits && lostIn == id) {
        openCommits.clear();
      }
      sealedCommits.put(id, new ArrayList<>(openCommits));
      openCommits.clear();
      completed(id);
    }
  }

  private void completed(long id) {
    complete = new Snapshot(positions.get(id), running.get(id));
    completeId = id;
    rows.addAll(sealedRows.get(id));
    commits.addAll(sealedCommits.get(id));
  }

  boolean hasCheckpoint() {
    return complete != null;
  }

  /**
   * Loses everything since the last complete checkpoint and goes on from there with another
   * parallelism.
   */
  void crash(int newParallelism) throws Exception {
    closeAll();
    running.clear();
    aliveAtMark.keySet().removeIf(version -> version > commits.size());
    sealedRows.clear();
    sealedCommits.clear();
    parallelism = newParallelism;
    // A barrier in the log that did not complete must not be replayed with a number that was used.
    for (int i = 0; i < log.size(); i++) {
      if (log.get(i).checkpoint > completeId) {
        log.set(i, new Input(null, null, ++lastCheckpoint));
      }
    }
    build(complete);
  }

  private void closeAll() throws Exception {
    for (List<Node> stage : List.of(tokenize, resolve, publish, commit)) {
      for (Node node : stage) {
        node.harness.close();
      }
    }
  }

  @Override
  public void close() {
    try {
      closeAll();
    } catch (Exception e) {
      throw new IllegalStateException("a harness did not close", e);
    }
  }

  /** The state of the log's items: which are alive at its end. */
  <T> Map<String, T> alive(Function<EmbeddedItem, T> of) {
    Map<String, T> alive = new HashMap<>();
    for (Input input : log) {
      if (input.item != null) {
        if (input.item.deleted) {
          alive.remove(input.item.item);
        } else {
          alive.put(input.item.item, of.apply(input.item));
        }
      }
    }
    return alive;
  }
}
