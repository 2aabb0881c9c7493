package io.sidstream.lab.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.sidstream.cli.Folders;
import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import io.sidstream.cli.kafka.EmbeddedKafka;
import io.sidstream.cli.run.JobBuilder;
import io.sidstream.cli.run.JobRun;
import io.sidstream.job.config.JobOptions;
import io.sidstream.lab.bench.BenchedJob.Times;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.flink.runtime.testutils.InMemoryReporter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code lab bench job}: items and interactions a second through the whole job, beside those
 * through a {@linkplain PassThrough job without a model}.
 *
 * <p>Both jobs get blocks of new items and of interactions that become visible at once, and take
 * turns: one is started (from its own checkpoint), warmed up with a block, measured and stopped
 * before the other is. A block is done when a reader of committed records has a row of every item,
 * which comes with a checkpoint, and the last operator on the interactions' way has read all of
 * them. The job has one model, made from its first items.
 */
@Command(
    name = "job",
    mixinStandardHelpOptions = true,
    description = {
      "Measure items and interactions a second through the whole job (vectors given, one model), beside a job with the"
          + " same sources, keys, state and sinks and no model."
    })
public final class JobBench implements Callable<Integer> {
  private static final int BOOTSTRAP_ITEMS = 2_000;
  private static final int BOOTSTRAP_INTERACTIONS = 10_000;
  private static final int WARM_ITEMS = 4_000;
  private static final int WARM_INTERACTIONS = 10_000;

  /** Items that are there before: so many in a block of no measurement. */
  private static final int THERE_BLOCK = 20_000;

  /** Below, a block is over within a few checkpoints, and these are what is measured. */
  private static final int MIN_BLOCK_ITEMS = 20_000;

  private static final int MAX_BLOCK_ITEMS = 40_000;

  private static final int MIN_BLOCK_INTERACTIONS = 100_000;
  private static final int MAX_BLOCK_INTERACTIONS = 400_000;

  /** Items a second that trickle in. */
  private static final int TRICKLED_ITEMS = 20;

  private final JobBuilder job;

  @Option(
      names = "--seconds",
      defaultValue = "8",
      paramLabel = "N",
      description =
          "About how long the pass-through takes for a block (default: ${DEFAULT-VALUE}).")
  private int seconds;

  @Option(
      names = "--repeats",
      defaultValue = "3",
      paramLabel = "N",
      description = "Turns of each job (default: ${DEFAULT-VALUE}).")
  private int repeats;

  @Option(
      names = "--there",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Items that both jobs have before the first measured turn, 10,000 at least (default: ${DEFAULT-VALUE}).")
  private int there;

  @Option(
      names = "--trickle",
      defaultValue = "0",
      paramLabel = "SECONDS",
      description =
          "After the last turn, how long a few items a second come, to see what checkpoints write beside what is there (default: ${DEFAULT-VALUE}).")
  private int trickle;

  @Option(
      names = "--scan",
      defaultValue = "0",
      paramLabel = "SECONDS",
      description =
          "At the end, how long a few items a second come while the learner works, before a new token version re-encodes all items, to see what it does to new items and to checkpoints (default: ${DEFAULT-VALUE}).")
  private int scan;

  @Option(
      names = "--warm-blocks",
      defaultValue = "5",
      paramLabel = "N",
      description =
          "Blocks that go through two jobs like these before, for the just-in-time compiler (default: ${DEFAULT-VALUE}).")
  private int warmBlocks;

  @Option(
      names = "--block",
      paramLabel = "ITEMS,INTERACTIONS",
      split = ",",
      arity = "1",
      description = "Size of a block (default: by the pass-through's speed).")
  private int[] block = {};

  @Option(
      names = "--training",
      description =
          "Let the learner run at its duty cycle; otherwise it is held at 1 %% of its thread, so that the path of tokens is measured.")
  private boolean training;

  @Option(names = "--json", paramLabel = "FILE", description = "Write the result there as well.")
  private Path json;

  @Option(names = "--set", paramLabel = "KEY=VALUE", description = "A setting of both jobs.")
  private List<String> sets = new ArrayList<>();

  JobBench(JobBuilder job) {
    this.job = job;
  }

  @Override
  public Integer call() throws Exception {
    if (seconds < 1 || repeats < 1) {
      throw new UsageException(
          "--seconds " + seconds + " and --repeats " + repeats + ": each at least 1");
    }
    if (there < 0 || warmBlocks < 0 || trickle < 0 || scan < 0) {
      throw new UsageException(
          "--there %d, --warm-blocks %d, --trickle %d and --scan %d: each at least 0"
              .formatted(there, warmBlocks, trickle, scan));
    }
    if (block.length != 0 && (block.length != 2 || block[0] < 1 || block[1] < 1)) {
      throw new UsageException(
          "--block " + Arrays.toString(block) + ": items and interactions, each at least 1");
    }
    OutputFile.check("--json", json);
    if (Runtime.getRuntime().maxMemory() < 1_500_000_000L) {
      throw new UsageException("a heap of 2 GiB or more is needed: SIDSTREAM_JAVA_OPTS=-Xmx2g");
    }
    Path state = Files.createTempDirectory("sidstream-bench-");
    System.setProperty("sidstream.log", state.resolveSibling("sidstream-bench.log").toString());
    org.apache.logging.log4j.core.config.Configurator.reconfigure();
    try (EmbeddedKafka kafka = EmbeddedKafka.start(state.resolve("kafka"))) {
      if (warmBlocks > 0) {
        // Jobs of their own, so that those that are measured have as few items as is asked for.
        try (BenchedJob pass = passThrough("warm-", kafka, state);
            BenchedJob whole = whole("warm-", kafka, state)) {
          warmUp(pass);
          warmUp(whole);
        }
      }
      try (BenchedJob pass = passThrough("", kafka, state);
          BenchedJob whole = whole("", kafka, state)) {
        String result = measure(new MeasuredJob(pass), new MeasuredJob(whole));
        System.out.println(result);
        if (json != null) {
          OutputFile.write(json, to -> to.write((result + "\n").getBytes(StandardCharsets.UTF_8)));
        }
      }
    } finally {
      Folders.delete(state);
    }
    return 0;
  }

  private BenchedJob passThrough(String prefix, EmbeddedKafka kafka, Path state)
      throws InterruptedException {
    String name = prefix + "pass-through";
    return new BenchedJob(
        name,
        settings(name, kafka),
        PassThrough::build,
        state.resolve("checkpoints-" + name),
        PassThrough.HISTORY,
        false);
  }

  private BenchedJob whole(String prefix, EmbeddedKafka kafka, Path state)
      throws InterruptedException {
    String name = prefix + "job";
    return new BenchedJob(
        name, settings(name, kafka), job, state.resolve("checkpoints-" + name), "Learn", true);
  }

  private List<String> settings(String name, EmbeddedKafka kafka) {
    List<String> all = new ArrayList<>();
    all.add("bootstrap.items=" + BOOTSTRAP_ITEMS);
    all.add("bootstrap.interactions=" + BOOTSTRAP_INTERACTIONS);
    all.add("bootstrap.max-steps=60");
    if (!training) {
      // After the bootstrap one round begins and does not end: windows are kept, as in any round.
      all.add("learn.round-interactions=1");
      all.add("learn.round-steps=1000000");
      all.add("learn.duty-cycle=0.01");
    }
    all.add("flink.web.checkpoints.history=10000");
    // One model: no other version while it is measured.
    all.add("quantizer.round-every=1000000");
    all.addAll(sets);
    all.add("kafka.bootstrap=" + kafka.bootstrap());
    all.add("kafka.group=bench-" + name);
    all.add("topics.prefix=" + name + ".");
    return all;
  }

  /** The compiler is at work for a minute or two, and its threads take a whole processor. */
  private void warmUp(BenchedJob job) throws Exception {
    InMemoryReporter metrics = InMemoryReporter.create();
    try (JobRun run = job.start(metrics, List.of());
        Arrivals arrivals = new Arrivals(job.config, run, metrics)) {
      job.block(run, arrivals, BOOTSTRAP_ITEMS, BOOTSTRAP_INTERACTIONS);
      for (int i = 0; i < warmBlocks; i++) {
        job.block(run, arrivals, WARM_ITEMS * 2, WARM_INTERACTIONS * 2);
      }
    }
  }

  private String measure(MeasuredJob pass, MeasuredJob whole) throws Exception {
    int blockItems = WARM_ITEMS;
    int blockInteractions = WARM_INTERACTIONS;
    Map<String, Map<String, Object>> trickled = new HashMap<>();
    Map<String, Long> stateBytes = new HashMap<>();
    for (int turn = 0; turn <= repeats; turn++) {
      // Turn 0 has the items sent that are there before, and finds the size of a block. The order
      // alternates.
      List<MeasuredJob> order = turn % 2 == 0 ? List.of(pass, whole) : List.of(whole, pass);
      for (MeasuredJob side : order) {
        InMemoryReporter metrics = InMemoryReporter.create();
        BenchedJob job = side.job;
        try (JobRun run = job.start(metrics, List.of());
            Arrivals arrivals = new Arrivals(job.config, run, metrics)) {
          if (job.items == 0) {
            job.block(run, arrivals, BOOTSTRAP_ITEMS, BOOTSTRAP_INTERACTIONS);
          }
          Times warm = job.block(run, arrivals, WARM_ITEMS, WARM_INTERACTIONS);
          if (turn == 0) {
            // The next turn begins with a block that warms up.
            while (job.items < there - WARM_ITEMS) {
              int more = (int) Math.min(THERE_BLOCK, there - WARM_ITEMS - job.items);
              job.block(run, arrivals, more, 0);
            }
            if (block.length == 2) {
              blockItems = block[0];
              blockInteractions = block[1];
            } else if (side == pass) {
              double blocks = 2.0 * seconds / Math.max(warm.items(), warm.interactions());
              blockItems = within(MIN_BLOCK_ITEMS, WARM_ITEMS * blocks, MAX_BLOCK_ITEMS);
              blockInteractions =
                  within(
                      MIN_BLOCK_INTERACTIONS,
                      WARM_INTERACTIONS * blocks * 2,
                      MAX_BLOCK_INTERACTIONS);
            }
            continue;
          }
          for (BlockKind kind : BlockKind.values()) {
            int items = kind == BlockKind.INTERACTIONS ? 0 : blockItems;
            int interactions = kind == BlockKind.ITEMS ? 0 : blockInteractions;
            Times times = job.block(run, arrivals, items, interactions);
            System.err.printf("turn %d, %s: %s%n", turn, job.name, side.add(kind, times));
          }
          stateBytes.put(job.name, job.stateBytes(run));
          if (turn == repeats && trickle > 0) {
            trickled.put(job.name, Trickle.measure(job, run, trickle, TRICKLED_ITEMS));
          }
        }
      }
    }
    Map<String, Object> result = new LinkedHashMap<>();
    result.put("processors", Runtime.getRuntime().availableProcessors());
    result.put("java", System.getProperty("java.version"));
    result.put("heapBytes", Runtime.getRuntime().maxMemory());
    result.put("openblas", BenchOptions.openblasVariables());
    result.put("training", training);
    result.put("contentDim", whole.job.config.get(JobOptions.CONTENT_DIM));
    result.put("parallelism", whole.job.config.get(JobOptions.PARALLELISM));
    result.put(
        "checkpointIntervalMs", whole.job.config.get(JobOptions.CHECKPOINT_INTERVAL).toMillis());
    result.put("there", there);
    result.put("stateBytes", stateBytes.get(whole.job.name));
    result.put("blockItems", blockItems);
    result.put("blockInteractions", blockInteractions);
    whole.compareWith(pass, result);
    if (trickle > 0) {
      result.put(
          "trickle",
          Map.of("job", trickled.get(whole.job.name), "passThrough", trickled.get(pass.job.name)));
    }
    if (scan > 0) {
      result.put("scan", new Scan(whole.job, sets, scan, TRICKLED_ITEMS).measure());
    }
    return new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(result);
  }

  private static int within(int least, double n, int most) {
    return (int) Math.max(least, Math.min(most, n));
  }
}
