package io.sidstream.lab.bench;

import io.sidstream.cli.Folders;
import io.sidstream.cli.Median;
import io.sidstream.cli.OutputFile;
import io.sidstream.cli.ProcessorTime;
import io.sidstream.cli.UsageException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.learn.LearnProgress;
import io.sidstream.job.learn.LearnProgress.Phase;
import io.sidstream.job.learn.LearnSettings;
import io.sidstream.model.learn.LearnPlan;
import io.sidstream.model.learn.RoundKind;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code lab bench learn}: rounds of the job's Learn and Merge beside few items and users, and
 * beside many: what a round costs, what stays on the heap and on disk, and how long a restart
 * takes.
 *
 * <p>Times are by the clock, with the pauses that the operators make for others: between turns, and
 * between steps for {@code learn.duty-cycle}.
 */
@Command(
    name = "learn",
    mixinStandardHelpOptions = true,
    description =
        "Measure rounds of Learn and Merge on RocksDB by the size of their tables: time of a round, heap, disk, restart; --unknown: what stays of what nobody needs. SIDSTREAM_JAVA_OPTS=-Xmx1g is the heap that they are to fit.")
@SuppressWarnings("try") // Flink declares that closing a harness throws Exception
public final class BenchLearn implements Callable<Integer> {
  /** Interactions of a round that is not to be measured. */
  private static final int LONG_ROUND = 100_000;

  @Spec private CommandSpec spec;

  @Option(
      names = "--items",
      defaultValue = "10000,1000000",
      split = ",",
      paramLabel = "N",
      description = "Items of each size (default: ${DEFAULT-VALUE}); --unknown takes the first.")
  private int[] items;

  @Option(
      names = "--users",
      defaultValue = "20000,2000000",
      split = ",",
      paramLabel = "N",
      description = "Users of each size, most with one or two events (default: ${DEFAULT-VALUE}).")
  private int[] users;

  @Option(
      names = "--rounds",
      defaultValue = "24",
      paramLabel = "N",
      description = "Rounds measured of each size (default: ${DEFAULT-VALUE}).")
  private int rounds;

  @Option(
      names = "--warm-up",
      defaultValue = "8",
      paramLabel = "N",
      description = "Rounds before them that are not (default: ${DEFAULT-VALUE}).")
  private int warmUp;

  @Option(
      names = "--heap-every",
      defaultValue = "4",
      paramLabel = "N",
      description =
          "Rounds between two looks at the heap after a full collection (default: ${DEFAULT-VALUE}).")
  private int heapEvery;

  @Option(
      names = "--dim",
      defaultValue = "64",
      paramLabel = "N",
      description =
          "Length of a content vector, of all sizes; a million of the job's 384 are 1.5 GB on disk (default: ${DEFAULT-VALUE}).")
  private int dim;

  @Option(
      names = "--unknown",
      description =
          "Instead: interactions with items that never come and users of one event, and what is left of them when their time is over.")
  private boolean unknown;

  @Option(
      names = "--shards",
      split = ",",
      paramLabel = "S",
      description =
          "Instead: a round of the first size by number of shards, in turn, with learn.duty-cycle 1.")
  private int[] shards = {};

  @Option(
      names = "--strangers",
      defaultValue = "100000",
      paramLabel = "N",
      description =
          "With --unknown: interactions with items that never come (default: ${DEFAULT-VALUE}).")
  private int strangers;

  @Option(
      names = "--new-users",
      defaultValue = "1000000",
      paramLabel = "N",
      description = "With --unknown: users of one event (default: ${DEFAULT-VALUE}).")
  private int newUsers;

  @Option(names = "--set", paramLabel = "KEY=VALUE", description = "A setting of the job.")
  private List<String> sets = new ArrayList<>();

  @Option(
      names = "--folder",
      paramLabel = "DIR",
      description = "Where RocksDB and checkpoints go (default: a temporary folder).")
  private Path in;

  @Option(
      names = "--keep-environment",
      description = "Leave OPENBLAS_* as they are set, instead of running without them.")
  private boolean keepEnvironment;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the JSON there, too.")
  private Path json;

  @Override
  public Integer call() throws Exception {
    OutputFile.check("--json", json);
    check();
    if (CleanProcess.needed() && !keepEnvironment) {
      return BenchOptions.again(spec);
    }
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("machine", machine());
    report.put("rocksdbMemory", LearnDriver.ROCKSDB_MEMORY);
    report.put("contentDim", dim);
    report.put("set", sets);
    Path folder =
        in == null
            ? Files.createTempDirectory("sidstream-bench-")
            : Files.createTempDirectory(in, "sidstream-bench-");
    try {
      if (unknown) {
        report.put("unknown", unknown(folder));
      } else if (shards.length > 0) {
        report.put("shards", shards(folder));
      } else {
        sizes(report, folder);
      }
    } finally {
      Folders.delete(folder);
    }
    BenchOptions.print(spec.commandLine().getOut(), json, report);
    return 0;
  }

  private void check() {
    boolean sizesFit = items.length == users.length && items.length > 0;
    if (!sizesFit || Arrays.stream(items).anyMatch(n -> n < 256) || least(users) < 256) {
      throw new UsageException(
          "--items %s, --users %s: as many of one as of the other, each at least 256"
              .formatted(Arrays.toString(items), Arrays.toString(users)));
    }
    if (unknown && shards.length > 0) {
      throw new UsageException("--unknown and --shards: one of them");
    }
    if (Arrays.stream(shards).anyMatch(s -> s < 1)) {
      throw new UsageException("--shards %s: each at least 1".formatted(Arrays.toString(shards)));
    }
    if (strangers < 1 || newUsers < 1) {
      throw new UsageException(
          "--strangers %d, --new-users %d: each at least 1".formatted(strangers, newUsers));
    }
    if (rounds < 1 || warmUp < 0 || heapEvery < 1 || dim < 1) {
      throw new UsageException(
          "--rounds %d, --warm-up %d, --heap-every %d, --dim %d: they must be at least 1, 0, 1 and 1"
              .formatted(rounds, warmUp, heapEvery, dim));
    }
  }

  private static int least(int[] values) {
    return Arrays.stream(values).min().orElse(0);
  }

  private static Map<String, Object> machine() {
    Map<String, Object> machine = new LinkedHashMap<>(BenchOptions.machine());
    machine.remove("threads");
    machine.put("clock", "by the clock, with the pauses that the operators make");
    machine.put("maxHeapMiB", Runtime.getRuntime().maxMemory() >> 20);
    machine.put("loadAverage", ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
    return machine;
  }

  private JobConfig config(String... more) {
    Map<String, String> values = new LinkedHashMap<>();
    values.put("content.dim", Integer.toString(dim));
    // The first model is made of all that is put in, and is none of what is measured.
    values.put("bootstrap.interactions", "0");
    values.put("bootstrap.max-steps", "60");
    // Every round of the quantizer then makes a version, and the sweep over the items goes on.
    values.put("gate.enabled", "false");
    List<String> all = new ArrayList<>(List.of(more));
    all.addAll(sets);
    for (String set : all) {
      int equals = set.indexOf('=');
      if (equals < 0) {
        throw new UsageException("--set " + set + ": it must be KEY=VALUE");
      }
      values.put(set.substring(0, equals), set.substring(equals + 1));
    }
    return JobConfig.of(values);
  }

  private void sizes(Map<String, Object> report, Path folder) throws Exception {
    List<Map<String, Object>> all = new ArrayList<>();
    List<Double> medians = new ArrayList<>();
    for (int i = 0; i < items.length; i++) {
      Path of = Files.createDirectory(folder.resolve("size-" + i));
      Map<String, Object> size = new LinkedHashMap<>();
      all.add(size);
      medians.add(new Size(of, items[i], users[i]).measure(size));
      Folders.delete(of);
    }
    report.put("sizes", all);
    int last = medians.size() - 1;
    report.put("ratioOfMedianRounds", last == 0 ? null : medians.get(last) / medians.get(0));
  }

  /** How long the shard was in which phase. */
  private static final class Phases implements LearnDriver.Watcher {
    final Map<String, Long> nanos = new TreeMap<>();
    private String phase;
    private long since = System.nanoTime();

    @Override
    public void at(LearnProgress progress, int[] steps) {
      long now = System.nanoTime();
      if (phase != null) {
        nanos.merge(phase, now - since, Long::sum);
      }
      since = now;
      phase =
          progress.phase == Phase.COMPUTE && steps[1] == 0
              ? "draw"
              : progress.phase.name().toLowerCase(Locale.ROOT);
    }

    /** Milliseconds by phase of a round, and 0 from now on. */
    Map<String, Double> round() {
      Map<String, Double> ms = new LinkedHashMap<>();
      for (Phase p :
          List.of(Phase.TAKE, Phase.COMPUTE, Phase.STORE, Phase.APPLY, Phase.WAIT, Phase.ADOPT)) {
        if (p == Phase.COMPUTE) {
          ms.put("draw", nanos.getOrDefault("draw", 0L) / 1e6);
        }
        String name = p.name().toLowerCase(Locale.ROOT);
        ms.put(name, nanos.getOrDefault(name, 0L) / 1e6);
      }
      nanos.clear();
      return ms;
    }
  }

  /** The measurement of one size. */
  private final class Size {
    private final Path folder;
    private final LearnLoad load;
    private final JobConfig config;
    private final LearnPlan plan;
    private final Phases phases = new Phases();
    private final Map<RoundKind, List<Double>> times = new TreeMap<>();
    private final Map<String, List<Double>> byPhase = new LinkedHashMap<>();
    private final List<Double> untilRevision = new ArrayList<>();
    private final List<Double> put = new ArrayList<>();
    private final List<Double> heap = new ArrayList<>();
    private final int size;

    Size(Path folder, int items, int users) {
      this.folder = folder;
      size = items;
      config = config("bootstrap.items=" + items);
      plan = LearnSettings.plan(config);
      load = new LearnLoad(items, users, dim, config.get(JobOptions.SEED));
    }

    double measure(Map<String, Object> to) throws Exception {
      LearnDriver driver = new LearnDriver(config, folder, null);
      LearnDriver.Snapshot cut = null;
      try {
        load(driver, to);
        driver.watch(phases);
        for (int r = 0; r < warmUp + rounds; r++) {
          round(driver, r >= warmUp);
          int done = r + 1 - warmUp;
          if (done >= 0 && done % heapEvery == 0) {
            heap.add(heapAfterCollection() / 1e6);
          }
        }
        figures(driver, to);
        // Enough for a round waits when the checkpoint is made.
        load.moreEvents(plan.interactionsOfShard(), driver::put);
        long begin = System.nanoTime();
        cut = driver.snapshot(1);
        to.put("checkpointMs", since(begin));
        to.put("checkpointMB", LearnDriver.bytes(folder.resolve("checkpoints")) / 1e6);
      } finally {
        driver.close();
      }
      restart(cut, to);
      return (Double) to.get("medianRoundMs");
    }

    private void load(LearnDriver driver, Map<String, Object> to) throws Exception {
      say("putting %,d items in", size);
      long begin = System.nanoTime();
      load.items(driver::put);
      load.firstEvents(driver::put);
      double queued = since(begin);
      to.put("items", size);
      to.put("interactions", load.events());
      to.put("queuedMs", queued);
      say("taking them and %,d interactions", load.events());
      begin = System.nanoTime();
      driver.run(true, () -> driver.progress().phase == Phase.COMPUTE);
      to.put("users", driver.progress().users);
      to.put("takenMs", since(begin));
      say("first training");
      begin = System.nanoTime();
      driver.run(true, () -> driver.revision() > 0 && driver.idle());
      to.put("firstTrainingMs", since(begin));
    }

    private void round(LearnDriver driver, boolean counts) throws Exception {
      long begin = System.nanoTime();
      load.moreEvents(plan.interactionsOfShard(), driver::put);
      double putMs = since(begin);
      phases.round();
      long round = driver.progress().round + 1;
      long revision = driver.revision();
      begin = System.nanoTime();
      driver.run(false, () -> driver.progress().round == round && driver.idle());
      Map<String, Double> ms = phases.round();
      double all = ms.values().stream().mapToDouble(Double::doubleValue).sum();
      double over = since(begin) - all;
      driver.run(false, () -> driver.revision() > revision);
      say("round %d: %.0f ms %s", round, all, ms);
      if (!counts) {
        return;
      }
      put.add(putMs);
      times.computeIfAbsent(plan.kind(round), k -> new ArrayList<>()).add(all);
      untilRevision.add(since(begin) - over);
      ms.forEach((phase, t) -> byPhase.computeIfAbsent(phase, k -> new ArrayList<>()).add(t));
    }

    private void figures(LearnDriver driver, Map<String, Object> to) {
      List<Double> all = new ArrayList<>();
      times.values().forEach(all::addAll);
      to.put("rounds", all.size());
      to.put("roundInteractions", plan.interactionsOfShard());
      to.put("medianRoundMs", median(all));
      times.forEach((kind, ms) -> to.put("median" + title(kind.name()) + "RoundMs", median(ms)));
      to.put("medianUntilRevisionMs", median(untilRevision));
      Map<String, Double> parts = new LinkedHashMap<>();
      byPhase.forEach((phase, ms) -> parts.put(phase, median(ms)));
      to.put("medianMsByPhase", parts);
      to.put("medianPutMs", median(put));
      to.put("heapMBAfterCollection", heap);
      to.put("heapEveryRounds", heapEvery);
      to.put("heapSlopeKBPerRound", 1e3 * slope(heap) / heapEvery);
      to.put("rocksdbMB", driver.bytesOnDisk() / 1e6);
    }

    private void restart(LearnDriver.Snapshot cut, Map<String, Object> to) throws Exception {
      long begin = System.nanoTime();
      try (LearnDriver driver = new LearnDriver(config, folder, cut)) {
        to.put("restoreMs", since(begin));
        long round = driver.progress().round;
        driver.run(
            false,
            () -> driver.progress().round > round && driver.progress().phase == Phase.COMPUTE);
        to.put("restartUntilComputeMs", since(begin));
      }
    }
  }

  /** The same rounds by so many shards as there are, each of them on a thread of its own. */
  private List<Map<String, Object>> shards(Path folder) throws Exception {
    List<Sharded> all = new ArrayList<>();
    try {
      for (int s : shards) {
        say("%d shards: first training", s);
        all.add(new Sharded(Files.createDirectory(folder.resolve("shards-" + s)), s));
      }
      for (int r = 0; r < warmUp + rounds; r++) {
        for (Sharded of : all) {
          of.round(r >= warmUp);
        }
      }
      return all.stream().map(of -> of.figures(all.get(0))).toList();
    } finally {
      for (Sharded of : all) {
        of.driver.close();
      }
    }
  }

  /** Learn and Merge with a number of shards. */
  private final class Sharded {
    private final int number;
    private final LearnLoad load;
    private final LearnPlan plan;
    private final LearnDriver driver;
    private final List<Double> clock = new ArrayList<>();
    private final List<Double> processor = new ArrayList<>();

    Sharded(Path folder, int number) throws Exception {
      this.number = number;
      JobConfig config =
          config("bootstrap.items=" + items[0], "learn.shards=" + number, "learn.duty-cycle=1");
      plan = LearnSettings.plan(config);
      load = new LearnLoad(items[0], users[0], dim, config.get(JobOptions.SEED));
      driver = new LearnDriver(config, folder, null);
      load.items(driver::put);
      load.firstEvents(driver::put);
      driver.run(true, () -> driver.revision() > 0 && driver.idle());
      // So that each shard has enough for a round when one has, as on a stream that goes on.
      load.moreEvents(plan.interactionsOfShard() * number / 5, driver::put);
    }

    void round(boolean counts) throws Exception {
      long round = driver.progress().round + 1;
      long revision = driver.revision();
      // A shard that has fewer than it would begin with is called by one that has enough.
      load.moreEvents(plan.interactionsOfShard() * number, driver::put);
      long begin = System.nanoTime();
      double processorBegin = processorMs();
      driver.run(false, () -> driver.all(Phase.IDLE, round) && driver.revision() > revision);
      double ms = since(begin);
      say("%d shards, round %d: %.0f ms", number, round, ms);
      if (counts) {
        clock.add(ms);
        processor.add(processorMs() - processorBegin);
      }
    }

    Map<String, Object> figures(Sharded first) {
      Map<String, Object> of = new LinkedHashMap<>();
      of.put("shards", number);
      of.put("rounds", clock.size());
      of.put("medianRoundMs", median(clock));
      of.put("medianProcessorMsARoundAndShard", median(processor) / number);
      of.put("timesTheFirst", median(first.clock) / median(clock));
      return of;
    }
  }

  private static double processorMs() {
    return ProcessorTime.nanos() / 1e6;
  }

  private Map<String, Object> unknown(Path folder) throws Exception {
    JobConfig config =
        config(
            "bootstrap.items=" + items[0],
            "learn.round-interactions=" + LONG_ROUND,
            "learn.round-interval=1 s",
            "learn.round-steps=1",
            "learn.duty-cycle=1",
            // One version: tokenizers do not come and go meanwhile.
            "quantizer.round-every=1000000");
    LearnLoad load = new LearnLoad(items[0], users[0], dim, config.get(JobOptions.SEED));
    long over =
        Math.max(
            config.get(JobOptions.SEQUENCE_RETENTION).toMillis(),
            config.get(JobOptions.LEARN_UNKNOWN_RETENTION).toMillis());
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("items", items[0]);
    try (LearnDriver driver = new LearnDriver(config, folder, null)) {
      load.items(driver::put);
      load.firstEvents(driver::put);
      driver.run(true, () -> driver.revision() > 0 && driver.idle());
      // Two rounds more, so that both copies of the model are there.
      for (int r = 0; r < 2; r++) {
        load.moreEvents(1, driver::put);
        long revision = driver.revision();
        driver.run(true, () -> driver.revision() > revision && quiet(driver));
      }
      driver.moveOn(over);
      driver.run(true, () -> driver.progress().users == 0 && quiet(driver));
      long before = driver.entries();
      report.put("entriesBefore", before);
      say("putting strangers in");
      long begin = System.nanoTime();
      load.neverItems(strangers, driver::put);
      load.newUsers(newUsers, driver::put);
      driver.run(true, () -> quiet(driver));
      report.put("takenMs", since(begin));
      report.put("waitingAtMost", driver.progress().waiting);
      report.put("usersAtMost", driver.progress().users);
      report.put("entriesAtMost", driver.entries());
      say("moving time on");
      driver.moveOn(over);
      begin = System.nanoTime();
      driver.run(
          true,
          () -> driver.progress().users == 0 && driver.progress().waiting == 0 && quiet(driver));
      report.put("forgottenMs", since(begin));
      LearnProgress at = driver.progress();
      report.put("waitingLeft", at.waiting);
      report.put("waitingDropped", at.waitingDropped);
      report.put("usersLeft", at.users);
      report.put("entriesLeft", driver.entries() - before);
    }
    return report;
  }

  /** Nothing queued and no round under way. */
  private static boolean quiet(LearnDriver driver) {
    return driver.idle() && driver.progress().queuedEvents == 0;
  }

  private static void say(String text, Object... values) {
    System.err.println("bench learn: " + text.formatted(values));
  }

  private static String title(String name) {
    return name.charAt(0) + name.substring(1).toLowerCase(Locale.ROOT);
  }

  private static double since(long begin) {
    return (System.nanoTime() - begin) / 1e6;
  }

  private static double median(List<Double> values) {
    return Median.of(values.stream().mapToDouble(Double::doubleValue).toArray());
  }

  /** Bytes that are reached. */
  private static long heapAfterCollection() {
    // What finalizers and cleaners let go goes with the second.
    System.gc();
    System.gc();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  /** Of the line through them, least squares, by their number; 0 for fewer than two. */
  private static double slope(List<Double> values) {
    int n = values.size();
    double meanX = (n - 1) / 2.0;
    double meanY = values.stream().mapToDouble(Double::doubleValue).average().orElse(0);
    double xy = 0;
    double xx = 0;
    for (int i = 0; i < n; i++) {
      xy += (i - meanX) * (values.get(i) - meanY);
      xx += (i - meanX) * (i - meanX);
    }
    return n < 2 ? 0 : xy / xx;
  }
}
