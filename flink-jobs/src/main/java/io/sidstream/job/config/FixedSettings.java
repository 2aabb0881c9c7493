package io.sidstream.job.config;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.flink.configuration.ConfigOption;

/**
 * Settings that are fixed once a job has state: what they decided is in the state, and another
 * value would mix what does not go together, such as vectors of two text models in one space.
 */
public final class FixedSettings {
  private static final List<ConfigOption<?>> OPTIONS =
      List.of(
          JobOptions.SEED,
          JobOptions.CONTENT_DIM,
          JobOptions.EMBED_MODEL,
          JobOptions.EMBED_MAX_TOKENS,
          JobOptions.QUANTIZER_LEVELS,
          JobOptions.QUANTIZER_CODEBOOK_SIZE,
          JobOptions.QUANTIZER_METRICS,
          JobOptions.QUANTIZER_DIM,
          JobOptions.ID_DIM,
          JobOptions.ENCODER_HIDDEN,
          JobOptions.RECOMMENDER_LAYERS,
          JobOptions.RECOMMENDER_HEADS,
          JobOptions.RECOMMENDER_MAX_LENGTH,
          JobOptions.GATE_HOLDOUT);

  private FixedSettings() {}

  /** The settings of a configuration, as {@code key=value} each: to be kept with the state. */
  public static List<String> of(JobConfig config) {
    return OPTIONS.stream().map(o -> o.key() + "=" + config.shown(o.key())).toList();
  }

  /**
   * Refuses to go on with state that was made with other settings.
   *
   * @param then what {@link #of} gave when the state was written; a setting that it does not have
   *     was not fixed then
   * @throws ConfigException names the settings, both values and what to do
   */
  public static void refuseOthers(List<String> then, JobConfig config) {
    List<String> was = new ArrayList<>(then);
    List<String> now = new ArrayList<>(of(config));
    Set<String> keys = then.stream().map(FixedSettings::key).collect(Collectors.toSet());
    now.removeIf(setting -> !keys.contains(key(setting)) || then.contains(setting));
    was.removeAll(of(config));
    if (!now.isEmpty()) {
      throw new ConfigException(
          "the configuration has "
              + String.join(", ", now)
              + ", but the job's state was made with "
              + String.join(", ", was)
              + ", which is fixed once a job has state: set it so again, or start a job without state under another topics.prefix and kafka.group");
    }
  }

  private static String key(String setting) {
    return setting.substring(0, setting.indexOf('='));
  }
}
