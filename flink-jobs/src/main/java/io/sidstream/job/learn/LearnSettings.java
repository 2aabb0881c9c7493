package io.sidstream.job.learn;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.model.content.RqVaeConfig.StraightThrough;
import io.sidstream.model.learn.GateRules;
import io.sidstream.model.learn.LearnPlan;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.train.JointConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.configuration.ConfigOption;

/** What a job's configuration says of learning. */
public final class LearnSettings {
  /** Rounds that a bootstrap is cut into where there are several shards. */
  private static final int EXCHANGES = 10;

  /** Share of a batch's positions that is of windows with something new. */
  private static final double RECENT_SHARE = .5;

  private LearnSettings() {}

  /** The plan that the configuration comes to. */
  public static LearnPlan plan(JobConfig c) {
    return new LearnPlan(
        model(c),
        c.get(JobOptions.SEED),
        c.get(JobOptions.LEARN_SHARDS),
        new LearnPlan.Rounds(
            c.get(JobOptions.LEARN_ROUND_INTERACTIONS),
            c.get(JobOptions.LEARN_ROUND_STEPS),
            c.get(JobOptions.QUANTIZER_ROUND_EVERY),
            c.get(JobOptions.QUANTIZER_STEPS)),
        new LearnPlan.Steps(c.get(JobOptions.LEARN_STEP_POSITIONS), RECENT_SHARE),
        new LearnPlan.Bootstrap(
            c.get(JobOptions.BOOTSTRAP_PASSES),
            c.get(JobOptions.BOOTSTRAP_MAX_STEPS),
            Math.min(LearnPlan.LEAST_STEPS, c.get(JobOptions.BOOTSTRAP_MAX_STEPS)),
            EXCHANGES),
        new GateRules(
            c.get(JobOptions.GATE_ENABLED),
            c.get(JobOptions.GATE_MIN_UTILISATION),
            c.get(JobOptions.GATE_MIN_ALONE),
            c.get(JobOptions.GATE_MAX_RECONSTRUCTION_GROWTH),
            c.get(JobOptions.GATE_MAX_HR_DROP),
            c.get(JobOptions.QUANTIZER_CHURN_BUDGET)),
        c.get(JobOptions.GATE_HOLDOUT));
  }

  private static JointConfig model(JobConfig c) {
    boolean hasId = c.get(JobOptions.ID_DIM) > 0;
    return JointConfig.builder()
        .variant(hasId ? JointConfig.Variant.UNIFIED : JointConfig.Variant.SEMANTIC)
        .contentDim(c.get(JobOptions.CONTENT_DIM))
        .hidden(c.get(JobOptions.ENCODER_HIDDEN))
        .semanticDim(c.get(JobOptions.QUANTIZER_DIM))
        .idDim(Math.max(1, c.get(JobOptions.ID_DIM)))
        .idDropout(c.get(JobOptions.ID_DROPOUT).floatValue())
        .idLearningRate(c.get(JobOptions.ID_LEARNING_RATE).floatValue())
        .semanticDropout(c.get(JobOptions.RECOMMENDER_SEMANTIC_DROPOUT).floatValue())
        .semanticShare(hasId ? c.get(JobOptions.RECOMMENDER_SEMANTIC_SHARE).floatValue() : 0f)
        .straightThrough(StraightThrough.ROTATION)
        .metrics(
            c.get(JobOptions.QUANTIZER_METRICS).stream()
                .map(m -> Metric.valueOf(m.toUpperCase(Locale.ROOT)))
                .toList())
        .codewords(c.get(JobOptions.QUANTIZER_CODEBOOK_SIZE))
        .loss(JointConfig.Loss.SOFTMAX)
        .sharedNegatives(c.get(JobOptions.RECOMMENDER_NEGATIVES))
        .maxTargets(c.get(JobOptions.LEARN_STEP_TARGETS))
        .maxDecoded(LearnPlan.STEP_DECODED)
        .logQ(0f)
        .blocks(c.get(JobOptions.RECOMMENDER_LAYERS))
        .heads(c.get(JobOptions.RECOMMENDER_HEADS))
        .maxLen(c.get(JobOptions.RECOMMENDER_MAX_LENGTH))
        .dropout(c.get(JobOptions.RECOMMENDER_DROPOUT).floatValue())
        .learningRate(c.get(JobOptions.RECOMMENDER_LEARNING_RATE).floatValue())
        .slowLearningRate(c.get(JobOptions.QUANTIZER_LEARNING_RATE).floatValue())
        .slowCodebookDecay(c.get(JobOptions.QUANTIZER_DECAY).floatValue())
        .build();
  }

  /**
   * The settings that are fixed once a job has state, as key=value: those that the sizes of a model
   * and of its state depend on, where users and draws belong, what vectors mean, and whether tokens
   * are made unique, which cannot be begun beside tokens that repeat.
   */
  static String[] shape(JobConfig c) {
    Stream<ConfigOption<?>> fixed =
        Stream.of(
            JobOptions.CONTENT_DIM,
            JobOptions.ENCODER_HIDDEN,
            JobOptions.QUANTIZER_LEVELS,
            JobOptions.QUANTIZER_CODEBOOK_SIZE,
            JobOptions.QUANTIZER_METRICS,
            JobOptions.QUANTIZER_DIM,
            JobOptions.ID_DIM,
            JobOptions.RECOMMENDER_LAYERS,
            JobOptions.RECOMMENDER_HEADS,
            JobOptions.RECOMMENDER_MAX_LENGTH,
            JobOptions.RECOMMENDER_SEMANTIC_SHARE,
            JobOptions.LEARN_SHARDS,
            JobOptions.SEED,
            JobOptions.GATE_HOLDOUT,
            JobOptions.EMBED_MODEL,
            JobOptions.EMBED_POOLING,
            JobOptions.EMBED_MAX_TOKENS);
    boolean repeat = c.get(JobOptions.RESOLVE_STRATEGY) == JobOptions.ResolveStrategy.NONE;
    String unique =
        JobOptions.RESOLVE_STRATEGY.key() + "=" + (repeat ? "none" : "nearest-free or suffix");
    return Stream.concat(fixed.map(o -> o.key() + "=" + c.get(o)), Stream.of(unique))
        .toArray(String[]::new);
  }

  /**
   * Refuses to go on with state that was made under other settings. One that the state does not
   * name was not fixed when it was made.
   *
   * @throws IllegalStateException names each of them and the fix
   */
  static void requireShape(String[] stateShape, String[] configured) {
    Set<String> fixed = Stream.of(stateShape).map(LearnSettings::key).collect(Collectors.toSet());
    List<String> was = new ArrayList<>(List.of(stateShape));
    List<String> now = new ArrayList<>(List.of(configured));
    Set<String> same = was.stream().filter(now::contains).collect(Collectors.toSet());
    was.removeAll(same);
    now.removeAll(same);
    now.removeIf(setting -> !fixed.contains(key(setting)));
    if (!now.isEmpty()) {
      throw new IllegalStateException(
          "the configuration has "
              + String.join(", ", now)
              + ", but the job's state was made with "
              + String.join(", ", was)
              + ", which is fixed once a job has state: set it so again, or start a job without state under"
              + " another topics.prefix and kafka.group");
    }
  }

  private static String key(String setting) {
    return setting.substring(0, setting.indexOf('='));
  }
}
