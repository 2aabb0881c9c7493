package io.sidstream.cli.feed;

import io.sidstream.cli.UsageException;
import io.sidstream.cli.data.DataSet;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.flink.configuration.ConfigOption;

/**
 * The job's configuration for a data set: what the caller has not set is fitted to it, so that a
 * small catalogue also gets its first model early, and codebooks that it can fill.
 *
 * <p>The demo runs with it, and {@code sidstream init} writes it down; {@link #rule} tells what
 * each value comes from.
 */
public final class FittedConfig {
  private static final int SMALL = 5_000;
  private static final int LEAST_CODEWORDS = 8;

  /** To which data sets the rules apply. */
  public static final String BOUNDS =
      "Values are only made smaller than the defaults; a catalogue of 5,000 items or more keeps them.";

  private static final Map<ConfigOption<?>, String> RULES =
      Map.of(
          JobOptions.CONTENT_DIM,
          "Length of a content vector: of the vectors that the items bring, else of those that embed.model makes. Fixed once a job has state.",
          JobOptions.QUANTIZER_LEVELS,
          "L, codes of a token: the default, whatever the data. Fixed once a job has state.",
          JobOptions.QUANTIZER_CODEBOOK_SIZE,
          "K, codewords of a level: the greatest power of two up to an eighth of the items, 8 at least. Fixed once a job has state.",
          JobOptions.BOOTSTRAP_ITEMS,
          "Items that the first model waits for: two fifths of them, and no fewer than K.",
          JobOptions.BOOTSTRAP_INTERACTIONS,
          "Interactions that the first model waits for: a fifth of them.",
          JobOptions.LEARN_ROUND_INTERACTIONS,
          "New interactions that start a round of learning: a twentieth of those there are; the default where there are none.");

  private final Path conf;
  private final List<String> sets;
  private final DataSet set;
  private final NpyVectors vectors;
  private final boolean synthetic;
  private final boolean fit;

  /**
   * For a data set.
   *
   * @param conf configuration file, or null
   * @param sets settings that win over it
   * @param vectors content vectors that are sent instead of text, or null
   * @param synthetic whether the data are generated
   * @param maxItems how many items were taken; 0 for all
   * @throws UsageException where there are too few items for any model
   */
  public FittedConfig(
      Path conf,
      List<String> sets,
      DataSet set,
      NpyVectors vectors,
      boolean synthetic,
      int maxItems) {
    this.conf = conf;
    this.sets = sets;
    this.set = set;
    this.vectors = vectors;
    this.synthetic = synthetic;
    this.fit = synthetic || maxItems > 0 || set.items().size() < SMALL;
    if (set.items().size() < LEAST_CODEWORDS) {
      throw new UsageException(
          "--data has %d items, a model of its own needs %d or more: run 'sidstream demo' on the synthetic catalogue, and 'sidstream load items' into it"
              .formatted(set.items().size(), LEAST_CODEWORDS));
    }
  }

  /**
   * What the value of a setting comes from, in a line.
   *
   * @throws IllegalArgumentException where no rule is of it
   */
  public static String rule(ConfigOption<?> option) {
    String rule = RULES.get(option);
    if (rule == null) {
      throw new IllegalArgumentException("no rule is of " + option.key());
    }
    return rule;
  }

  /** The settings as they were asked for, with the length of the vectors. */
  public JobConfig asked() {
    List<String> all = new ArrayList<>();
    contentDim(all);
    all.addAll(sets);
    return JobConfig.load(conf, all);
  }

  /**
   * The configuration.
   *
   * @param bootstrap broker; null for a look at the settings
   */
  public JobConfig config(String bootstrap) {
    JobConfig asked = JobConfig.load(conf, sets);
    List<String> all = new ArrayList<>();
    if (fit) {
      int items = set.items().size();
      int codewords = codewords(items);
      // A codebook needs as many items as it has codewords.
      smaller(all, asked, JobOptions.BOOTSTRAP_ITEMS, Math.max(items * 2 / 5, codewords));
      smaller(all, asked, JobOptions.BOOTSTRAP_INTERACTIONS, set.interactions() / 5);
      if (set.interactions() > 0) {
        smaller(
            all, asked, JobOptions.LEARN_ROUND_INTERACTIONS, Math.max(1, set.interactions() / 20));
      }
      smaller(all, asked, JobOptions.QUANTIZER_CODEBOOK_SIZE, codewords);
    }
    if (synthetic) {
      smaller(all, asked, JobOptions.BOOTSTRAP_MAX_STEPS, 200);
      smaller(all, asked, JobOptions.LEARN_ROUND_STEPS, 30);
      smaller(all, asked, JobOptions.QUANTIZER_STEPS, 30);
      smaller(all, asked, JobOptions.QUANTIZER_ROUND_EVERY, 4);
    }
    contentDim(all);
    // As long as the broker of the demo lets a transaction live: a run may be stopped for long
    // before it goes on.
    all.add(JobOptions.KAFKA_TRANSACTION_TIMEOUT.key() + "=1 d");
    if (bootstrap != null) {
      // The other half of this machine's processors learns.
      smaller(
          all,
          asked,
          JobOptions.PARALLELISM,
          Math.max(1, Runtime.getRuntime().availableProcessors() / 2));
    }
    all.addAll(sets);
    if (bootstrap != null) {
      all.add(JobOptions.KAFKA_BOOTSTRAP.key() + "=" + bootstrap);
    }
    return JobConfig.load(conf, all);
  }

  private void contentDim(List<String> all) {
    float[] own = set.items().get(0).vector();
    if (vectors != null || own != null) {
      int dim = vectors != null ? vectors.dim() : own.length;
      all.add(JobOptions.CONTENT_DIM.key() + "=" + dim);
    }
  }

  private static int codewords(int items) {
    return Math.max(LEAST_CODEWORDS, Integer.highestOneBit(Math.max(1, items / 8)));
  }

  private static boolean isDefault(JobConfig asked, ConfigOption<?> option) {
    return asked.get(option).equals(option.defaultValue());
  }

  private static void smaller(
      List<String> all, JobConfig asked, ConfigOption<Integer> option, int value) {
    if (isDefault(asked, option) && value < option.defaultValue()) {
      all.add(option.key() + "=" + value);
    }
  }
}
