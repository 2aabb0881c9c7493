package io.sidstream.tests;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.util.ArrayList;
import java.util.List;

/** A configuration with which the whole job makes versions in seconds. */
public final class TinyJob {
  static final int DIM = 16;

  private TinyJob() {}

  /**
   * The settings, as {@code key=value}.
   *
   * @param name prefix of topics and transactions: one a test
   * @param sets more settings, which win
   */
  public static List<String> settings(String bootstrap, String name, String... sets) {
    List<String> all =
        new ArrayList<>(
            List.of(
                "kafka.bootstrap=" + bootstrap,
                "kafka.group=" + name,
                "topics.prefix=" + name + ".",
                "topics.partitions=2",
                "parallelism=2",
                "max-parallelism=12",
                "checkpoint.interval=500 ms",
                "content.dim=" + DIM,
                "encoder.hidden=32,24",
                "quantizer.dim=16",
                "quantizer.codebook-size=16",
                "id.dim=8",
                "learn.step-positions=256",
                "recommender.negatives=64",
                "bootstrap.items=40",
                "bootstrap.interactions=0",
                "bootstrap.max-steps=20",
                "learn.round-interactions=100",
                "learn.round-interval=1 s",
                "learn.round-steps=3",
                "quantizer.round-every=2",
                "quantizer.steps=5",
                // So fast that tokens move in every version.
                "quantizer.learning-rate=0.01",
                "quantizer.decay=0.8",
                "quantizer.churn-budget=1",
                "gate.enabled=false"));
    all.addAll(List.of(sets));
    return all;
  }

  /** The configuration of {@link #settings}. */
  public static JobConfig config(String bootstrap, String name, String... sets) {
    return JobConfig.load(null, settings(bootstrap, name, sets));
  }

  /** A reader of the job's output. */
  public static TokenLog log(JobConfig config, boolean committedOnly) {
    return new TokenLog(
        config,
        config.get(JobOptions.QUANTIZER_LEVELS),
        config.get(JobOptions.QUANTIZER_CODEBOOK_SIZE),
        committedOnly);
  }
}
