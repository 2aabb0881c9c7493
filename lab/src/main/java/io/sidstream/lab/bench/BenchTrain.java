package io.sidstream.lab.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.sidstream.cli.Folders;
import io.sidstream.cli.Median;
import io.sidstream.cli.UsageException;
import io.sidstream.model.math.Rng;
import io.sidstream.model.math.Threads;
import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointTrainer;
import io.sidstream.model.train.Phase;
import io.sidstream.model.train.UserSequences;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code lab bench train}: the joint step at 256 users, on sequences of the lengths that Amazon
 * Beauty has (22,363 users of 8.9 events on average, 5 at least, 12,101 items, popular ones more
 * often), in turn with PyTorch: padded, and with each distinct item encoded once.
 */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    description =
        "Measure a step of joint training, milliseconds on one thread, next to PyTorch (padded as the paper's code does it, and with distinct items encoded once).")
public final class BenchTrain implements Callable<Integer> {
  private static final long SEED = 1;
  private static final int SHORTEST = 5;
  private static final double MEAN_LENGTH = 8.9;

  /** Users, and items: as many fit the launcher's heap, twice. */
  private static final int MOST = 200_000;

  @Spec private CommandSpec spec;
  @Mixin private BenchOptions options;

  @Option(
      names = "--loss",
      defaultValue = "bce",
      paramLabel = "L",
      description = "bce, as the paper, or softmax (default: ${DEFAULT-VALUE}).")
  private JointConfig.Loss loss;

  @Option(
      names = "--users",
      defaultValue = "256",
      paramLabel = "N",
      description = "Users of a batch (default: ${DEFAULT-VALUE}).")
  private int batch;

  @Option(
      names = "--items",
      defaultValue = "12101",
      paramLabel = "N",
      description = "Items (default: ${DEFAULT-VALUE}).")
  private int items;

  @Option(
      names = "--steps",
      defaultValue = "10",
      paramLabel = "N",
      description =
          "Steps of each measurement of sidstream; PyTorch takes a third of them, padded one (default: ${DEFAULT-VALUE}).")
  private int steps;

  @Override
  public Integer call() throws Exception {
    options.check();
    Threads.use(1);
    if (batch < 1 || batch > MOST || items < 256 || items > MOST || steps < 1) {
      throw new UsageException(
          String.format(
              "--users %d, --items %d, --steps %d: they must be at least 1, 256 (the codewords of a level) and 1, users and items at most %d",
              batch, items, steps, MOST));
    }
    if (options.relaunch()) {
      return BenchOptions.again(spec);
    }
    options.print(spec.commandLine().getOut(), measure());
    return 0;
  }

  private Map<String, Object> measure() throws Exception {
    JointConfig config = JointConfig.builder().loss(loss).batchUsers(batch).build();
    int users = 8 * batch;
    float[] content = new float[items * config.contentDim()];
    Rng rng = new Rng(SEED);
    for (int i = 0; i < content.length; i++) {
      content[i] = rng.nextGaussian() / 20f;
    }
    int[][] sequences = sequences(users, config.maxLen() + 1, rng.split());
    ItemTable table = JointTrainer.newItemTable(config);
    int dim = config.contentDim();
    for (int i = 0; i < items; i++) {
      table.put(i, Arrays.copyOfRange(content, i * dim, (i + 1) * dim), 0);
    }
    UserSequences store = new UserSequences(config.maxLen() + 1);
    long events = 0;
    for (int u = 0; u < users; u++) {
      store.set(u, sequences[u], new long[sequences[u].length]);
      events += sequences[u].length;
    }
    JointTrainer trainer = new JointTrainer(config, table, store, SEED);
    trainer.initialiseCodebooks(2048);

    Map<String, Object> report = new LinkedHashMap<>();
    Path folder = Files.createTempDirectory("sidstream-bench-");
    PyTorchPeer.Found found =
        options.noPeers
            ? new PyTorchPeer.Found(null, null, "--no-peers")
            : PyTorchPeer.find(options.python, options.peer);
    try (PyTorchPeer torch = found.peer()) {
      if (torch != null) {
        load(torch, folder, config, content, sequences);
      }
      report.put("users", batch);
      report.put("meanLength", (double) events / users);
      report.put("items", items);
      report.put("loss", loss.name().toLowerCase(Locale.ROOT));
      report.put("machine", BenchOptions.machine());
      report.put("peer", found.about());
      steps(report, trainer, users, torch);
    } finally {
      Folders.delete(folder);
    }
    report.put("skipped", found.skipped() == null ? Map.of() : Map.of("pytorch", found.skipped()));
    return report;
  }

  /** Lengths: shortest, and a geometric rest that makes the mean; items by the square of a draw. */
  private int[][] sequences(int users, int most, Rng rng) {
    double stop = 1 / (MEAN_LENGTH - SHORTEST + 1);
    int[][] sequences = new int[users][];
    for (int u = 0; u < users; u++) {
      int n = SHORTEST;
      while (n < most && rng.nextDouble() >= stop) {
        n++;
      }
      sequences[u] = new int[n];
      for (int t = 0; t < n; t++) {
        double draw = rng.nextDouble();
        sequences[u][t] = (int) (items * draw * draw);
      }
    }
    return sequences;
  }

  private static void load(
      PyTorchPeer torch, Path folder, JointConfig config, float[] content, int[][] sequences)
      throws IOException {
    int width = config.maxLen() + 1;
    int[] padded = new int[sequences.length * width];
    for (int u = 0; u < sequences.length; u++) {
      int n = sequences[u].length;
      for (int t = 0; t < n; t++) {
        padded[(u + 1) * width - n + t] = sequences[u][t] + 1;
      }
    }
    BenchOptions.write(folder.resolve("content.f32"), content);
    BenchOptions.write(folder.resolve("sequences.i32"), padded);
    Map<String, Object> request = new LinkedHashMap<>();
    request.put("op", "load-train");
    request.put("folder", folder.toString());
    request.put("items", content.length / config.contentDim());
    request.put("users", sequences.length);
    request.put("batch", config.batchUsers());
    request.put("contentDim", config.contentDim());
    request.put("hidden", config.hidden());
    request.put("semanticDim", config.semanticDim());
    request.put("idDim", config.idDim());
    request.put("codewords", config.codewords());
    request.put(
        "metrics", config.metrics().stream().map(m -> m.name().toLowerCase(Locale.ROOT)).toList());
    request.put("loss", config.loss().name().toLowerCase(Locale.ROOT));
    request.put("sharedNegatives", config.sharedNegatives());
    request.put("temperature", config.temperature());
    request.put("dropout", config.dropout());
    request.put("heads", config.heads());
    request.put("blocks", config.blocks());
    request.put("ffn", config.ffn());
    request.put("maxLen", config.maxLen());
    request.put("learningRate", config.learningRate());
    torch.ask(request);
  }

  private void steps(Map<String, Object> report, JointTrainer trainer, int users, PyTorchPeer torch)
      throws Exception {
    int[] next = {0};
    Stopwatch.Call step =
        () -> {
          int[] ids = new int[batch];
          for (int i = 0; i < batch; i++) {
            ids[i] = (next[0] + i) % users;
          }
          next[0] = (next[0] + batch) % users;
          trainer.step(ids, Phase.JOINT);
        };
    // The compiler of the JVM has done its work after this.
    Stopwatch.time(step, 3 * steps);
    if (torch != null) {
      ask(torch, "padded", 1);
      ask(torch, "distinct", 1);
    }
    double[][] cpu = new double[3][options.repeats];
    double[][] wall = new double[3][options.repeats];
    for (int r = 0; r < options.repeats; r++) {
      Stopwatch.Time mine = Stopwatch.time(step, steps);
      cpu[0][r] = 1e3 * mine.cpu();
      wall[0][r] = 1e3 * mine.wall();
      if (torch != null) {
        JsonNode padded = ask(torch, "padded", 1);
        JsonNode distinct = ask(torch, "distinct", Math.max(1, steps / 3));
        cpu[1][r] = padded.path("msPerStep").asDouble();
        wall[1][r] = padded.path("wall").asDouble();
        cpu[2][r] = distinct.path("msPerStep").asDouble();
        wall[2][r] = distinct.path("wall").asDouble();
      }
    }
    figures(report, cpu, torch != null);
    Map<String, Object> byTheClock = new LinkedHashMap<>();
    figures(byTheClock, wall, torch != null);
    report.put("wall", byTheClock);
  }

  private static JsonNode ask(PyTorchPeer torch, String kind, int steps) throws IOException {
    return torch.ask(Map.of("op", "train", "kind", kind, "steps", steps));
  }

  private static void figures(Map<String, Object> to, double[][] millis, boolean torch) {
    double own = Median.of(millis[0]);
    to.put("sidstream", own);
    to.put("pytorchPadded", torch ? Median.of(millis[1]) : null);
    to.put("pytorchDistinct", torch ? Median.of(millis[2]) : null);
    to.put("speedupPadded", torch ? Median.of(millis[1]) / own : null);
    to.put("speedupDistinct", torch ? Median.of(millis[2]) / own : null);
  }
}
