package io.sidstream.cli.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.sidstream.cli.Console;
import io.sidstream.cli.Folders;
import io.sidstream.cli.OutputFile;
import io.sidstream.cli.Port;
import io.sidstream.cli.UsageException;
import io.sidstream.cli.data.DataSet;
import io.sidstream.cli.data.DataSetOptions;
import io.sidstream.cli.data.Generator;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.cli.data.SourceItem;
import io.sidstream.cli.feed.Contents;
import io.sidstream.cli.feed.Feeder;
import io.sidstream.cli.feed.FittedConfig;
import io.sidstream.cli.feed.FlowControl;
import io.sidstream.cli.feed.Manifest;
import io.sidstream.cli.feed.Preflight;
import io.sidstream.cli.kafka.EmbeddedKafka;
import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.cli.report.ReportCommand;
import io.sidstream.cli.run.Checkpoints;
import io.sidstream.cli.run.JobBuilder;
import io.sidstream.cli.run.JobRun;
import io.sidstream.cli.run.StopSignal;
import io.sidstream.cli.tokens.ExportCommand;
import io.sidstream.cli.tokens.TokenAudit;
import io.sidstream.cli.tokens.Verification;
import io.sidstream.cli.ui.LivePage;
import io.sidstream.cli.watch.Monitor;
import io.sidstream.cli.watch.Progress;
import io.sidstream.cli.watch.Summary;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.config.JobOptions.ResolveStrategy;
import io.sidstream.job.kafka.EarlierVersions;
import io.sidstream.job.kafka.Topics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.Callable;
import java.util.concurrent.atomic.AtomicReference;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code sidstream demo}: broker, Flink, data and job in one process. */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Start a Kafka broker and a Flink cluster in this process, stream a catalogue through the job, show what comes of it.",
      "Without --data the catalogue is synthetic."
    })
public final class DemoCommand implements Callable<Integer> {
  private final JobBuilder job;

  @Mixin private DataSetOptions data;

  @Option(
      names = "--max-items",
      paramLabel = "N",
      description = "Take the first N items and the interactions with them; 0 for all.")
  private int maxItems;

  @Option(
      names = "--items",
      defaultValue = "1500",
      paramLabel = "N",
      description = "Items of the synthetic catalogue (default: ${DEFAULT-VALUE}).")
  private int items;

  @Option(
      names = "--events",
      defaultValue = "40000",
      paramLabel = "N",
      description = "Interactions with the synthetic catalogue (default: ${DEFAULT-VALUE}).")
  private int events;

  @Option(
      names = "--users",
      defaultValue = "0",
      paramLabel = "N",
      description = "Users of the synthetic catalogue; 0 for one in 16 interactions (default).")
  private int users;

  @Option(
      names = "--rate",
      defaultValue = "0",
      paramLabel = "N",
      description = "Records a second; 0: as fast as the job learns (default).")
  private double rate;

  @Option(
      names = "--in-flight",
      defaultValue = "0",
      paramLabel = "N",
      description =
          "Interactions that may be sent ahead of what the newest revision has learnt, at --rate 0; 0: two rounds (default).")
  private long inFlight;

  @Option(
      names = "--until-done",
      description = "End when everything sent has a token under the last committed version.")
  private boolean untilDone;

  @Option(
      names = "--verify",
      description =
          "At the end prove from the topics alone what 'tokens verify' proves; exit code 1 where it does not hold.")
  private boolean verify;

  @Option(
      names = "--json",
      paramLabel = "FILE",
      description = "Write the summary there at the end.")
  private Path json;

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description =
          "Folder for everything kept; a run on a folder that has state goes on with it. Without it a temporary folder, deleted at the end.")
  private Path stateFolder;

  @Option(names = "--conf", paramLabel = "FILE", description = "Configuration of the job, YAML.")
  private Path conf;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "A setting of the job; wins over --conf.")
  private List<String> sets = new ArrayList<>();

  @Option(
      names = "--ui-port",
      defaultValue = "8081",
      paramLabel = "PORT",
      description = "Port of Flink's web UI, or the next free one (default: ${DEFAULT-VALUE}).")
  private int uiPort;

  @Option(
      names = "--page-port",
      defaultValue = "0",
      paramLabel = "PORT",
      description =
          "Port of the live page that 'sidstream ui' shows, too; 0: a free one (default).")
  private int pagePort;

  @Option(
      names = "--kafka-port",
      defaultValue = "0",
      paramLabel = "PORT",
      description = "Port of the Kafka broker; 0: a free one, or that of --state (default).")
  private int kafkaPort;

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description =
          "Where the page goes that 'sidstream report' writes; without it to report.html in --state, or to a file of the system's temporary folder.")
  private Path report;

  @Option(
      names = "--export",
      paramLabel = "FILE",
      description =
          "Write the token table there at the end, an object a line, as 'tokens export' does.")
  private Path export;

  /** With the job that is run. */
  public DemoCommand(JobBuilder job) {
    this.job = job;
  }

  @Override
  public Integer call() throws Exception {
    long started = System.nanoTime();
    JobConfig asked = checkOptions();
    NpyVectors vectors = data.openVectors();
    DataSet set =
        data.given()
            ? data.read(maxItems)
            : Generator.generate(items, events, users, asked.get(JobOptions.SEED));
    Preflight.checkRows(set, vectors, data.vectors());
    Preflight.checkTimes(set, asked);
    boolean temporary = stateFolder == null;
    Path state =
        temporary ? Files.createTempDirectory("sidstream-demo-") : stateFolder.toAbsolutePath();
    StopSignal signal = new StopSignal();
    try {
      Files.createDirectories(state);
      Console.logTo(state.resolve("sidstream.log"));
      return run(set, vectors, state, started, signal);
    } finally {
      if (temporary) {
        Folders.delete(state);
      }
      signal.done();
    }
  }

  private Integer run(DataSet set, NpyVectors vectors, Path state, long started, StopSignal signal)
      throws Exception {
    Map<String, String> facts = new LinkedHashMap<>();
    facts.put("data", set.name());
    facts.put("digest", set.digest());
    facts.put("content", vectors == null ? "text" : "vectors of " + vectors.dim());
    facts.put("items", String.valueOf(set.items().size()));
    facts.put("interactions", String.valueOf(set.interactions()));
    System.out.printf(
        "%s: %,d items, %,d interactions, %s%n",
        set.name(),
        set.items().size(),
        set.interactions(),
        vectors == null ? "as text" : "as vectors");
    if (!set.leftOut().isEmpty()) {
      System.out.println(set.leftOut());
    }
    FittedConfig fitted = new FittedConfig(conf, sets, set, vectors, data == null, maxItems);
    Contents contents = data == null ? null : Contents.of(set, vectors, fitted.asked());
    if (contents != null) {
      System.out.print(Preflight.check(set, vectors, fitted.config(null)));
      System.out.print(contents.text());
    }
    // Before it listens, which would hold up the exit of a run that is refused.
    Manifest.claim(state, facts);
    signal.listen();
    try (EmbeddedKafka kafka = EmbeddedKafka.start(state.resolve("kafka"), kafkaPort)) {
      JobConfig config = fitted.config(kafka.bootstrap());
      Files.writeString(state.resolve("job.yaml"), config.describe());
      Topics.create(config);
      Path checkpoints = state.resolve("checkpoints");
      if (Checkpoints.newest(checkpoints).isEmpty()) {
        EarlierVersions.refuse(config);
      }
      System.out.println(
          "Kafka: " + kafka.bootstrap() + "   log: " + state.resolve("sidstream.log"));
      FlowControl flow = rate > 0 ? FlowControl.open() : flow(config);
      Feeder feeder =
          new Feeder(
              set,
              vectors,
              kafka.bootstrap(),
              Topics.items(config),
              Topics.interactions(config),
              rate,
              flow);
      Progress progress =
          new Progress(
              config.get(JobOptions.QUANTIZER_LEVELS),
              config.get(JobOptions.QUANTIZER_CODEBOOK_SIZE),
              Topics.items(config),
              Topics.interactions(config));
      TokenAudit.Report audit = null;
      Summary.Run cost;
      String pageAddress;
      try (LivePage live =
              LivePage.start(
                  KafkaOptions.of(kafka.bootstrap(), config.get(JobOptions.TOPICS_PREFIX)),
                  new LivePage.Place("127.0.0.1", pagePort, ReportCommand.MAX_ITEMS),
                  config);
          JobRun run = JobRun.start(config, checkpoints, uiPort, job);
          Monitor monitor =
              new Monitor(
                  kafka.bootstrap(),
                  Topics.tokens(config),
                  Topics.versions(config),
                  Topics.deadLetters(config),
                  progress,
                  flow,
                  feeder.sendTimes())) {
        pageAddress = live.address();
        System.out.println("live page: " + pageAddress);
        System.out.println("Flink's web UI: " + run.ui());
        run.restoredFrom()
            .ifPresent(path -> System.out.println("goes on from " + path.getFileName()));
        // While tasks start: what is there when they run is what the first model learns from.
        AtomicReference<Throwable> feederFailure = new AtomicReference<>();
        Thread feeding = new Thread(() -> feed(feeder, feederFailure), "feeder");
        feeding.start();
        DemoWatch watch = new DemoWatch(run, monitor, feeder, feederFailure, progress, started);
        List<String> ids = set.items().stream().map(SourceItem::id).toList();
        try {
          watch.until(untilDone ? ids : null, signal.asked(), config);
        } finally {
          flow.close();
          feeding.join();
        }
        cost = watch.cost();
        if (verify) {
          // While the job runs: what its last checkpoint covers is still being committed.
          audit = verify(config);
        }
      }
      finish(progress, feeder, cost, audit);
      if (progress.committedVersion() > 0) {
        Path page =
            report != null ? report : stateFolder == null ? null : state.resolve("report.html");
        DemoEnding.tell(
            KafkaOptions.of(kafka.bootstrap(), config.get(JobOptions.TOPICS_PREFIX)),
            page,
            progress.arrived());
        if (export != null) {
          int written =
              ExportCommand.write(kafka.bootstrap(), config.get(JobOptions.TOPICS_PREFIX), export);
          System.out.printf("%,d tokens: %s%n", written, export.toAbsolutePath());
        }
        System.out.println(
            "live page: " + pageAddress + " (while the demo ran; 'sidstream ui' shows any job's)");
      }
      return audit == null || audit.passed() ? 0 : 1;
    }
  }

  private static void feed(Feeder feeder, AtomicReference<Throwable> failure) {
    try {
      feeder.run();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Exception e) {
      failure.set(e);
    }
  }

  private TokenAudit.Report verify(JobConfig config) throws InterruptedException {
    return Verification.run(
        config.get(JobOptions.KAFKA_BOOTSTRAP),
        config.get(JobOptions.TOPICS_PREFIX),
        new Properties(),
        config.get(JobOptions.RESOLVE_STRATEGY) == ResolveStrategy.NONE,
        untilDone,
        Duration.ofSeconds(30));
  }

  private void finish(Progress progress, Feeder feeder, Summary.Run cost, TokenAudit.Report audit)
      throws IOException {
    Boolean verified = audit == null ? null : audit.passed();
    Summary summary = progress.summary(feeder.itemsSent(), verified, cost);
    if (audit != null) {
      System.out.println(audit.text());
    }
    ObjectMapper mapper = new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);
    System.out.println(progress.line(feeder.itemsSent(), feeder.interactionsSent()));
    summary
        .holds()
        .forEach(
            hold ->
                System.out.printf(
                    "held back: version %d at revision %d: %s%n",
                    hold.version(), hold.revision(), hold.reason()));
    System.out.println(mapper.writeValueAsString(summary));
    if (json != null) {
      OutputFile.write(json, to -> mapper.writeValue(to, summary));
    }
  }

  private FlowControl flow(JobConfig config) {
    long ahead = inFlight > 0 ? inFlight : 2L * config.get(JobOptions.LEARN_ROUND_INTERACTIONS);
    return new FlowControl(
        config.get(JobOptions.BOOTSTRAP_INTERACTIONS),
        config.get(JobOptions.BOOTSTRAP_ITEMS),
        ahead);
  }

  /** Refuses what cannot work; the job's settings as they were asked for. */
  private JobConfig checkOptions() {
    if (maxItems < 0) {
      throw new UsageException("--max-items " + maxItems + ": 0 (all) or more");
    }
    if (!(rate >= 0) || rate > 1e9) {
      throw new UsageException(
          "--rate " + rate + ": 0 (as fast as the job learns) to 1,000,000,000");
    }
    if (inFlight < 0) {
      throw new UsageException("--in-flight " + inFlight + ": 0 (two rounds) or more");
    }
    Port.check("--ui-port", uiPort);
    Port.checkOrFree("--page-port", pagePort);
    Port.checkOrFree("--kafka-port", kafkaPort);
    data.check();
    List<OutputFile.Named> inputs = data.files();
    inputs.add(new OutputFile.Named("--conf", conf));
    OutputFile.check(
        List.of(
            new OutputFile.Named("--json", json),
            new OutputFile.Named("--report", report),
            new OutputFile.Named("--export", export)),
        inputs);
    // Wrong settings are told before anything starts.
    return JobConfig.load(conf, sets);
  }
}
