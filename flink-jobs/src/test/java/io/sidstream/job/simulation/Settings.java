package io.sidstream.job.simulation;

import io.sidstream.job.config.JobConfig;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The settings of a simulated job: a model as small as can be.
 *
 * @param shards of the learner
 * @param gate whether the gate judges
 * @param timed whether a round begins after some time with less than it wants
 * @param publishEvery rounds from one publication of the recommenders to the next
 */
record Settings(int shards, boolean gate, boolean timed, int publishEvery) {
  static final int DIM = 4;
  static final int ID_DIM = 2;
  static final int BOOTSTRAP_ITEMS = 8;
  static final int BOOTSTRAP_EVENTS = 12;
  static final int ROUND_EVENTS = 12;

  private static final Map<Settings, JobConfig> CONFIGS = new ConcurrentHashMap<>();

  JobConfig config() {
    return CONFIGS.computeIfAbsent(this, Settings::make);
  }

  private JobConfig make() {
    Map<String, String> values = new HashMap<>();
    values.put("max-parallelism", "8");
    values.put("content.dim", Integer.toString(DIM));
    values.put("encoder.hidden", "4");
    values.put("quantizer.levels", "2");
    values.put("quantizer.metrics", "cosine,euclidean");
    values.put("quantizer.dim", "4");
    values.put("quantizer.codebook-size", "4");
    values.put("id.dim", Integer.toString(ID_DIM));
    values.put("recommender.heads", "1");
    values.put("recommender.layers", "1");
    values.put("recommender.max-length", "5");
    values.put("recommender.negatives", "4");
    values.put("learn.step-positions", "8");
    values.put("learn.shards", Integer.toString(shards));
    values.put("bootstrap.items", Integer.toString(BOOTSTRAP_ITEMS));
    values.put("bootstrap.interactions", Integer.toString(BOOTSTRAP_EVENTS));
    values.put("bootstrap.max-steps", "2");
    values.put("bootstrap.timeout", timed ? "4 s" : "1 h");
    values.put("learn.round-interactions", Integer.toString(ROUND_EVENTS));
    values.put("learn.round-steps", "1");
    values.put("learn.round-interval", timed ? "2 s" : "1 h");
    values.put("quantizer.round-every", "2");
    values.put("quantizer.steps", "2");
    values.put("quantizer.learning-rate", "0.05");
    values.put("quantizer.decay", "0.6");
    values.put("quantizer.churn-budget", "1");
    values.put("gate.enabled", Boolean.toString(gate));
    values.put("learn.duty-cycle", "1");
    values.put("learn.publish-every", Integer.toString(publishEvery));
    return JobConfig.of(values);
  }
}
