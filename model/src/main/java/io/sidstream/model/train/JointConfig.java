package io.sidstream.model.train;

import io.sidstream.model.content.RqVaeConfig;
import io.sidstream.model.content.RqVaeConfig.StraightThrough;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.recommend.RecommenderShape;
import io.sidstream.model.recommend.SequenceRecommender;
import io.sidstream.model.recommend.Tower;
import java.util.List;

/**
 * Every knob of joint training, validated. {@link #builder()} starts from the paper's values (arXiv
 * 2502.16474), but for the sampled softmax and a codebook decay of .9 instead of .8.
 *
 * @param variant what an item's representation is made of
 * @param contentDim width of a content vector, D_x
 * @param hidden hidden layers of the encoder; the decoder mirrors them
 * @param semanticDim width of z, D_2
 * @param idDim width of an ID embedding, D_1
 * @param metrics metric of each level; their number is L
 * @param codewords codewords of a level, K
 * @param loss recommendation loss
 * @param sharedNegatives uniform negatives that a batch shares under SOFTMAX
 * @param temperature scores are divided by it under SOFTMAX
 * @param logQ how much of the log of each candidate's probability to be in a batch is taken from
 *     its score under SOFTMAX: 1 for all (scores are then those of a softmax over all items), 0 for
 *     none (popular items, which are in more batches, are pushed down)
 * @param blocks transformer blocks
 * @param heads attention heads
 * @param ffn width of the feed-forward layer
 * @param maxLen longest sequence
 * @param dropout dropout of the recommender
 * @param idDropout probability that an item of a batch is shown without its ID embedding, so that
 *     items without one are served too
 * @param semanticDropout probability that a step is taken without z, on ID embeddings alone, so
 *     that they learn what they can say by themselves
 * @param semanticShare share in a ranking of a second recommender that reads z; 0 for none. It
 *     learns in every step, its loss is added, and its gradient reaches z too
 * @param semanticIdDim numbers of an ID embedding, its first ones, that the second recommender
 *     reads beside z; 0 for z alone. In each step they are hidden from it as {@code idDropout} says
 * @param semanticTemperature what its scores are divided by, besides the temperature, before they
 *     become probabilities in a ranking: above 1 they are flatter, and the first recommender
 *     decides among the items that it is sure of
 * @param idStart what the ID embedding of a new item starts as
 * @param maxTargets candidates that are targets of a batch, at most, under SOFTMAX: beyond it a
 *     uniform sample of them stands for all, with its weight
 * @param maxDecoded items of a batch that are decoded, at most: beyond it an even sample of them
 *     stands for the reconstruction of all
 * @param batchUsers users of a batch
 * @param learningRate Adam's learning rate
 * @param idLearningRate learning rate of the ID embeddings
 * @param slowLearningRate learning rate of the quantizer in a slow phase
 * @param codebookDecay decay of the codebooks' moving averages
 * @param slowCodebookDecay the same in a slow phase
 * @param reconstructionWeight weight of the reconstruction loss
 * @param commitmentWeight weight of the commitment losses
 * @param straightThrough how the gradient of z reaches the encoder
 */
public record JointConfig(
    Variant variant,
    int contentDim,
    List<Integer> hidden,
    int semanticDim,
    int idDim,
    List<Metric> metrics,
    int codewords,
    Loss loss,
    int sharedNegatives,
    float temperature,
    float logQ,
    int blocks,
    int heads,
    int ffn,
    int maxLen,
    float dropout,
    float idDropout,
    float semanticDropout,
    float semanticShare,
    int semanticIdDim,
    float semanticTemperature,
    IdStart idStart,
    int maxTargets,
    int maxDecoded,
    int batchUsers,
    float learningRate,
    float idLearningRate,
    float slowLearningRate,
    float codebookDecay,
    float slowCodebookDecay,
    float reconstructionWeight,
    float commitmentWeight,
    StraightThrough straightThrough) {

  /** What an item's representation is made of. */
  public enum Variant {
    /** s = [z ‖ e]. */
    UNIFIED,
    /** s = e: no content, no quantizer. */
    ID,
    /** s = z: no ID embedding. */
    SEMANTIC
  }

  /** The recommendation loss. */
  public enum Loss {
    /** Sampled softmax over the batch's targets and shared negatives. */
    SOFTMAX,
    /** Binary cross-entropy with one negative per position. */
    BCE
  }

  /** What the ID embedding of a new item starts as. */
  public enum IdStart {
    /** Zero: the item is its semantics until it is learnt. */
    ZERO,
    /** N(0, 0.02), a function of seed and index. */
    RANDOM,
    /**
     * The mean of the trained embeddings of the items that share all codes but the last; zero
     * without any.
     */
    PREFIX_MEAN
  }

  /** Checks every knob; a message names the knob, its value and the range. */
  public JointConfig {
    hidden = List.copyOf(hidden);
    metrics = List.copyOf(metrics);
    atLeast("contentDim", contentDim, 1);
    for (int h : hidden) {
      atLeast("hidden", h, 1);
    }
    atLeast("semanticDim", semanticDim, 1);
    atLeast("idDim", idDim, 1);
    if (metrics.isEmpty()) {
      throw new IllegalArgumentException("metrics is empty; name the metric of one level or more");
    }
    if (codewords < 2 || codewords > Codebook.MAX_SIZE) {
      throw new IllegalArgumentException(
          "codewords is " + codewords + "; it must be in 2.." + Codebook.MAX_SIZE);
    }
    atLeast("sharedNegatives", sharedNegatives, 1);
    atLeast("maxTargets", maxTargets, 1);
    atLeast("maxDecoded", maxDecoded, 1);
    positive("temperature", temperature);
    if (!(logQ >= 0f && logQ <= 1f)) {
      throw new IllegalArgumentException("logQ is " + logQ + "; it must be in [0, 1]");
    }
    atLeast("maxLen", maxLen, 1);
    unit("idDropout", idDropout, true);
    unit("semanticDropout", semanticDropout, true);
    unit("semanticShare", semanticShare, true);
    positive("semanticTemperature", semanticTemperature);
    if (semanticShare > 0f && variant != Variant.UNIFIED) {
      throw new IllegalArgumentException(
          "semanticShare is "
              + semanticShare
              + "; a second recommender that reads z is for variant UNIFIED, not "
              + variant);
    }
    atLeast("semanticIdDim", semanticIdDim, 0);
    if (semanticIdDim > idDim) {
      throw new IllegalArgumentException(
          "semanticIdDim is " + semanticIdDim + "; an ID embedding has " + idDim + " numbers");
    }
    atLeast("batchUsers", batchUsers, 1);
    positive("learningRate", learningRate);
    positive("idLearningRate", idLearningRate);
    positive("slowLearningRate", slowLearningRate);
    unit("codebookDecay", codebookDecay, false);
    unit("slowCodebookDecay", slowCodebookDecay, false);
    notNegative("reconstructionWeight", reconstructionWeight);
    notNegative("commitmentWeight", commitmentWeight);
    if (variant == Variant.ID && idStart != IdStart.RANDOM) {
      throw new IllegalArgumentException(
          "idStart is "
              + idStart
              + "; variant ID has nothing but ID embeddings, so it must be RANDOM");
    }
    // Check dim, heads, ffn, blocks and dropout.
    new RecommenderShape(width(variant, semanticDim, idDim), heads, ffn, blocks, maxLen, dropout);
    if (semanticShare > 0f) {
      new RecommenderShape(semanticDim + semanticIdDim, heads, ffn, blocks, maxLen, dropout);
    }
  }

  private static int width(Variant variant, int semanticDim, int idDim) {
    return switch (variant) {
      case UNIFIED -> semanticDim + idDim;
      case ID -> idDim;
      case SEMANTIC -> semanticDim;
    };
  }

  /** Width of a representation s: that of what the variant joins. */
  public int dim() {
    return width(variant, semanticDim, idDim);
  }

  /** Number of levels, L. */
  public int levels() {
    return metrics.size();
  }

  /** Whether there is a quantizer. */
  public boolean hasSemantic() {
    return variant != Variant.ID;
  }

  /** Whether there are ID embeddings. */
  public boolean hasId() {
    return variant != Variant.SEMANTIC;
  }

  /** The sizes of the recommender. */
  public RecommenderShape recommenderShape() {
    return new RecommenderShape(dim(), heads, ffn, blocks, maxLen, dropout);
  }

  /** Width of what the second recommender reads. */
  public int semanticWidth() {
    return semanticDim + semanticIdDim;
  }

  /** The sizes of the second recommender. */
  public RecommenderShape semanticShape() {
    return new RecommenderShape(semanticWidth(), heads, ffn, blocks, maxLen, dropout);
  }

  /** How the second recommender takes part in a ranking. */
  public Tower semanticTower(SequenceRecommender second) {
    return new Tower(second, 0, semanticWidth(), temperature * semanticTemperature, semanticShare);
  }

  /** Shape and losses of the quantizer. */
  public RqVaeConfig quantizerConfig() {
    return new RqVaeConfig(
        contentDim,
        hidden,
        semanticDim,
        codewords,
        metrics,
        straightThrough,
        reconstructionWeight,
        commitmentWeight);
  }

  private static void atLeast(String name, int value, int least) {
    if (value < least) {
      throw new IllegalArgumentException(
          name + " is " + value + "; it must be " + least + " or more");
    }
  }

  private static void positive(String name, float value) {
    if (!(value > 0f && value < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(name + " is " + value + "; it must be above 0");
    }
  }

  private static void notNegative(String name, float value) {
    if (!(value >= 0f && value < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException(name + " is " + value + "; it must be 0 or more");
    }
  }

  private static void unit(String name, float value, boolean zero) {
    if (!(value < 1f && (zero ? value >= 0f : value > 0f))) {
      throw new IllegalArgumentException(
          name + " is " + value + "; it must be in " + (zero ? "[" : "(") + "0, 1)");
    }
  }

  /** A builder that holds the defaults. */
  public static Builder builder() {
    return new Builder();
  }

  /** A builder that holds these values. */
  public Builder toBuilder() {
    Builder b = new Builder();
    b.variant = variant;
    b.contentDim = contentDim;
    b.hidden = hidden;
    b.semanticDim = semanticDim;
    b.idDim = idDim;
    b.metrics = metrics;
    b.codewords = codewords;
    b.loss = loss;
    b.sharedNegatives = sharedNegatives;
    b.temperature = temperature;
    b.logQ = logQ;
    b.blocks = blocks;
    b.heads = heads;
    b.ffn = ffn;
    b.maxLen = maxLen;
    b.dropout = dropout;
    b.idDropout = idDropout;
    b.semanticDropout = semanticDropout;
    b.semanticShare = semanticShare;
    b.semanticIdDim = semanticIdDim;
    b.semanticTemperature = semanticTemperature;
    b.idStart = idStart;
    b.maxTargets = maxTargets;
    b.maxDecoded = maxDecoded;
    b.batchUsers = batchUsers;
    b.learningRate = learningRate;
    b.idLearningRate = idLearningRate;
    b.slowLearningRate = slowLearningRate;
    b.codebookDecay = codebookDecay;
    b.slowCodebookDecay = slowCodebookDecay;
    b.reconstructionWeight = reconstructionWeight;
    b.commitmentWeight = commitmentWeight;
    b.straightThrough = straightThrough;
    return b;
  }

  /** Sets single knobs; {@link #build} validates. */
  public static final class Builder {
    private Variant variant = Variant.UNIFIED;
    private int contentDim = 384;
    private List<Integer> hidden = List.of(512, 256);
    private int semanticDim = 64;
    private int idDim = 8;
    private List<Metric> metrics = List.of(Metric.COSINE, Metric.COSINE, Metric.EUCLIDEAN);
    private int codewords = 256;
    private Loss loss = Loss.SOFTMAX;
    private int sharedNegatives = 1024;
    private float temperature = 1f;
    private float logQ = 1f;
    private int blocks = 2;
    private int heads = 2;
    private int ffn = 256;
    private int maxLen = 50;
    private float dropout = 0.5f;
    private float idDropout = 0f;
    private float semanticDropout = 0f;
    private float semanticShare = 0f;
    private int semanticIdDim = 0;
    private float semanticTemperature = 1f;
    private IdStart idStart = IdStart.ZERO;
    private int maxTargets = Integer.MAX_VALUE;
    private int maxDecoded = Integer.MAX_VALUE;
    private int batchUsers = 256;
    private float learningRate = 1e-3f;
    private Float idLearningRate;
    private float slowLearningRate = 5e-5f;
    private float codebookDecay = 0.9f;
    private float slowCodebookDecay = 0.999f;
    private float reconstructionWeight = 1f;
    private float commitmentWeight = 1f;
    private StraightThrough straightThrough = StraightThrough.PER_LEVEL;

    private Builder() {}

    /** See {@link JointConfig#variant}. */
    public Builder variant(Variant value) {
      variant = value;
      return this;
    }

    /** See {@link JointConfig#contentDim}. */
    public Builder contentDim(int value) {
      contentDim = value;
      return this;
    }

    /** See {@link JointConfig#hidden}. */
    public Builder hidden(List<Integer> value) {
      hidden = value;
      return this;
    }

    /** See {@link JointConfig#semanticDim}. */
    public Builder semanticDim(int value) {
      semanticDim = value;
      return this;
    }

    /** See {@link JointConfig#idDim}. */
    public Builder idDim(int value) {
      idDim = value;
      return this;
    }

    /** See {@link JointConfig#metrics}. */
    public Builder metrics(List<Metric> value) {
      metrics = value;
      return this;
    }

    /** See {@link JointConfig#codewords}. */
    public Builder codewords(int value) {
      codewords = value;
      return this;
    }

    /** See {@link JointConfig#loss}. */
    public Builder loss(Loss value) {
      loss = value;
      return this;
    }

    /** See {@link JointConfig#sharedNegatives}. */
    public Builder sharedNegatives(int value) {
      sharedNegatives = value;
      return this;
    }

    /** See {@link JointConfig#logQ}. */
    public Builder logQ(float value) {
      logQ = value;
      return this;
    }

    /** See {@link JointConfig#temperature}. */
    public Builder temperature(float value) {
      temperature = value;
      return this;
    }

    /** See {@link JointConfig#blocks}. */
    public Builder blocks(int value) {
      blocks = value;
      return this;
    }

    /** See {@link JointConfig#heads}. */
    public Builder heads(int value) {
      heads = value;
      return this;
    }

    /** See {@link JointConfig#ffn}. */
    public Builder ffn(int value) {
      ffn = value;
      return this;
    }

    /** See {@link JointConfig#maxLen}. */
    public Builder maxLen(int value) {
      maxLen = value;
      return this;
    }

    /** See {@link JointConfig#dropout}. */
    public Builder dropout(float value) {
      dropout = value;
      return this;
    }

    /** See {@link JointConfig#idDropout}. */
    public Builder idDropout(float value) {
      idDropout = value;
      return this;
    }

    /** See {@link JointConfig#semanticShare}. */
    public Builder semanticShare(float value) {
      semanticShare = value;
      return this;
    }

    /** See {@link JointConfig#semanticIdDim}. */
    public Builder semanticIdDim(int value) {
      semanticIdDim = value;
      return this;
    }

    /** See {@link JointConfig#semanticTemperature}. */
    public Builder semanticTemperature(float value) {
      semanticTemperature = value;
      return this;
    }

    /** See {@link JointConfig#semanticDropout}. */
    public Builder semanticDropout(float value) {
      semanticDropout = value;
      return this;
    }

    /** See {@link JointConfig#idStart}. */
    public Builder idStart(IdStart value) {
      idStart = value;
      return this;
    }

    /** See {@link JointConfig#maxTargets}. */
    public Builder maxTargets(int value) {
      maxTargets = value;
      return this;
    }

    /** See {@link JointConfig#maxDecoded}. */
    public Builder maxDecoded(int value) {
      maxDecoded = value;
      return this;
    }

    /** See {@link JointConfig#batchUsers}. */
    public Builder batchUsers(int value) {
      batchUsers = value;
      return this;
    }

    /** See {@link JointConfig#learningRate}. */
    public Builder learningRate(float value) {
      learningRate = value;
      return this;
    }

    /** See {@link JointConfig#idLearningRate}; without it that of {@link #learningRate}. */
    public Builder idLearningRate(float value) {
      idLearningRate = value;
      return this;
    }

    /** See {@link JointConfig#slowLearningRate}. */
    public Builder slowLearningRate(float value) {
      slowLearningRate = value;
      return this;
    }

    /** See {@link JointConfig#codebookDecay}. */
    public Builder codebookDecay(float value) {
      codebookDecay = value;
      return this;
    }

    /** See {@link JointConfig#slowCodebookDecay}. */
    public Builder slowCodebookDecay(float value) {
      slowCodebookDecay = value;
      return this;
    }

    /** See {@link JointConfig#reconstructionWeight}. */
    public Builder reconstructionWeight(float value) {
      reconstructionWeight = value;
      return this;
    }

    /** See {@link JointConfig#commitmentWeight}. */
    public Builder commitmentWeight(float value) {
      commitmentWeight = value;
      return this;
    }

    /** See {@link JointConfig#straightThrough}. */
    public Builder straightThrough(StraightThrough value) {
      straightThrough = value;
      return this;
    }

    /** The configuration; a knob out of range is refused with its name. */
    public JointConfig build() {
      return new JointConfig(
          variant,
          contentDim,
          hidden,
          semanticDim,
          idDim,
          metrics,
          codewords,
          loss,
          sharedNegatives,
          temperature,
          logQ,
          blocks,
          heads,
          ffn,
          maxLen,
          dropout,
          idDropout,
          semanticDropout,
          semanticShare,
          semanticIdDim,
          semanticTemperature,
          idStart,
          maxTargets,
          maxDecoded,
          batchUsers,
          learningRate,
          idLearningRate != null ? idLearningRate : learningRate,
          slowLearningRate,
          codebookDecay,
          slowCodebookDecay,
          reconstructionWeight,
          commitmentWeight,
          straightThrough);
    }
  }
}
