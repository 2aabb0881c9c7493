package io.sidstream.cli.feed;

import io.sidstream.cli.UsageException;
import io.sidstream.cli.data.DataSet;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.configuration.ConfigOption;

/**
 * The job's configuration for a data set: what the caller has not set is fitted to it, so that a
 * small catalogue also gets its first model early, and codebooks that it can fill.
 *
 * <ul>
 *   <li>Codewords: the greatest power of two up to an eighth of the items, at least 8.
 *   <li>The first model waits for two fifths of the items and a fifth of the interactions.
 *   <li>A round is a twentieth of the interactions.
 * </ul>
 *
 * Values are only made smaller than the defaults. A catalogue of {@value #SMALL} items or more
 * keeps the defaults, unless only its first items are taken.
 */
public final class FittedConfig {
  private static final int SMALL = 5_000;
  private static final int LEAST_CODEWORDS = 8;

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
      smaller(
          all, asked, JobOptions.LEARN_ROUND_INTERACTIONS, Math.max(1, set.interactions() / 20));
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
