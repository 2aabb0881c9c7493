package io.sidstream.cli.load;

import io.sidstream.cli.UsageException;
import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.cli.rows.RowFileOptions;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What {@code load items} and {@code load interactions} are asked. */
final class LoadOptions {
  @Mixin KafkaOptions kafka;

  @Mixin RowFileOptions input;

  @Option(
      names = "--rate",
      defaultValue = "0",
      paramLabel = "N",
      description = "Records a second; 0: as fast as the brokers take them (default).")
  double rate;

  @Option(
      names = "--dry-run",
      description = "Check every record by the job's own rules, count by rule, send nothing.")
  boolean dryRun;

  @Option(
      names = "--conf",
      paramLabel = "FILE",
      description = "The job's configuration, for its limits and the names of its topics.")
  private Path conf;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "A setting of the job; wins over --conf.")
  private List<String> sets = new ArrayList<>();

  /**
   * The job's configuration.
   *
   * @param dim length of the vectors that are sent, 0 for none; taken where content.dim is not said
   */
  JobConfig config(int dim) {
    List<String> all = new ArrayList<>();
    JobConfig asked = JobConfig.load(conf, sets);
    if (dim > 0
        && asked.get(JobOptions.CONTENT_DIM).equals(JobOptions.CONTENT_DIM.defaultValue())) {
      all.add(JobOptions.CONTENT_DIM.key() + "=" + dim);
    }
    if (!kafka.prefix().equals(JobOptions.TOPICS_PREFIX.defaultValue())) {
      all.add(JobOptions.TOPICS_PREFIX.key() + "=" + kafka.prefix());
    }
    all.addAll(sets);
    return JobConfig.load(conf, all);
  }

  void check() {
    if (!(rate >= 0) || rate > 1e9) {
      throw new UsageException("--rate " + rate + ": 0 (as fast as they go) to 1,000,000,000");
    }
  }
}
