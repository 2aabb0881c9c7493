package io.sidstream.lab.bench;

import io.sidstream.cli.Console;
import io.sidstream.cli.Folders;
import io.sidstream.cli.Median;
import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import io.sidstream.job.JobEnvironment;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.record.Claim;
import io.sidstream.job.record.Records;
import io.sidstream.job.record.Resolved;
import io.sidstream.job.resolve.ResolveFunction;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.connector.source.lib.NumberSequenceSource;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.apache.flink.util.Collector;
import org.apache.flink.util.OutputTag;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code lab bench resolve}: the job's Resolve with many items on few tuples, on RocksDB in a
 * MiniCluster, one subtask.
 *
 * <p>First every item claims a token, then a tenth of them moves to another prefix. Time is CPU
 * time of the subtask's thread inside the operator, claim by claim: exchanges before and after it
 * do not count, nor what others do on the machine.
 */
@Command(
    name = "resolve",
    mixinStandardHelpOptions = true,
    description =
        "Measure Resolve where many items collide: claims a second of one subtask, uniqueness, and how much of the time the fullest prefix takes.")
public final class BenchResolve implements Callable<Integer> {
  /** Outputs that carry what a message cost; the answers are the main output. */
  private static final OutputTag<Cost> COSTS = new OutputTag<>("costs", Records.type(Cost.class));

  @Spec private CommandSpec spec;

  @Option(
      names = "--items",
      defaultValue = "100000",
      paramLabel = "N",
      description = "Items (default: ${DEFAULT-VALUE}).")
  private int items;

  @Option(
      names = "--per-tuple",
      defaultValue = "5",
      paramLabel = "N",
      description = "Items that choose the same tuple, on average (default: ${DEFAULT-VALUE}).")
  private int perTuple;

  @Option(
      names = "--strategy",
      defaultValue = "NEAREST_FREE",
      paramLabel = "S",
      description = "How collisions are repaired: ${COMPLETION-CANDIDATES} (${DEFAULT-VALUE}).")
  private JobOptions.ResolveStrategy strategy;

  @Option(
      names = "--repeats",
      defaultValue = "3",
      paramLabel = "N",
      description =
          "Runs, after one that warms up; medians are printed (default: ${DEFAULT-VALUE}).")
  private int repeats;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the JSON there, too.")
  private Path json;

  /** What a message cost. */
  public static class Cost {
    /** First and second code. */
    public int prefix;

    /** Of the second part, in which items move. */
    public boolean moving;

    /** CPU time, ns. */
    public long nanos;
  }

  /** An answer or a cost, to come out of the job by one stream. */
  public static class Outcome {
    public Resolved answer;
    public Cost cost;

    static Outcome of(Resolved answer) {
      Outcome outcome = new Outcome();
      outcome.answer = answer;
      return outcome;
    }

    static Outcome of(Cost cost) {
      Outcome outcome = new Outcome();
      outcome.cost = cost;
      return outcome;
    }
  }

  /** Resolve, with a look at the clock before and after each message. */
  private static final class Timed extends ResolveFunction {
    private transient ThreadMXBean threads;
    private transient List<Resolved> answers;

    Timed(JobOptions.ResolveStrategy strategy, int quarantine) {
      super(strategy, quarantine);
    }

    @Override
    public void open(OpenContext context) {
      super.open(context);
      threads = ManagementFactory.getThreadMXBean();
      answers = new ArrayList<>();
    }

    @Override
    public void processElement(Claim claim, Context context, Collector<Resolved> out)
        throws Exception {
      long start = threads.getCurrentThreadCpuTime();
      super.processElement(claim, context, new Kept(answers));
      Cost cost = new Cost();
      cost.nanos = threads.getCurrentThreadCpuTime() - start;
      cost.prefix = claim.prefix[0] * ResolveLoad.CODES + claim.prefix[1];
      cost.moving = claim.version == ResolveLoad.MOVING;
      answers.forEach(out::collect);
      answers.clear();
      context.output(COSTS, cost);
    }
  }

  /** Keeps answers, so that what becomes of them is not timed. */
  private record Kept(List<Resolved> answers) implements Collector<Resolved> {
    @Override
    public void collect(Resolved answer) {
      answers.add(answer);
    }

    @Override
    public void close() {}
  }

  @Override
  public Integer call() throws Exception {
    if (items < 1000 || perTuple < 1 || perTuple > items || repeats < 1) {
      throw new UsageException(
          "--items %d, --per-tuple %d, --repeats %d: they must be at least 1000, 1 and 1"
              .formatted(items, perTuple, repeats));
    }
    OutputFile.check("--json", json);
    Path folder = Files.createTempDirectory("sidstream-bench-");
    try {
      Console.logTo(folder.resolve("sidstream.log"));
      ResolveLoad load = new ResolveLoad(items, perTuple);
      run(load);
      List<Run> runs = new ArrayList<>();
      for (int r = 0; r < repeats; r++) {
        runs.add(run(load));
      }
      BenchOptions.print(spec.commandLine().getOut(), json, report(load, runs));
    } finally {
      Folders.delete(folder);
    }
    return 0;
  }

  /** Sums of one run. */
  private static final class Run {
    final double wall;
    final long[] perPrefix = new long[ResolveLoad.CODES * ResolveLoad.CODES];
    long claiming;
    long moving;
    final ResolveLoad.Tokens first;
    final ResolveLoad.Tokens last;

    Run(ResolveLoad load, CloseableIterator<Outcome> outcomes) {
      long start = System.nanoTime();
      first = load.new Tokens();
      last = load.new Tokens();
      while (outcomes.hasNext()) {
        Outcome outcome = outcomes.next();
        if (outcome.answer != null) {
          if (outcome.answer.version != ResolveLoad.MOVING) {
            first.put(outcome.answer);
          }
          last.put(outcome.answer);
        } else if (outcome.cost.moving) {
          moving += outcome.cost.nanos;
        } else {
          claiming += outcome.cost.nanos;
          perPrefix[outcome.cost.prefix] += outcome.cost.nanos;
        }
      }
      wall = (System.nanoTime() - start) / 1e9;
    }
  }

  @SuppressWarnings("try") // Flink declares that closing an iterator throws Exception
  private Run run(ResolveLoad load) throws Exception {
    JobConfig config = JobConfig.load(null, List.of());
    Configuration flink = JobEnvironment.flink(config);
    // What a checkpoint costs is the whole job's matter (bench job).
    flink.removeConfig(CheckpointingOptions.CHECKPOINTING_INTERVAL);
    flink.set(TaskManagerOptions.MANAGED_MEMORY_SIZE, MemorySize.ofMebiBytes(256));
    StreamExecutionEnvironment env = StreamExecutionEnvironment.createLocalEnvironment(1, flink);
    SingleOutputStreamOperator<Resolved> resolved =
        env.fromSource(
                new NumberSequenceSource(0, load.messages() - 1),
                WatermarkStrategy.noWatermarks(),
                "numbers")
            .map(load::message)
            .returns(Records.type(Claim.class))
            .keyBy(ResolveFunction.BY_PREFIX)
            .process(new Timed(strategy, config.get(JobOptions.RESOLVE_QUARANTINE)));
    try (CloseableIterator<Outcome> outcomes =
        resolved
            .map(Outcome::of)
            .returns(Records.type(Outcome.class))
            .union(
                resolved.getSideOutput(COSTS).map(Outcome::of).returns(Records.type(Outcome.class)))
            .executeAndCollect("resolve")) {
      return new Run(load, outcomes);
    }
  }

  private Map<String, Object> report(ResolveLoad load, List<Run> runs) {
    int fullest = load.fullest();
    Run last = runs.get(runs.size() - 1);
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("machine", BenchOptions.machine());
    report.put("strategy", strategy);
    report.put("items", items);
    report.put("tuples", load.tuples());
    report.put("prefixes", load.prefixes());
    report.put("uniqueBefore", load.uniqueBefore());
    Map<String, Object> claiming = new LinkedHashMap<>();
    claiming.put("itemsPerSecond", median(runs, run -> items / (run.claiming / 1e9)));
    claiming.put("unique", last.first.unique());
    claiming.put("anotherLastCode", last.first.anotherLastCode());
    claiming.put("suffix", last.first.suffixed());
    report.put("claiming", claiming);
    Map<String, Object> prefix = new LinkedHashMap<>();
    double share = (double) load.of(fullest) / items;
    double time = median(runs, run -> (double) run.perPrefix[fullest] / run.claiming);
    prefix.put("items", load.of(fullest));
    prefix.put("shareOfItems", share);
    prefix.put("shareOfTime", time);
    prefix.put("timeOfAnItemToTheMean", time / share);
    report.put("fullestPrefix", prefix);
    Map<String, Object> moving = new LinkedHashMap<>();
    moving.put("items", load.movers());
    moving.put("itemsPerSecond", median(runs, run -> load.movers() / (run.moving / 1e9)));
    moving.put("unique", last.last.unique());
    moving.put("tokensOfOthersChanged", last.last.changedFrom(last.first));
    report.put("moving", moving);
    report.put("wallSecondsOfARun", median(runs, run -> run.wall));
    return report;
  }

  private static double median(List<Run> runs, ToDoubleFunction<Run> value) {
    return Median.of(runs.stream().mapToDouble(value).toArray());
  }
}
