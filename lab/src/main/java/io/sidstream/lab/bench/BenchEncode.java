package io.sidstream.lab.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import com.fasterxml.jackson.databind.JsonNode;
import io.sidstream.cli.Folders;
import io.sidstream.cli.Median;
import io.sidstream.cli.UsageException;
import io.sidstream.model.content.RqVae;
import io.sidstream.model.content.RqVaeConfig;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.math.Blas;
import io.sidstream.model.math.Rng;
import io.sidstream.model.math.Threads;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.quantize.ResidualQuantizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code lab bench encode}: encoder 384→512→256→64 and 3 x 256 codewords, items a second on one
 * thread by batch size, in turn with ONNX Runtime (the encoder alone) and PyTorch.
 */
@Command(
    name = "encode",
    mixinStandardHelpOptions = true,
    description =
        "Measure encode and quantize by batch size, items a second on one thread, next to ONNX Runtime (the encoder alone), PyTorch and the peak of sgemm.")
public final class BenchEncode implements Callable<Integer> {
  private static final long SEED = 1;
  private static final int CHECKED_ROWS = 1024;
  private static final int FITTED_ROWS = 4096;

  /** Its vectors and all that the programs keep of them fit the launcher's heap. */
  private static final int LARGEST_BATCH = 65_536;

  /** Products [m, k] x [k, n] among which the peak is looked for. */
  private static final int[][] PRODUCTS = {{256, 512, 384}, {1024, 512, 384}, {1024, 1024, 1024}};

  @Spec private CommandSpec spec;
  @Mixin private BenchOptions options;

  @Option(
      names = "--batches",
      split = ",",
      defaultValue = "1,32,256,4096",
      paramLabel = "N",
      description = "Batch sizes (default: ${DEFAULT-VALUE}).")
  private List<Integer> batches;

  @Option(
      names = "--seconds",
      defaultValue = "0.5",
      paramLabel = "S",
      description =
          "Time of each measurement of a program and batch size (default: ${DEFAULT-VALUE}).")
  private double seconds;

  @Override
  public Integer call() throws Exception {
    options.check();
    Threads.use(1);
    for (int batch : batches) {
      if (batch < 1 || batch > LARGEST_BATCH) {
        throw new UsageException(
            String.format(
                Locale.ROOT,
                "--batches %s: each must be 1 or more, at most %,d",
                batches,
                LARGEST_BATCH));
      }
    }
    if (!(seconds > 0)) {
      throw new UsageException("--seconds " + seconds + ": it must be above 0");
    }
    if (options.relaunch()) {
      return BenchOptions.again(spec);
    }
    options.print(spec.commandLine().getOut(), measure());
    return 0;
  }

  private Map<String, Object> measure() throws Exception {
    int rows = Math.max(FITTED_ROWS, batches.stream().mapToInt(Integer::intValue).max().orElse(1));
    RqVaeConfig config = RqVaeConfig.paper(384);
    float[] x = new float[rows * config.inputDim()];
    Rng rng = new Rng(SEED);
    for (int i = 0; i < x.length; i++) {
      x[i] = rng.nextGaussian() / 20f;
    }
    RqVae vae = new RqVae(config, rng.split());
    vae.initialiseCodebooks(x, FITTED_ROWS, rng.split());
    TokenizerModel model = vae.tokenizer(new float[config.levels()]);

    Map<String, Object> report = new LinkedHashMap<>();
    Map<String, Object> skipped = new LinkedHashMap<>();
    Path folder = Files.createTempDirectory("sidstream-bench-");
    PyTorchPeer.Found found =
        options.noPeers
            ? new PyTorchPeer.Found(null, null, "--no-peers")
            : PyTorchPeer.find(options.python, options.peer);
    try (PyTorchPeer torch = found.peer();
        OnnxEncoder onnx =
            options.noPeers ? null : new OnnxEncoder(model.encoderDims(), model.encoderWeights())) {
      if (torch != null) {
        load(torch, folder, model, config, x);
      }
      report.put("encoder", model.encoderDims());
      report.put("codebooks", new int[] {model.levels(), config.codebookSize()});
      report.put("machine", BenchOptions.machine());
      report.put("peer", found.about());
      report.put("batches", batches(model, x, onnx, torch));
      report.put("sgemmPeakGflops", peak());
      report.put("sameCodes", agreement(model, x, onnx, torch));
    } finally {
      Folders.delete(folder);
    }
    if (found.skipped() != null) {
      skipped.put("pytorch", found.skipped());
    }
    if (options.noPeers) {
      skipped.put("onnxRuntime", "--no-peers");
    }
    report.put("skipped", skipped);
    return report;
  }

  private static void load(
      PyTorchPeer torch, Path folder, TokenizerModel model, RqVaeConfig config, float[] x)
      throws IOException {
    BenchOptions.write(folder.resolve("encoder.f32"), model.encoderWeights());
    BenchOptions.write(folder.resolve("vectors.f32"), x);
    int size = config.codebookSize() * config.dim();
    float[] books = new float[config.levels() * size];
    List<String> metrics = new ArrayList<>();
    for (int l = 0; l < config.levels(); l++) {
      Codebook book = model.quantizer().codebook(l);
      System.arraycopy(book.codewords(), 0, books, l * size, size);
      metrics.add(book.metric().name().toLowerCase(Locale.ROOT));
    }
    BenchOptions.write(folder.resolve("codebooks.f32"), books);
    torch.ask(
        Map.of(
            "op",
            "load-encode",
            "folder",
            folder.toString(),
            "dims",
            model.encoderDims(),
            "levels",
            config.levels(),
            "codewords",
            config.codebookSize(),
            "metrics",
            metrics));
  }

  private List<Map<String, Object>> batches(
      TokenizerModel model, float[] x, OnnxEncoder onnx, PyTorchPeer torch) throws Exception {
    List<Map<String, Object>> out = new ArrayList<>();
    EncodeResult result = new EncodeResult();
    for (int n : batches) {
      double[][] cpu = new double[3][options.repeats];
      double[][] wall = new double[3][options.repeats];
      OnnxTensor tensor = onnx == null ? null : onnx.batch(x, n, model.inputDim());
      Stopwatch.Call own = () -> model.encode(x, n, null, result);
      Stopwatch.Call other = () -> onnx.run(tensor);
      // The compiler of the JVM has done its work after this.
      Stopwatch.fill(own, seconds);
      if (onnx != null) {
        Stopwatch.fill(other, seconds);
      }
      for (int r = 0; r < options.repeats; r++) {
        Stopwatch.Time mine = Stopwatch.fill(own, seconds);
        cpu[0][r] = n / mine.cpu();
        wall[0][r] = n / mine.wall();
        if (onnx != null) {
          Stopwatch.Time theirs = Stopwatch.fill(other, seconds);
          cpu[1][r] = n / theirs.cpu();
          wall[1][r] = n / theirs.wall();
        }
        if (torch != null) {
          JsonNode answer = torch.ask(Map.of("op", "encode", "batch", n, "seconds", seconds));
          cpu[2][r] = answer.path("itemsPerSecond").asDouble();
          wall[2][r] = answer.path("wall").asDouble();
        }
      }
      if (tensor != null) {
        tensor.close();
      }
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("batch", n);
      figures(one, cpu, onnx != null, torch != null);
      Map<String, Object> byTheClock = new LinkedHashMap<>();
      figures(byTheClock, wall, onnx != null, torch != null);
      one.put("wall", byTheClock);
      out.add(one);
    }
    return out;
  }

  private static void figures(
      Map<String, Object> to, double[][] rates, boolean onnx, boolean torch) {
    to.put("sidstream", Median.of(rates[0]));
    to.put("onnxRuntime", onnx ? Median.of(rates[1]) : null);
    to.put("pytorch", torch ? Median.of(rates[2]) : null);
  }

  /** The best product, GFLOP/s of one thread: the median of the repeats of each. */
  private double peak() throws Exception {
    double best = 0;
    for (int[] mnk : PRODUCTS) {
      int m = mnk[0];
      int n = mnk[1];
      int k = mnk[2];
      float[] a = new float[m * k];
      float[] b = new float[k * n];
      float[] c = new float[m * n];
      Arrays.fill(a, 0.5f);
      Arrays.fill(b, 0.25f);
      double[] gflops = new double[options.repeats];
      for (int r = 0; r < gflops.length; r++) {
        gflops[r] =
            2e-9
                * m
                * n
                * k
                / Stopwatch.fill(() -> Blas.multiply(m, n, k, a, b, c), seconds / 4).cpu();
      }
      best = Math.max(best, Median.of(gflops));
    }
    return best;
  }

  /** Share of rows to which the peers give the same code tuple: they compute the same thing. */
  private static Map<String, Object> agreement(
      TokenizerModel model, float[] x, OnnxEncoder onnx, PyTorchPeer torch)
      throws OrtException, IOException {
    EncodeResult own = new EncodeResult();
    model.encode(x, CHECKED_ROWS, null, own);
    Map<String, Object> out = new LinkedHashMap<>();
    if (onnx != null) {
      try (OnnxTensor tensor = onnx.batch(x, CHECKED_ROWS, model.inputDim())) {
        EncodeResult theirs = new EncodeResult();
        ResidualQuantizer quantizer = model.quantizer();
        quantizer.encode(onnx.encode(tensor), CHECKED_ROWS, theirs);
        out.put("onnxRuntime", same(own, theirs.codes));
      }
    }
    if (torch != null) {
      JsonNode codes = torch.ask(Map.of("op", "codes", "rows", CHECKED_ROWS)).path("codes");
      int[] theirs = new int[codes.size()];
      Arrays.setAll(theirs, i -> codes.get(i).asInt());
      out.put("pytorch", same(own, theirs));
    }
    return out;
  }

  private static double same(EncodeResult own, int[] codes) {
    int equal = 0;
    int levels = own.levels;
    for (int i = 0; i < own.n; i++) {
      int from = i * levels;
      equal += Arrays.equals(own.codes, from, from + levels, codes, from, from + levels) ? 1 : 0;
    }
    return (double) equal / own.n;
  }
}
