package io.sidstream.cli.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.sidstream.cli.Memory;
import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import io.sidstream.cli.data.DataSet;
import io.sidstream.cli.data.DataSetReader;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.model.evaluate.LeaveOneOut;
import io.sidstream.model.file.ModelFile;
import io.sidstream.model.math.Threads;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointConfig.Loss;
import io.sidstream.model.train.JointConfig.Variant;
import io.sidstream.model.train.Quality;
import io.sidstream.model.train.StepStats;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.IntStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** {@code sidstream train}: the joint model offline, on the classes that the job uses. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    description = {
      "Train the joint model on a data set and evaluate it.",
      "leave-one-out: early stopping on validation (--patience), then sampled and full ranking of the test items. "
          + "prequential: the events in order of time, each predicted and then learnt, as the job does."
    })
public final class TrainCommand implements Callable<Integer> {
  /** How a model is judged. */
  enum Protocol {
    /** Last items of each user. */
    LEAVE_ONE_OUT,
    /** Predict, then learn, in order of time. */
    PREQUENTIAL;

    static Protocol named(String name) {
      for (Protocol p : values()) {
        if (p.name().replace('_', '-').equalsIgnoreCase(name)) {
          return p;
        }
      }
      throw new UsageException("--protocol " + name + ": it must be leave-one-out or prequential");
    }
  }

  /** Options that only the joint model reads. */
  private static final String[] TIGER_HAS_NO = {
    "--schedule",
    "--loss",
    "--temperature",
    "--log-q",
    "--negatives",
    "--negatives-shared",
    "--id-dim",
    "--id-start",
    "--id-dropout",
    "--id-learning-rate",
    "--semantic-dropout",
    "--semantic-share",
    "--semantic-id-dim",
    "--semantic-temperature",
    "--stop-on",
    "--learning-rate-decay"
  };

  /** Options of the quantizer, and of what is beside ID embeddings. */
  private static final String[] ID_HAS_NO = {
    "--codebook-decay",
    "--straight-through",
    "--reconstruction-weight",
    "--commitment-weight",
    "--quantizer-epochs",
    "--id-dropout",
    "--semantic-dropout",
    "--quantizer-every",
    "--churn-budget"
  };

  /** Options of ID embeddings. */
  private static final String[] SEMANTIC_HAS_NO = {
    "--id-start", "--id-dropout", "--id-learning-rate", "--semantic-dropout"
  };

  /** What the learning rates are multiplied by after each epoch of a variant with a quantizer. */
  private static final double DEFAULT_DECAY = 0.985;

  /** The largest k of the reported HR@k. */
  private static final int LARGEST_CUT = 20;

  @Spec private CommandSpec spec;

  @Option(
      names = "--data",
      required = true,
      paramLabel = "DIR",
      description = "Data set: items.jsonl[.gz] and interactions.tsv[.gz].")
  private Path dataFolder;

  @Option(
      names = "--vectors",
      paramLabel = "FILE.npy",
      description =
          "Content vectors; row idx - 1 belongs to the item with idx. Needed but for --variant id.")
  private Path vectorsFile;

  @Option(
      names = "--max-items",
      paramLabel = "N",
      description = "Take the first N items and the interactions with them; 0 for all.")
  private int maxItems;

  @Mixin private ModelOptions model;

  @Option(
      names = "--beam",
      defaultValue = "20",
      paramLabel = "N",
      description =
          "Width of the beam search of --variant tiger, 20 or more (default: ${DEFAULT-VALUE}).")
  private int beam;

  @Option(
      names = "--schedule",
      defaultValue = "joint",
      paramLabel = "S",
      description =
          "joint; two-stage: the quantizer alone, then frozen; or joint-then-frozen: together, then the recommender alone (default: ${DEFAULT-VALUE}).")
  private String schedule;

  @Option(
      names = "--protocol",
      defaultValue = "leave-one-out",
      paramLabel = "P",
      description = "leave-one-out or prequential (default: ${DEFAULT-VALUE}).")
  private String protocol;

  @Option(
      names = "--epochs",
      defaultValue = "64",
      paramLabel = "N",
      description = "Most epochs (default: ${DEFAULT-VALUE}).")
  private int epochs;

  @Option(
      names = "--quantizer-epochs",
      defaultValue = "50",
      paramLabel = "N",
      description =
          "Epochs of the quantizer alone under --schedule two-stage and --variant tiger, of both under joint-then-frozen (default: ${DEFAULT-VALUE}).")
  private int quantizerEpochs;

  @Option(
      names = "--patience",
      defaultValue = "10",
      paramLabel = "P",
      description =
          "Stop after so many epochs without a better validation MRR, NDCG@10 for --variant tiger (default: ${DEFAULT-VALUE}).")
  private int patience;

  @Option(
      names = "--stop-on",
      paramLabel = "M",
      description =
          "Validation MRR that --patience looks at and whose best epoch is kept: sampled, full, or both, their geometric mean (default: both; sampled for --loss bce, which is trained for it).")
  private OfflineTraining.StopOn stopOn;

  @Option(
      names = "--learning-rate-decay",
      paramLabel = "D",
      description =
          "leave-one-out: the learning rates are multiplied by it after each epoch, above 0 to 1 (default: 0.985; 1 for --variant id).")
  private Double learningRateDecay;

  @Option(
      names = "--seed",
      defaultValue = "42",
      paramLabel = "S",
      description = "Seed of all that training draws (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--negatives",
      paramLabel = "FILE.npy",
      description =
          "Where the sampled protocol's negatives are kept: read if it is there, else written. They are the same for every variant and seed without it, too.")
  private Path negativesFile;

  @Option(
      names = "--bootstrap",
      defaultValue = "40000",
      paramLabel = "N",
      description =
          "prequential: interactions of the bootstrap, which are not predicted (default: ${DEFAULT-VALUE}).")
  private int bootstrap;

  @Option(
      names = "--bootstrap-steps",
      defaultValue = "900",
      paramLabel = "N",
      description =
          "prequential: steps of the bootstrap, and of a training from scratch (default: ${DEFAULT-VALUE}).")
  private int bootstrapSteps;

  @Option(
      names = "--round",
      defaultValue = "5000",
      paramLabel = "N",
      description = "prequential: interactions of a round (default: ${DEFAULT-VALUE}).")
  private int round;

  @Option(
      names = "--round-steps",
      defaultValue = "60",
      paramLabel = "N",
      description = "prequential: steps of a round (default: ${DEFAULT-VALUE}).")
  private int roundSteps;

  @Option(
      names = "--quantizer-every",
      defaultValue = "8",
      paramLabel = "N",
      description =
          "prequential: every so many rounds the quantizer learns too; 0 for never (default: ${DEFAULT-VALUE}).")
  private int quantizerEvery;

  @Option(
      names = "--churn-budget",
      defaultValue = "0.05",
      paramLabel = "B",
      description =
          "prequential: share of old items whose token such a round may change (default: ${DEFAULT-VALUE}).")
  private double churnBudget;

  @Option(
      names = "--retrain",
      description =
          "prequential: also train a model from scratch for each round (slow: --bootstrap-steps a round).")
  private boolean retrain;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description =
          "Threads that share a step's parts, large matrix products and rankings, of which up to 4 are used; the result is the same (default: the processors that there are).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there.")
  private Path json;

  @Option(
      names = "--save",
      paramLabel = "MODEL",
      description = "Write the best model there; sidstream encode reads it.")
  private Path save;

  @Option(
      names = "--checkpoint",
      paramLabel = "FILE",
      description = "leave-one-out: write there after every epoch what --resume goes on from.")
  private Path checkpoint;

  @Option(
      names = "--resume",
      paramLabel = "FILE",
      description =
          "leave-one-out: go on from a file of --checkpoint, as if there had been no break. Data, seed and options must be the same, but for --epochs (all, those before the break included), --patience and --threads.")
  private Path resume;

  @Override
  public Integer call() throws Exception {
    long started = System.nanoTime();
    Protocol chosen = Protocol.named(protocol);
    OfflineTraining.Schedule scheduled =
        switch (schedule.toLowerCase(Locale.ROOT)) {
          case "joint" -> OfflineTraining.Schedule.JOINT;
          case "two-stage" -> OfflineTraining.Schedule.TWO_STAGE;
          case "joint-then-frozen" -> OfflineTraining.Schedule.JOINT_THEN_FROZEN;
          default ->
              throw new UsageException(
                  "--schedule " + schedule + ": it must be joint, two-stage or joint-then-frozen");
        };
    refuseWithoutEffect(chosen, scheduled);
    if (stopOn == null) {
      stopOn = OfflineTraining.StopOn.suiting(model.loss);
    }
    if (learningRateDecay == null) {
      // Codewords settle as the encoder slows down; ID embeddings alone gain nothing by it.
      learningRateDecay = model.kind == ModelOptions.Kind.ID ? 1 : DEFAULT_DECAY;
    }
    check();
    if (scheduled == OfflineTraining.Schedule.JOINT_THEN_FROZEN && epochs <= quantizerEpochs) {
      throw new UsageException(
          "--epochs "
              + epochs
              + ": --schedule joint-then-frozen freezes the quantizer after --quantizer-epochs "
              + quantizerEpochs
              + "; ask for more epochs in all, or fewer of these");
    }
    Threads.use(threads);
    NpyVectors vectors = vectorsFile == null ? null : NpyVectors.open(vectorsFile);
    DataSet set = DataSetReader.read(dataFolder, maxItems);
    TrainingData data = TrainingData.of(set, vectors);
    JointConfig config = config(data, chosen);
    if (config.semanticShare() == 0f) {
      refuse(
          "has no effect without --semantic-share", "--semantic-temperature", "--semantic-id-dim");
      if (model.loss == Loss.BCE) {
        refuse("has no effect with --loss bce and one recommender", "--temperature");
      }
    }
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        Locale.ROOT,
        "%s: %,d items, %,d users, %,d interactions; %s%n",
        data.name(),
        data.items(),
        data.users(),
        data.events(),
        describe(config));
    if (!set.leftOut().isEmpty()) {
      out.println(set.leftOut());
    }
    if (vectors != null && vectors.rows() > data.items() && maxItems == 0) {
      out.printf(
          Locale.ROOT,
          "--vectors: %,d of its %,d rows are those of items%n",
          data.items(),
          vectors.rows());
    }
    out.flush();
    Made trained =
        chosen == Protocol.LEAVE_ONE_OUT
            ? leaveOneOut(data, config, scheduled, started)
            : prequential(data, config, started);
    try {
      report(trained.report);
    } finally {
      if (save != null) {
        ModelFile.Provenance provenance = provenance(data, parameters(data, config));
        OutputFile.write(save, new ModelFile(provenance, trained.sections)::write);
        out.println("model: " + save);
      }
      out.flush();
    }
    return 0;
  }

  /** What a training comes to: the figures, and the model as the sections of a file. */
  private record Made(Map<String, Object> report, Map<String, byte[]> sections) {}

  private void report(Map<String, Object> report) throws IOException {
    String text =
        new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(report);
    PrintWriter out = spec.commandLine().getOut();
    if (json == null) {
      out.println(text);
      return;
    }
    try {
      OutputFile.write(json, to -> to.write(text.getBytes(StandardCharsets.UTF_8)));
    } catch (IOException e) {
      // The figures of a long training are not lost with the disk that was to have them.
      out.println(text);
      throw e;
    }
  }

  private Made leaveOneOut(
      TrainingData data, JointConfig config, OfflineTraining.Schedule scheduled, long started)
      throws IOException {
    LeaveOneOutSplit split = new LeaveOneOutSplit(data.sequences(), data.items());
    int[] catalogue = OfflineTraining.catalogue(data.items());
    StoredNegatives negatives =
        negativesFile == null
            ? StoredNegatives.draw(split, catalogue)
            : StoredNegatives.at(negativesFile, split, catalogue);
    OfflineTraining training = new OfflineTraining(data, split, negatives, config, seed);
    PrintWriter out = spec.commandLine().getOut();
    Curve curve = new Curve(config, out, spec.commandLine().getErr(), onTerminal());
    Map<String, String> settings = parameters(data, config);
    settings.put("negativesDigest", negatives.digest());
    ModelFile.Provenance provenance = provenance(data, settings);
    if (resume != null) {
      Checkpoint.resume(resume, provenance, training, curve);
    }
    try (curve) {
      training.run(
          scheduled,
          epochs,
          quantizerEpochs,
          patience,
          stopOn,
          learningRateDecay,
          checkpoint == null ? curve : new Checkpoint(checkpoint, provenance, training, curve));
    }
    LeaveOneOut.Result test = training.test();
    Quality quality = training.quality();
    Map<String, byte[]> sections = training.model();
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("protocol", "leave-one-out");
    report.put("sampled", Report.metrics(test.sampled));
    report.put("full", Report.metrics(test.full));
    report.put("parts", Report.byPart(test, split.testTargets, split.parts()));
    report.putAll(Report.quality(quality, config));
    report.put("itemTableParameters", Report.itemTableParameters(config, data.items()));
    report.put("itemTableReduction", Report.itemTableReduction(config, data.items()));
    report.put("epochs", curve.points().size());
    report.put("bestEpoch", training.bestEpoch());
    common(report, training.times(), sections, data, config, started);
    report.put("negativesDigest", negatives.digest());
    report.put("curve", curve.points());
    summary(out, test, quality, config, data, report);
    return new Made(report, sections);
  }

  private static void summary(
      PrintWriter out,
      LeaveOneOut.Result test,
      Quality quality,
      JointConfig config,
      TrainingData data,
      Map<String, Object> report) {
    out.printf(
        Locale.ROOT,
        "test, best epoch %s: sampled HR@10 %.4f NDCG@10 %.4f MRR %.4f, full HR@10 %.4f NDCG@10 %.4f%n",
        report.get("bestEpoch"),
        test.sampled.hr(10),
        test.sampled.ndcg(10),
        test.sampled.mrr(),
        test.full.hr(10),
        test.full.ndcg(10));
    double reduction = Report.itemTableReduction(config, data.items());
    out.printf(
        Locale.ROOT,
        "item table: %,d parameters, %.1f %% %s than ID embeddings of %d%n",
        Report.itemTableParameters(config, data.items()),
        100 * Math.abs(reduction),
        reduction < 0 ? "more" : "fewer",
        Report.ID_ONLY_DIM);
    if (quality != null) {
      for (String collapse : Collapse.of(quality, config.codewords())) {
        out.println("COLLAPSE: " + collapse);
      }
    }
  }

  private Made prequential(TrainingData data, JointConfig config, long started)
      throws IOException {
    if (data.events() <= bootstrap) {
      throw new UsageException(
          "--bootstrap "
              + bootstrap
              + ": --data has "
              + data.events()
              + " interactions; the bootstrap must leave some to predict");
    }
    if (IntStream.of(data.user()).limit(bootstrap).distinct().count() == bootstrap) {
      throw new UsageException(
          "--bootstrap "
              + bootstrap
              + ": none of the first "
              + bootstrap
              + " interactions of --data is the second of a user, so there is nothing to learn from; take more");
    }
    long seen = IntStream.of(data.item()).limit(bootstrap).distinct().count();
    if (config.hasSemantic() && config.codewords() > seen) {
      throw new UsageException(
          "--codebook "
              + config.codewords()
              + " is more than the "
              + seen
              + " items of the first "
              + bootstrap
              + " interactions; take fewer codewords, or a larger --bootstrap");
    }
    StreamReplay replay =
        new StreamReplay(
            data,
            config,
            new StreamReplay.Plan(
                bootstrap, bootstrapSteps, round, roundSteps, quantizerEvery, churnBudget, retrain),
            seed);
    try (Rounds rounds = new Rounds(spec.commandLine().getOut())) {
      replay.run(rounds);
    }
    Quality quality =
        config.hasSemantic() ? replay.trainer().quality(replay.trainer().inUse()) : null;
    List<String> known = new ArrayList<>(data.itemIds().subList(0, replay.items().size()));
    Map<String, byte[]> sections = SavedModel.sections(replay.trainer(), replay.items(), known);
    Map<String, Object> report = new LinkedHashMap<>();
    report.put("protocol", "prequential");
    report.put("total", replay.total());
    report.put("months", replay.months());
    report.put("rounds", replay.rounds());
    report.putAll(Report.quality(quality, config));
    report.put("itemTableParameters", Report.itemTableParameters(config, data.items()));
    report.put("itemTableReduction", Report.itemTableReduction(config, data.items()));
    common(report, replay.times(), sections, data, config, started);
    return new Made(report, sections);
  }

  /** Shows a replay as it goes: a line a round, on a terminal a bar of its steps. */
  private static final class Rounds implements StreamReplay.Listener, AutoCloseable {
    private final PrintWriter out;
    private final StepBar bar = new StepBar(onTerminal());

    Rounds(PrintWriter out) {
      this.out = out;
    }

    @Override
    public void step(String of, int steps, StepStats stats) {
      bar.step(of, steps, stats.recommendation(), stats.reconstruction());
    }

    @Override
    public void round(Map<String, Object> told) {
      bar.close();
      out.printf(
          Locale.ROOT,
          "round %s (%s) until %s: %.1f ms/step%s%s%n",
          told.get("round"),
          told.get("phase"),
          told.get("until").toString().substring(0, 10),
          told.get("msPerStep"),
          told.containsKey("hr10")
              ? String.format(
                  Locale.ROOT,
                  " | before it: HR@10 %.3f, popularity %.3f, new items %.3f",
                  told.get("hr10"),
                  told.get("popularityHr10"),
                  told.get("newHr10"))
              : "",
          told.containsKey("churn")
              ? String.format(Locale.ROOT, " | churn %.3f", told.get("churn"))
              : "");
      if (told.get("collapse") instanceof List<?> collapses) {
        collapses.forEach(collapse -> out.println("COLLAPSE: " + collapse));
      }
      out.flush();
    }

    @Override
    public void close() {
      bar.close();
    }
  }

  private static boolean onTerminal() {
    return Boolean.getBoolean("sidstream.tty");
  }

  private void common(
      Map<String, Object> report,
      StepTimes times,
      Map<String, byte[]> sections,
      TrainingData data,
      JointConfig config,
      long started) {
    report.put("steps", times.count());
    report.put("msPerStep", times.medianFrom(0));
    report.put("wallSeconds", (System.nanoTime() - started) / 1e9);
    report.put("peakRssBytes", Memory.peakResidentBytes());
    report.put("modelDigest", SavedModel.digest(sections));
    report.put("dataDigest", data.digest());
    report.put("vectorsDigest", data.vectorsDigest());
    report.put("seed", seed);
    report.put("parameters", parameters(data, config));
  }

  private ModelFile.Provenance provenance(TrainingData data, Map<String, String> parameters) {
    return new ModelFile.Provenance(
        data.digest(), parameters, seed, version(), System.currentTimeMillis());
  }

  private JointConfig config(TrainingData data, Protocol chosen) {
    if (model.kind.joint() != Variant.ID && vectorsFile == null) {
      throw new UsageException(
          "--variant "
              + ModelOptions.name(model.kind)
              + " needs --vectors FILE.npy, one row for each item");
    }
    return model.config(data, chosen == Protocol.PREQUENTIAL);
  }

  private static String describe(JointConfig config) {
    return String.format(
        "%s, %s, id %d, %s",
        ModelOptions.name(config.variant()),
        config.hasSemantic() ? config.metrics() + " x " + config.codewords() : "no quantizer",
        config.hasId() ? config.idDim() : 0,
        ModelOptions.name(config.loss()));
  }

  /** Every setting that the result depends on, by the name of its option or knob. */
  private Map<String, String> parameters(TrainingData data, JointConfig config) {
    Map<String, String> out = new LinkedHashMap<>();
    for (var component : JointConfig.class.getRecordComponents()) {
      try {
        out.put(component.getName(), String.valueOf(component.getAccessor().invoke(config)));
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("cannot read " + component.getName(), e);
      }
    }
    out.put("protocol", protocol.toLowerCase(Locale.ROOT));
    out.put(
        "schedule",
        model.kind == ModelOptions.Kind.TIGER ? "two-stage" : schedule.toLowerCase(Locale.ROOT));
    out.put("vectorsDigest", data.vectorsDigest());
    out.put("epochs", String.valueOf(epochs));
    out.put("quantizerEpochs", String.valueOf(quantizerEpochs));
    out.put("patience", String.valueOf(patience));
    out.put("maxItems", String.valueOf(maxItems));
    out.put("threads", String.valueOf(threads));
    if (Protocol.named(protocol) == Protocol.PREQUENTIAL) {
      out.put("bootstrap", String.valueOf(bootstrap));
      out.put("bootstrapSteps", String.valueOf(bootstrapSteps));
      out.put("round", String.valueOf(round));
      out.put("roundSteps", String.valueOf(roundSteps));
      out.put("quantizerEvery", String.valueOf(quantizerEvery));
      out.put("churnBudget", String.valueOf(churnBudget));
    } else if (model.kind != ModelOptions.Kind.TIGER) {
      out.put("stopOn", ModelOptions.name(stopOn));
      out.put("learningRateDecay", String.valueOf(learningRateDecay));
    }
    return out;
  }

  private String version() {
    String[] version = spec.root().version();
    return version.length == 0 ? "unknown" : version[0];
  }

  /**
   * Refuses what was asked for and would change nothing. The variants' own lists leave out what
   * scripts give to all variants alike: --distance, --levels, --codebook, --id-dim.
   */
  private void refuseWithoutEffect(Protocol chosen, OfflineTraining.Schedule scheduled) {
    boolean tiger = model.kind == ModelOptions.Kind.TIGER;
    if (tiger && chosen == Protocol.PREQUENTIAL) {
      throw new UsageException(
          "--protocol prequential: --variant tiger is judged by leave-one-out only; leave the option out");
    }
    if (tiger) {
      refuse("is for the joint model, not for --variant tiger", TIGER_HAS_NO);
      refuse("has no place for the generator of --variant tiger", "--save", "--checkpoint");
      refuse("cannot be had with --variant tiger, which has no checkpoints", "--resume");
    } else {
      refuse("has no effect with --variant " + ModelOptions.name(model.kind), "--beam");
      if (model.loss == Loss.BCE) {
        refuse("has no effect with --loss bce", "--negatives-shared", "--log-q");
      }
    }
    if (model.kind == ModelOptions.Kind.SEMANTIC) {
      refuse("has no effect with --variant semantic, which has no ID embeddings", SEMANTIC_HAS_NO);
    }
    if (model.kind == ModelOptions.Kind.ID) {
      String why = "has no effect with --variant id, which has no quantizer";
      refuse(why, ID_HAS_NO);
      if (scheduled != OfflineTraining.Schedule.JOINT) {
        refuse(why, "--schedule");
      }
    }
    if (chosen == Protocol.LEAVE_ONE_OUT) {
      refuse(
          "has no effect without --protocol prequential",
          "--bootstrap",
          "--bootstrap-steps",
          "--round",
          "--round-steps",
          "--quantizer-every",
          "--churn-budget",
          "--retrain");
    }
    if (quantizerEvery == 0) {
      refuse("has no effect with --quantizer-every 0", "--churn-budget");
    }
    if (chosen == Protocol.PREQUENTIAL) {
      refuse(
          "has no effect with --protocol prequential",
          "--schedule",
          "--epochs",
          "--negatives",
          "--quantizer-epochs",
          "--patience",
          "--stop-on",
          "--learning-rate-decay",
          "--checkpoint",
          "--resume");
    } else if (!tiger && scheduled == OfflineTraining.Schedule.JOINT) {
      refuse("has no effect with --schedule joint", "--quantizer-epochs");
    }
  }

  private void refuse(String why, String... options) {
    ParseResult parsed = spec.commandLine().getParseResult();
    for (String option : options) {
      if (parsed.hasMatchedOption(option)) {
        throw new UsageException(
            option
                + " "
                + String.join(" ", parsed.matchedOption(option).originalStringValues())
                + " "
                + why
                + "; leave it out");
      }
    }
  }

  private void check() {
    atLeast("--max-items", maxItems, 0);
    atLeast("--levels", model.levels, 1);
    atLeast("--codebook", model.codebook, 2);
    atLeast("--batch", model.batch, 1);
    atLeast("--epochs", epochs, 1);
    atLeast("--quantizer-epochs", quantizerEpochs, 1);
    atLeast("--patience", patience, 1);
    if (!(learningRateDecay > 0 && learningRateDecay <= 1)) {
      throw new UsageException(
          "--learning-rate-decay " + learningRateDecay + ": it must be above 0, at most 1");
    }
    // Fewer could not be told from a miss in hr20 and ndcg20.
    atLeast("--beam", beam, LARGEST_CUT);
    atLeast("--threads", threads, 1);
    atLeast("--bootstrap", bootstrap, 1);
    atLeast("--bootstrap-steps", bootstrapSteps, 1);
    atLeast("--round", round, 1);
    atLeast("--round-steps", roundSteps, 1);
    atLeast("--quantizer-every", quantizerEvery, 0);
    if (!(churnBudget >= 0 && churnBudget <= 1)) {
      throw new UsageException("--churn-budget " + churnBudget + ": it must be in [0, 1]");
    }
    checkFiles();
  }

  private void checkFiles() {
    List<OutputFile.Named> outputs = new ArrayList<>();
    List<OutputFile.Named> inputs = new ArrayList<>();
    DataSetReader.files(dataFolder)
        .forEach(file -> inputs.add(new OutputFile.Named("--data", file)));
    inputs.add(new OutputFile.Named("--vectors", vectorsFile));
    boolean negativesAreRead = negativesFile != null && Files.isRegularFile(negativesFile);
    (negativesAreRead ? inputs : outputs).add(new OutputFile.Named("--negatives", negativesFile));
    outputs.add(new OutputFile.Named("--checkpoint", checkpoint));
    OutputFile.check(outputs, inputs);
    // Not for --checkpoint, which may replace the file that it goes on from.
    inputs.add(new OutputFile.Named("--resume", resume));
    inputs.addAll(outputs);
    OutputFile.check(
        List.of(new OutputFile.Named("--json", json), new OutputFile.Named("--save", save)),
        inputs);
  }

  private static void atLeast(String option, int value, int least) {
    if (value < least) {
      throw new UsageException(option + " " + value + ": it must be " + least + " or more");
    }
  }
}
