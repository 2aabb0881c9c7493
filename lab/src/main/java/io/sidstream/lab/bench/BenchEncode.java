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
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * {@code lab bench encode}: encoder 384→512→256→64 and 3 x 256 codewords, items a second on one
 * thread by batch size, in turn with ONNX Runtime (the encoder alone, and encoder and quantizer as
 * one graph) and PyTorch.
 */
@Command(
    name = "encode",
    mixinStandardHelpOptions = true,
    description =
        "Measure encode and quantize by batch size, items a second on one thread, next to ONNX Runtime (the encoder alone, and all as one graph), PyTorch and the peak of sgemm.")
public final class BenchEncode implements Callable<Integer> {
  private static final long SEED = 1;
  private static final int CHECKED_ROWS = 1024;
  private static final int FITTED_ROWS = 4096;

  /** Its vectors and all that the programs keep of them fit the launcher's heap. */
  private static final int LARGEST_BATCH = 65_536;

  /** Products [m, k] x [k, n] among which the peak is looked for. */
  private static final int[][] PRODUCTS = {{256, 512, 384}, {1024, 512, 384}, {1024, 1024, 1024}};

  /** The programs, by their names in the report. */
  private static final String OWN = "sidstream";

  private static final String ONNX_ENCODER = "onnxRuntime";
  private static final String ONNX_WHOLE = "onnxRuntimeWhole";
  private static final String PYTORCH = "pytorch";

  /**
   * Those that are measured beside ours; null where one is not.
   *
   * @param encoder the encoder alone
   * @param whole encoder and quantizer
   * @param torch encoder and quantizer
   */
  private record Peers(OnnxSession encoder, OnnxSession whole, PyTorchPeer torch) {}

  /** Items a second of a program, by the thread's CPU time and by the clock, a figure a turn. */
  private record Rates(double[] cpu, double[] wall) {
    Rates(int turns) {
      this(new double[turns], new double[turns]);
    }
  }

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
        OnnxSession encoder =
            options.noPeers ? null : new OnnxSession(OnnxTokenizer.encoder(model));
        OnnxSession whole =
            options.noPeers ? null : new OnnxSession(OnnxTokenizer.tokenizer(model))) {
      Peers peers = new Peers(encoder, whole, torch);
      if (torch != null) {
        load(torch, folder, model, config, x);
      }
      report.put("encoder", model.encoderDims());
      report.put("codebooks", new int[] {model.levels(), config.codebookSize()});
      report.put("machine", BenchOptions.machine());
      report.put("peer", found.about());
      report.put("onnxRuntimeVersion", options.noPeers ? null : OnnxSession.version());
      report.put("batches", batches(model, x, peers));
      report.put("sgemmPeakGflops", peak());
      report.put("checkedRows", CHECKED_ROWS);
      report.put("sameCodes", agreement(model, x, peers));
    } finally {
      Folders.delete(folder);
    }
    if (found.skipped() != null) {
      skipped.put(PYTORCH, found.skipped());
    }
    if (options.noPeers) {
      skipped.put(ONNX_ENCODER, "--no-peers");
      skipped.put(ONNX_WHOLE, "--no-peers");
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

  private List<Map<String, Object>> batches(TokenizerModel model, float[] x, Peers peers)
      throws Exception {
    List<Map<String, Object>> out = new ArrayList<>();
    EncodeResult result = new EncodeResult();
    for (int n : batches) {
      Map<String, Stopwatch.Call> calls = new LinkedHashMap<>();
      calls.put(OWN, () -> model.encode(x, n, null, result));
      try (OnnxTensor tensor =
          peers.whole == null ? null : OnnxSession.batch(x, n, model.inputDim())) {
        if (tensor != null) {
          calls.put(ONNX_ENCODER, () -> peers.encoder.run(tensor));
          calls.put(ONNX_WHOLE, () -> peers.whole.run(tensor));
        }
        Map<String, Object> one = new LinkedHashMap<>();
        one.put("batch", n);
        one.putAll(figures(turns(n, calls, peers.torch)));
        out.add(one);
      }
    }
    return out;
  }

  /** Items a second of the programs on batches of n, measured in turn. */
  private Map<String, Rates> turns(int n, Map<String, Stopwatch.Call> calls, PyTorchPeer torch)
      throws Exception {
    Map<String, Rates> rates = new LinkedHashMap<>();
    for (Map.Entry<String, Stopwatch.Call> call : calls.entrySet()) {
      rates.put(call.getKey(), new Rates(options.repeats));
      // The compiler of the JVM has done its work after this.
      Stopwatch.fill(call.getValue(), seconds);
    }
    if (torch != null) {
      rates.put(PYTORCH, new Rates(options.repeats));
    }
    for (int r = 0; r < options.repeats; r++) {
      for (Map.Entry<String, Stopwatch.Call> call : calls.entrySet()) {
        Stopwatch.Time time = Stopwatch.fill(call.getValue(), seconds);
        rates.get(call.getKey()).cpu[r] = n / time.cpu();
        rates.get(call.getKey()).wall[r] = n / time.wall();
      }
      if (torch != null) {
        JsonNode answer = torch.ask(Map.of("op", "encode", "batch", n, "seconds", seconds));
        rates.get(PYTORCH).cpu[r] = answer.path("itemsPerSecond").asDouble();
        rates.get(PYTORCH).wall[r] = answer.path("wall").asDouble();
      }
    }
    return rates;
  }

  private static Map<String, Object> figures(Map<String, Rates> rates) {
    Map<String, Object> out = figures(rates, Rates::cpu);
    out.put("wall", figures(rates, Rates::wall));
    return out;
  }

  /** Medians of the turns, and our median over each peer's; null of a program not measured. */
  private static Map<String, Object> figures(
      Map<String, Rates> rates, Function<Rates, double[]> by) {
    Map<String, Object> out = new LinkedHashMap<>();
    Map<String, Object> ratios = new LinkedHashMap<>();
    double own = Median.of(by.apply(rates.get(OWN)));
    out.put(OWN, own);
    for (String peer : List.of(ONNX_ENCODER, ONNX_WHOLE, PYTORCH)) {
      Double median = rates.containsKey(peer) ? Median.of(by.apply(rates.get(peer))) : null;
      out.put(peer, median);
      ratios.put(peer, median == null ? null : own / median);
    }
    out.put("ratioOfMedians", ratios);
    return out;
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
  private static Map<String, Object> agreement(TokenizerModel model, float[] x, Peers peers)
      throws OrtException, IOException {
    EncodeResult own = new EncodeResult();
    model.encode(x, CHECKED_ROWS, null, own);
    Map<String, Object> out = new LinkedHashMap<>();
    if (peers.whole != null) {
      try (OnnxTensor tensor = OnnxSession.batch(x, CHECKED_ROWS, model.inputDim())) {
        EncodeResult quantized = new EncodeResult();
        model.quantizer().encode(peers.encoder.floats(tensor), CHECKED_ROWS, quantized);
        out.put(ONNX_ENCODER, same(own, quantized.codes));
        out.put(ONNX_WHOLE, same(own, peers.whole.codes(tensor)));
      }
    }
    if (peers.torch != null) {
      JsonNode codes = peers.torch.ask(Map.of("op", "codes", "rows", CHECKED_ROWS)).path("codes");
      int[] theirs = new int[codes.size()];
      Arrays.setAll(theirs, i -> codes.get(i).asInt());
      out.put(PYTORCH, same(own, theirs));
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
