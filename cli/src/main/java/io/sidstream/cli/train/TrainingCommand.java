package io.sidstream.cli.train;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.sidstream.cli.Memory;
import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import io.sidstream.model.file.ModelFile;
import io.sidstream.model.math.Threads;
import io.sidstream.model.train.JointConfig;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** A command that trains on a data set: what all of them have in common. */
public abstract class TrainingCommand implements Callable<Integer> {
  private static final Pattern KNOB = Pattern.compile("^([a-zA-Z]+) is (\\S+); ");

  /** Of knobs whose option has another name. */
  private static final Map<String, String> OPTION_OF =
      Map.of(
          "codewords", "--codebook",
          "sharedNegatives", "--negatives-shared");

  @Spec private CommandSpec spec;

  @Mixin private DataOptions input;

  @Option(
      names = "--seed",
      defaultValue = "42",
      paramLabel = "S",
      description = "Seed of all that training draws (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description =
          "Threads that share a step's parts, large matrix products and rankings, of which up to 4 are used; the result is the same (default: the processors that there are).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(names = "--json", paramLabel = "FILE", description = "Write the figures there.")
  private Path json;

  /** A command whose options picocli sets. */
  protected TrainingCommand() {}

  /** Where content vectors are; null where there are to be none. */
  protected abstract VectorsOption vectors();

  /**
   * Checks the options that need no data.
   *
   * @throws UsageException where one is out of range
   */
  protected abstract void check();

  /** What is trained. */
  protected abstract JointConfig config(TrainingData data);

  /** Trains. */
  protected abstract Trained train(TrainingData data, JointConfig config) throws IOException;

  /** Adds the settings that the result depends on, beside those of the configuration. */
  protected abstract void parameters(JointConfig config, Map<String, String> out);

  /** Where the model is written; null for nowhere. */
  protected Path save() {
    return null;
  }

  /** Adds the files that are read and written besides the data, the model and the report. */
  protected void files(List<OutputFile.Named> inputs, List<OutputFile.Named> outputs) {}

  /** Files that are read, and that those of {@link #files} may replace. */
  protected List<OutputFile.Named> replaceable() {
    return List.of();
  }

  /** Seed of all that training draws. */
  protected final long seed() {
    return seed;
  }

  /** Where words go. */
  protected final PrintWriter out() {
    return spec.commandLine().getOut();
  }

  /** Where warnings go. */
  protected final PrintWriter err() {
    return spec.commandLine().getErr();
  }

  /** Whether a bar may be drawn. */
  protected static boolean onTerminal() {
    return Boolean.getBoolean("sidstream.tty");
  }

  @Override
  public final Integer call() throws Exception {
    long started = System.nanoTime();
    input.check();
    Ranges.atLeast("--threads", threads, 1);
    check();
    checkFiles();
    Threads.use(threads);
    TrainingData data = input.read(vectors(), out());
    JointConfig config;
    try {
      config = config(data);
    } catch (IllegalArgumentException e) {
      throw new UsageException(byOption(e.getMessage()));
    }
    out().println(describe(config));
    out().flush();
    Trained trained = train(data, config);
    try {
      report(complete(trained, data, config, started));
    } finally {
      if (save() != null) {
        OutputFile.write(
            save(),
            new ModelFile(provenance(data, settings(data, config)), trained.sections())::write);
        out().println("model: " + save());
      }
      out().flush();
    }
    return 0;
  }

  private void checkFiles() {
    List<OutputFile.Named> inputs = new ArrayList<>(input.files());
    if (vectors() != null) {
      inputs.add(vectors().named());
    }
    List<OutputFile.Named> outputs = new ArrayList<>();
    files(inputs, outputs);
    OutputFile.check(outputs, inputs);
    inputs.addAll(replaceable());
    inputs.addAll(outputs);
    OutputFile.check(
        List.of(new OutputFile.Named("--json", json), new OutputFile.Named("--save", save())),
        inputs);
  }

  /** The report with what every training tells. */
  private Map<String, Object> complete(
      Trained trained, TrainingData data, JointConfig config, long started) {
    Map<String, Object> report = new LinkedHashMap<>(trained.report());
    report.put("steps", trained.times().count());
    report.put("msPerStep", trained.times().medianFrom(0));
    report.put("wallSeconds", (System.nanoTime() - started) / 1e9);
    report.put("peakRssBytes", Memory.peakResidentBytes());
    report.put("modelDigest", SavedModel.digest(trained.sections()));
    report.put("dataDigest", data.digest());
    report.put("vectorsDigest", data.vectorsDigest());
    report.put("seed", seed);
    report.put("parameters", settings(data, config));
    // It is long: last.
    Object curve = report.remove("curve");
    if (curve != null) {
      report.put("curve", curve);
    }
    return report;
  }

  private void report(Map<String, Object> report) throws IOException {
    String text =
        new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT).writeValueAsString(report);
    if (json == null) {
      out().println(text);
      return;
    }
    try {
      OutputFile.write(json, to -> to.write(text.getBytes(StandardCharsets.UTF_8)));
    } catch (IOException e) {
      // The figures of a long training are not lost with the disk that was to have them.
      out().println(text);
      throw e;
    }
  }

  /** Where a model comes from that these settings give. */
  final ModelFile.Provenance provenance(TrainingData data, Map<String, String> settings) {
    return new ModelFile.Provenance(
        data.digest(), settings, seed, version(), System.currentTimeMillis());
  }

  /** Every setting that the result depends on, by the name of its option or knob. */
  final Map<String, String> settings(TrainingData data, JointConfig config) {
    Map<String, String> out = new LinkedHashMap<>();
    for (var component : JointConfig.class.getRecordComponents()) {
      try {
        out.put(component.getName(), String.valueOf(component.getAccessor().invoke(config)));
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException("cannot read " + component.getName(), e);
      }
    }
    out.put("vectorsDigest", data.vectorsDigest());
    out.put("maxItems", String.valueOf(input.maxItems()));
    out.put("threads", String.valueOf(threads));
    parameters(config, out);
    return out;
  }

  private static String describe(JointConfig config) {
    return String.format(
        "%s, %s, id %d, %s",
        Report.name(config.variant()),
        config.hasSemantic() ? config.metrics() + " x " + config.codewords() : "no quantizer",
        config.hasId() ? config.idDim() : 0,
        Report.name(config.loss()));
  }

  /** A message of the configuration, which opens with the name of a knob, by that of its option. */
  private static String byOption(String message) {
    Matcher knob = KNOB.matcher(message);
    if (!knob.find()) {
      return message;
    }
    String name = knob.group(1);
    String option =
        OPTION_OF.getOrDefault(
            name, "--" + name.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT));
    return option + " " + knob.group(2) + ": " + message.substring(knob.end());
  }

  private String version() {
    String[] version = spec.root().version();
    return version.length == 0 ? "unknown" : version[0];
  }
}
