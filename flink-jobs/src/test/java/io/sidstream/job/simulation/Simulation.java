package io.sidstream.job.simulation;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Backlog;
import io.sidstream.job.kafka.SimulatedWitness;
import io.sidstream.job.versions.SimulatedLedger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;

/**
 * A job on a cluster and a broker that are simulated: one thing happens at a time, and a seed says
 * which. Checkpoints are aligned, one at a time; a crash takes everything that is no checkpoint and
 * no committed record.
 */
final class Simulation implements AutoCloseable, JobGraph.World, Moves.Mover {
  /** For so long nothing must be said; longer than anything in the job waits. */
  private static final long REST_MS = 25_000;

  private static final long[] PASSES_MS = {1, 5, 50, 200, 1_000};

  final Topics topics = new Topics();

  /** Transactions that were lost, of all sinks. */
  int lost;

  int crashes;

  /** Crashes after which it went on with another parallelism. */
  int rescalings;

  /** Checkpoints that failed when all of them was there. */
  int refused;

  long steps;

  private final JobConfig config;
  private final SplittableRandom random;
  private final Faults faults;
  private long now = 1_000_000;
  private JobGraph graph;
  private List<Node> nodes;
  private Moves moves;
  private int run;

  /** The run that has the topics. */
  String claimed;

  /** A checkpoint: by stage what its subtasks gave. */
  private record Checkpoint(long id, Map<String, Object[]> states, int[] waits) {
    void drop() throws Exception {
      for (Object[] of : states.values()) {
        for (Object state : of) {
          if (state instanceof Snapshot snapshot) {
            snapshot.drop();
          }
        }
      }
    }
  }

  private Checkpoint running;
  private Checkpoint newest;
  private long lastId;

  /** Whether nothing fails any more. */
  private boolean settling;

  Simulation(JobConfig config, SplittableRandom random, int parallelism, Faults faults)
      throws Exception {
    this.config = config;
    this.random = random;
    this.faults = faults;
    start(parallelism);
  }

  // ---- the world

  @Override
  public Topics topics() {
    return topics;
  }

  @Override
  public long now() {
    return now;
  }

  @Override
  public int draw(int bound) {
    return random.nextInt(bound);
  }

  @Override
  public Workshop workshop() {
    return new Workshop(random.split(), () -> settling ? 0 : faults.stalls());
  }

  @Override
  public Backlog backlog() {
    return new BrokerViews.Offsets(this);
  }

  @Override
  public SimulatedLedger.Topics ledger() {
    return new BrokerViews.Ledger(this);
  }

  @Override
  public <T> SimulatedWitness.Topic<T> witnessed(Log<T> log) {
    return new BrokerViews.Witnessed<>(this, log);
  }

  /** Where a source was with a partition at the newest checkpoint. */
  @SuppressWarnings("unchecked")
  int offset(String source, int partition) {
    int offset = 0;
    for (Object of : newest == null ? new Object[0] : newest.states.get(source)) {
      offset = Math.max(offset, ((Map<Integer, Integer>) of).getOrDefault(partition, 0));
    }
    return offset;
  }

  // ---- starts

  private void start(int parallelism) throws Exception {
    // Most starts are of the same run; now and then the job is submitted again.
    run += run == 0 || random.nextInt(3) == 0 ? 1 : 0;
    graph = new JobGraph(config, parallelism, "run-" + run, this);
    graph.start();
    nodes = graph.nodes();
    for (Stage stage : graph.stages) {
      restore(stage);
    }
    moves = new Moves(nodes, random, this);
  }

  @SuppressWarnings("unchecked")
  private void restore(Stage stage) throws Exception {
    Object[] states = newest == null ? null : newest.states.get(stage.name);
    OperatorSubtaskState all = null;
    for (Node node : stage.nodes) {
      if (node instanceof SourceNode source) {
        if (states != null) {
          source.restore((List<Map<Integer, Integer>>) (List<?>) List.of(states));
        }
      } else if (node instanceof OperatorNode operator) {
        OperatorSubtaskState state = null;
        if (states != null) {
          if (all == null) {
            OperatorSubtaskState[] each = new OperatorSubtaskState[states.length];
            for (int i = 0; i < each.length; i++) {
              each[i] = ((Snapshot) states[i]).written();
            }
            all = AbstractStreamOperatorTestHarness.repackageState(each);
          }
          state =
              AbstractStreamOperatorTestHarness.repartitionOperatorState(
                  all, stage.maxParallelism, states.length, stage.parallelism, node.subtask);
        }
        operator.open(state, now);
      }
    }
  }

  /** Whether there is something to go on from. */
  boolean hasCheckpoint() {
    return newest != null;
  }

  /**
   * Everything ends, and goes on from the newest checkpoint with another parallelism.
   *
   * @param loses whether a transaction that is not committed yet may be lost
   */
  void crash(int parallelism, long downMs, boolean loses) throws Exception {
    crashes++;
    if (newest != null) {
      for (Object[] states : newest.states.values()) {
        for (Object state : states) {
          if (state instanceof Snapshot snapshot) {
            snapshot.written();
          }
        }
      }
    }
    closeAll();
    now += downMs;
    running = null;
    // Some transactions are committed before the ledger looks at the topic, some after.
    List<SinkNode> later = new ArrayList<>();
    for (Node node : nodes) {
      if (newest != null && node instanceof SinkNode sink && sink.owes(newest.id)) {
        if (loses && random.nextBoolean()) {
          lost++;
          sink.lose(newest.id);
        } else if (random.nextBoolean()) {
          sink.complete(newest.id);
        } else {
          later.add(sink);
        }
      }
    }
    rescalings += parallelism == graph.parallelism ? 0 : 1;
    start(parallelism);
    later.forEach(sink -> sink.complete(newest.id));
  }

  private void closeAll() throws Exception {
    for (Node node : nodes) {
      node.close();
    }
  }

  @Override
  public void close() {
    try {
      closeAll();
    } catch (Exception e) {
      throw new IllegalStateException("an operator did not close", e);
    }
  }

  // ---- checkpoints

  /** Begins a checkpoint, unless one is under way; the number of the one that is then. */
  long triggerCheckpoint() {
    if (running == null) {
      Map<String, Object[]> states = new HashMap<>();
      graph.stages.forEach(stage -> states.put(stage.name, new Object[stage.parallelism]));
      running = new Checkpoint(++lastId, states, new int[] {nodes.size()});
      moves.sources().forEach(source -> source.triggered = lastId);
    }
    return lastId;
  }

  /** The newest complete checkpoint; 0 for none. */
  long completed() {
    return newest == null ? 0 : newest.id;
  }

  /** Whether a complete checkpoint has transactions that are not committed yet. */
  boolean owes() {
    return newest != null
        && nodes.stream().anyMatch(n -> n instanceof SinkNode sink && sink.owes(newest.id));
  }

  /** Whether all that has arrived has gone as far as it can, and no checkpoint is under way. */
  boolean quiet() {
    return running == null
        && moves.sources().stream().allMatch(source -> source.unread() == 0)
        && moves.nothingUnderWay();
  }

  private void snapshot(Node node, long id) throws Exception {
    Object state = node.snapshot(id);
    // What comes before a checkpoint and what comes after it have no millisecond in common.
    now++;
    if (node instanceof OperatorNode operator && !operator.hasTimers()) {
      operator.harness.setProcessingTime(now);
    }
    running.states.get(node.stage.name)[node.subtask] = state;
    if (--running.waits[0] == 0) {
      Checkpoint whole = running;
      running = null;
      if (!settling && faults.refused() > 0 && random.nextInt(faults.refused()) == 0) {
        // It could not be written down.
        refused++;
        whole.drop();
        return;
      }
      if (newest != null) {
        newest.drop();
      }
      newest = whole;
      nodes.forEach(n -> n.completed.add(id));
    }
  }

  // ---- moves

  /** Makes one move; false where only time could go on. */
  boolean step() throws Exception {
    steps++;
    if (random.nextInt(50) == 0) {
      standStill();
    }
    if (random.nextInt(10) == 0) {
      passTime(PASSES_MS[random.nextInt(PASSES_MS.length)]);
      return true;
    }
    return moves.make();
  }

  /** Some subtasks stand still for a while, so that others get far ahead of them. */
  private void standStill() {
    boolean some = random.nextBoolean();
    for (Node node : nodes) {
      node.slow = some && random.nextInt(4) == 0;
    }
  }

  @Override
  public void snapshot(SourceNode source) throws Exception {
    snapshot(source, source.triggered);
  }

  @Override
  public void deliver(Channel channel) throws Exception {
    long id = channel.to.take(channel);
    if (id > 0) {
      snapshot(channel.to, id);
    }
  }

  /** Time goes on, and some clocks with it. */
  void passTime(long ms) throws Exception {
    now += ms;
    for (OperatorNode operator : moves.operators()) {
      if (!operator.hasTimers() || random.nextBoolean()) {
        operator.harness.setProcessingTime(now);
      }
    }
  }

  /** Lets everything that can happen without time happen. */
  void drain() throws Exception {
    for (int i = 0; step(); i++) {
      if (i > 200_000) {
        throw new IllegalStateException("the job does not come to rest");
      }
    }
  }

  /** Nothing fails any more, and time goes on until nothing is said that is new. */
  void settle() throws Exception {
    settling = true;
    long said = -1;
    long since = now;
    for (int i = 0; now - since < REST_MS; i++) {
      if (i > 1_000) {
        throw new IllegalStateException("the job does not come to rest");
      }
      for (int s = 0; s < 10; s++) {
        passTime(s == 0 ? 4_000 : 100);
        drain();
      }
      triggerCheckpoint();
      drain();
      long all = topics.versions.size(0) + topics.models.size(0) + topics.control.size(0);
      since = all == said ? since : now;
      said = all;
    }
  }

  List<OperatorNode> operators(String stage) {
    return moves.operators().stream().filter(o -> o.stage.name.equals(stage)).toList();
  }
}
