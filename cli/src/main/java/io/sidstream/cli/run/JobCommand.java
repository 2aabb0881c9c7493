package io.sidstream.cli.run;

import io.sidstream.cli.Console;
import io.sidstream.cli.Folders;
import io.sidstream.cli.Port;
import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.EarlierVersions;
import io.sidstream.job.kafka.Topics;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * {@code sidstream job}: the job in this process, against a Kafka that runs elsewhere, until it is
 * stopped.
 */
@Command(
    name = "job",
    mixinStandardHelpOptions = true,
    description =
        "Run the job in this process against a running Kafka until it is stopped (SIGTERM or Ctrl-C).")
public final class JobCommand implements Callable<Integer> {
  private static final Logger LOG = LoggerFactory.getLogger(JobCommand.class);

  private final JobBuilder job;

  @Option(
      names = "--bootstrap",
      paramLabel = "HOST:PORT",
      description = "Kafka brokers; wins over kafka.bootstrap.")
  private String bootstrap;

  @Option(names = "--conf", paramLabel = "FILE", description = "Configuration, YAML.")
  private Path conf;

  @Option(names = "--set", paramLabel = "KEY=VALUE", description = "A setting; wins over --conf.")
  private List<String> sets = new ArrayList<>();

  @Option(
      names = "--state",
      paramLabel = "DIR",
      description =
          "Folder for checkpoints; a run goes on from the newest one that it finds there. Without it and checkpoint.dir a temporary folder, deleted at the end.")
  private Path state;

  @Option(
      names = "--ui-port",
      defaultValue = "8081",
      paramLabel = "PORT",
      description = "Port of Flink's web UI, or the next free one (default: ${DEFAULT-VALUE}).")
  private int uiPort;

  private final StopSignal signal = new StopSignal();

  /** With the job that is run. */
  public JobCommand(JobBuilder job) {
    this.job = job;
  }

  @Override
  public Integer call() throws Exception {
    Port.check("--ui-port", uiPort);
    List<String> all = new ArrayList<>(sets);
    if (bootstrap != null) {
      all.add(JobOptions.KAFKA_BOOTSTRAP.key() + "=" + bootstrap);
    }
    JobConfig config = JobConfig.load(conf, all);
    boolean temporary = state == null && config.get(JobOptions.CHECKPOINT_DIR) == null;
    Path folder = temporary ? Files.createTempDirectory("sidstream-job-") : state;
    try {
      return run(config, folder, temporary);
    } finally {
      if (temporary) {
        Folders.delete(folder);
      }
      signal.done();
    }
  }

  private Integer run(JobConfig config, Path folder, boolean temporary) throws Exception {
    Console.logTo(
        folder == null || temporary ? Path.of("sidstream.log") : folder.resolve("sidstream.log"));
    System.out.print(config.describe());
    config.secretsInClear().forEach(key -> LOG.warn(JobConfig.IN_CLEAR, key));
    if (temporary) {
      System.out.println(
          "checkpoints are in "
              + folder
              + " until this process ends: a later run cannot go on from them; give --state DIR");
    }
    KafkaOptions.reach(config.get(JobOptions.KAFKA_BOOTSTRAP), config.kafkaProperties());
    Topics.create(config);
    Path checkpoints = folder == null ? null : folder.resolve("checkpoints");
    if (checkpoints == null || Checkpoints.newest(checkpoints).isEmpty()) {
      EarlierVersions.refuse(config);
    }
    signal.listen();
    try (JobRun run = JobRun.start(config, checkpoints, uiPort, job)) {
      System.out.println("Flink's web UI: " + run.ui());
      run.restoredFrom().ifPresent(path -> System.out.println("goes on from " + path));
      while (!signal.asked().await(500, TimeUnit.MILLISECONDS)) {
        Optional<Throwable> failure = run.failure();
        if (failure.isPresent()) {
          throw new IllegalStateException("the job failed", failure.get());
        }
      }
      System.out.println("stopping");
    }
    return 0;
  }
}
