package io.sidstream.model.train;

import io.sidstream.model.content.RqVae;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.NotFiniteException;
import io.sidstream.model.math.Rng;
import io.sidstream.model.math.Threads;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.recommend.BinaryCrossEntropy;
import io.sidstream.model.recommend.Representations;
import io.sidstream.model.recommend.SampledSoftmax;
import io.sidstream.model.recommend.SequenceRecommender;
import io.sidstream.model.recommend.Tower;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ForkJoinTask;
import java.util.stream.IntStream;

/**
 * Joint training of quantizer and recommender (arXiv 2502.16474, section 3): loss = recommendation
 * + reconstruction + commitment, end to end. Each distinct item of a batch is encoded once and
 * counts once in the codebooks' averages.
 *
 * <pre>{@code
 * JointTrainer trainer = new JointTrainer(config, items, users, seed);
 * trainer.initialiseCodebooks(8192);
 * trainer.step(batchOfUsers, Phase.JOINT);             // as often as wanted
 * trainer.adopt(trainer.candidate(new float[] {0, 0, 0}));  // z of this tokenizer is what is served
 * trainer.step(batchOfUsers, Phase.RECOMMENDER);       // tokens stay as they are
 * }</pre>
 *
 * <p>As {@link Representations} it shows what is served: z of the tokenizer that was adopted, and
 * the ID embeddings as they stand. The same seed, tables and calls give the same bits. Not
 * thread-safe.
 */
public final class JointTrainer implements Representations {
  /**
   * 2 added the re-seeded codewords; 1 is read as having none. 3 is 2 with the recommender of z
   * alone after the other, written only where there is one.
   */
  private static final int STATE_FORMAT = 3;

  private static final int ENCODE_CHUNK = 1024;
  private static final float ID_DEVIATION = 0.02f;
  private static final int REFUSALS = 200;

  private final JointConfig config;
  private ItemTable items;
  private final UserSequences users;
  private long seed;
  private Rng rng;
  private final SequenceRecommender recommender;

  /** Reads z, and what of the ID embeddings the configuration says; null for none. */
  private final SequenceRecommender semanticRecommender;

  private final RqVae quantizer;
  private final SampledSoftmax softmax = new SampledSoftmax();
  private TokenizerModel inUse;

  /** Per level, codewords re-seeded since a tokenizer was last taken into use. */
  private final BitSet[] reseeded;

  /** Per level, those re-seeded since {@link #replaceReseeded}. No part of the state. */
  private final BitSet[] reseededHere;

  private long steps;
  private float rate = 1f;

  // The batch: slots are its distinct items, targets and negatives first.
  private int[] slotOf = {};
  private int[] slotStamp = {};
  private int stamp;
  private int[] slots = {};
  private int slotCount;
  private int candidates;
  private int[] offsets = {0};
  private int sequences;
  private int positions;
  private int[] inputItem = {};
  private int[] inputSlot = {};
  private int[] target = {};
  private int[] targetItem = {};

  /** How many of the batch's targets are candidates where they are a sample; 0 for all of them. */
  private int sampledTargets;

  /** Log of their share. */
  private float logShare;

  private int[] negative = {};
  private final int[] window;

  private float[] x = {};
  private float[] s = {};
  private float[] ds = {};
  private float[] dz = {};
  private float[] logQ = {};
  private float[] in = {};
  private float[] dh = {};
  private float[] zs = {};
  private float[] dzs = {};
  private final EncodeResult encoded = new EncodeResult();
  private float[] chunk = {};
  private int[] chunkCodes = {};

  /**
   * A trainer at the start.
   *
   * @param items the table of items; the widths are those of the configuration
   * @param users the users' sequences
   * @param seed everything random is drawn from it
   */
  public JointTrainer(JointConfig config, ItemTable items, UserSequences users, long seed) {
    this.config = config;
    this.items = items;
    this.users = users;
    this.seed = seed;
    rng = new Rng(seed);
    recommender = new SequenceRecommender(config.recommenderShape(), new Rng(seed).stream(1));
    quantizer =
        config.hasSemantic() ? new RqVae(config.quantizerConfig(), new Rng(seed).stream(2)) : null;
    semanticRecommender =
        config.semanticShare() > 0f
            ? new SequenceRecommender(config.semanticShape(), new Rng(seed).stream(3))
            : null;
    window = new int[config.maxLen() + 1];
    reseeded = new BitSet[config.hasSemantic() ? config.levels() : 0];
    Arrays.setAll(reseeded, l -> new BitSet());
    reseededHere = new BitSet[reseeded.length];
    Arrays.setAll(reseededHere, l -> new BitSet());
  }

  /**
   * Goes on with another table, such as the rows that a round works on; what is learnt of an item
   * is in its table alone.
   */
  public void use(ItemTable table) {
    items = table;
  }

  /** An empty item table of the configuration's widths. */
  public static ItemTable newItemTable(JointConfig config) {
    return new ItemTable(
        config.contentDim(),
        config.hasId() ? config.idDim() : 0,
        config.hasSemantic() ? config.semanticDim() : 0,
        config.hasSemantic() ? config.levels() : 0);
  }

  /** The configuration. */
  public JointConfig config() {
    return config;
  }

  /** The recommender, for evaluation. */
  public SequenceRecommender recommender() {
    return recommender;
  }

  /** The second recommender; null for none. */
  public SequenceRecommender semanticRecommender() {
    return semanticRecommender;
  }

  /** The quantizer; null for variant ID. Live. */
  public RqVae quantizer() {
    return quantizer;
  }

  /** Distinct items of the last batch; those of its loss come first. */
  int[] batchItems() {
    return Arrays.copyOf(slots, slotCount);
  }

  /** How many of {@link #batchItems} are candidates of the loss. */
  int batchCandidates() {
    return candidates;
  }

  /** By position of the last batch: place in {@link #batchItems} of its negative, under BCE. */
  int[] batchNegatives() {
    return Arrays.copyOf(negative, positions);
  }

  /**
   * Multiplies the learning rates of the steps from now on; 1 in a new trainer. No part of the
   * state: it belongs to the schedule of who calls.
   */
  public void scaleLearningRates(float factor) {
    // 0 is what a power of a decay comes to.
    if (!(factor >= 0f && factor < Float.POSITIVE_INFINITY)) {
      throw new IllegalArgumentException("factor is " + factor + "; it must be 0 or more");
    }
    rate = factor;
  }

  /** Steps so far. */
  public long steps() {
    return steps;
  }

  /**
   * Per level, distinct codewords that were re-seeded since a tokenizer was last taken into use:
   * the only ones whose meaning changed.
   */
  public long[] reseeded() {
    return Arrays.stream(reseeded).mapToLong(BitSet::cardinality).toArray();
  }

  /** Per level, the codewords that {@link #reseeded()} counts. A copy. */
  public BitSet[] reseededCodewords() {
    return Arrays.stream(reseeded).map(b -> (BitSet) b.clone()).toArray(BitSet[]::new);
  }

  /**
   * Per level, the codewords that this trainer re-seeded since {@link #replaceReseeded}: in a round
   * of several learners, those that are its own. A copy.
   */
  public BitSet[] reseededHere() {
    return Arrays.stream(reseededHere).map(b -> (BitSet) b.clone()).toArray(BitSet[]::new);
  }

  /**
   * Goes on from codebooks that several have learned, in which these codewords were re-seeded since
   * the tokenizer in use; it has re-seeded none itself then.
   */
  public void replaceReseeded(List<BitSet> since) {
    if (since.size() != reseeded.length) {
      throw new IllegalArgumentException(
          "re-seeded codewords of " + since.size() + " levels for " + reseeded.length);
    }
    for (int l = 0; l < reseeded.length; l++) {
      reseeded[l].clear();
      reseeded[l].or(since.get(l));
      reseededHere[l].clear();
    }
  }

  /** The tokenizer that was adopted last, or null. */
  public TokenizerModel inUse() {
    return inUse;
  }

  /**
   * Initialises the codebooks by k-means on the encoder's output for known items.
   *
   * @param atMost known items taken at most, drawn without replacement
   */
  public void initialiseCodebooks(int atMost) {
    int n = Math.min(atMost, items.knownCount());
    int[] order = new int[items.knownCount()];
    for (int i = 0; i < order.length; i++) {
      order[i] = items.knownAt(i);
    }
    for (int i = 0; i < n; i++) {
      int j = i + rng.nextInt(order.length - i);
      int swap = order[i];
      order[i] = order[j];
      order[j] = swap;
    }
    initialiseCodebooks(Arrays.copyOf(order, n));
  }

  /** Initialises the codebooks by k-means on the encoder's output for the rows. */
  public void initialiseCodebooks(int[] rows) {
    requireQuantizer("initialiseCodebooks");
    if (rows.length == 0) {
      throw new IllegalStateException(
          "no item is known, so codebooks cannot be initialised; put items first");
    }
    x = grown(x, rows.length * config.contentDim());
    Kernels.gatherRows(items.content(), 0, config.contentDim(), rows, rows.length, x, 0);
    quantizer.initialiseCodebooks(x, rows.length, rng.split());
  }

  /**
   * Draws from here on what another seed gives: steps that are to be computed again begin with the
   * same one.
   */
  public void reseed(long newSeed) {
    seed = newSeed;
    rng = new Rng(newSeed);
  }

  /** Codewords that are re-seeded count anew: a token version begins. */
  public void forgetReseeded() {
    for (BitSet level : reseeded) {
      level.clear();
    }
  }

  private void requireQuantizer(String what) {
    if (quantizer == null) {
      throw new IllegalStateException(what + ": variant " + config.variant() + " has no quantizer");
    }
  }

  /**
   * One step of Adam on a batch of users. Users without two known items are left out; a batch
   * without any does nothing.
   *
   * @param batch user indices
   */
  public StepStats step(int[] batch, Phase phase) {
    int[][] sequences = new int[batch.length][];
    for (int i = 0; i < batch.length; i++) {
      sequences[i] = users.items(batch[i]);
    }
    return step(sequences, phase);
  }

  /**
   * As {@link #step(int[], Phase)}.
   *
   * @param batch sequences of row indices, oldest first; the newest {@code maxLen + 1} of each
   *     count
   */
  public StepStats step(int[][] batch, Phase phase) {
    if (quantizer == null && phase == Phase.QUANTIZER_ALONE) {
      requireQuantizer("phase " + phase);
    }
    return Threads.call(() -> sharedStep(batch, phase));
  }

  /** The step, on one of the threads that share its work. */
  private StepStats sharedStep(int[][] batch, Phase phase) {
    assemble(batch, phase);
    if (positions == 0) {
      return new StepStats(0, 0, 0, 0, 0, 0, 0);
    }
    steps++;
    boolean encode = quantizer != null && phase != Phase.RECOMMENDER;
    boolean recommend = phase != Phase.QUANTIZER_ALONE;
    float[] z = encode ? encodeBatch() : null;
    ForkJoinTask<?> decoding = encode ? Threads.start(this::decodeBatch) : null;
    double loss = 0;
    try {
      loss = recommend ? backward(z) : 0;
    } finally {
      if (encode) {
        decoding.quietlyJoin();
      }
    }
    if (encode) {
      decoding.join();
      requireFinite("reconstruction", quantizer.reconstructionLoss());
    }
    // Only now that the losses are known to be finite does anything change.
    if (recommend) {
      applyGradients();
    }
    int reseededNow = 0;
    if (encode) {
      quantizer.backward(recommend ? semanticGradient() : null);
      boolean slow = phase == Phase.QUANTIZER_SLOW;
      quantizer.applyGradients(rate * (slow ? config.slowLearningRate() : config.learningRate()));
      float decay = slow ? config.slowCodebookDecay() : config.codebookDecay();
      List<BitSet> levels = quantizer.updateCodebooks(decay, rng.split());
      for (int l = 0; l < levels.size(); l++) {
        reseededNow += levels.get(l).cardinality();
        reseeded[l].or(levels.get(l));
        reseededHere[l].or(levels.get(l));
      }
    }
    return new StepStats(
        sequences,
        positions,
        slotCount,
        loss,
        encode ? quantizer.reconstructionLoss() : 0,
        encode ? commitment() : 0,
        reseededNow);
  }

  private double commitment() {
    double sum = 0;
    for (int l = 0; l < config.levels(); l++) {
      sum += quantizer.commitmentLoss(l);
    }
    return sum;
  }

  private float[] encodeBatch() {
    x = grown(x, slotCount * config.contentDim());
    Kernels.gatherRows(items.content(), 0, config.contentDim(), slots, slotCount, x, 0);
    try {
      quantizer.encodeTrain(x, slotCount);
    } catch (NotFiniteException e) {
      throw diverged(e);
    }
    return quantizer.z();
  }

  /** What of the quantizer's step does not wait for the recommenders. */
  private void decodeBatch() {
    quantizer.decode(config.maxDecoded());
    quantizer.backwardDecoder();
  }

  private void requireFinite(String name, double loss) {
    if (!Double.isFinite(loss)) {
      throw new NotFiniteException(
          name
              + " loss is "
              + loss
              + " in step "
              + steps
              + "; weights, codebooks and optimiser state are unchanged: lower the learning rate, or raise a temperature that is near 0");
    }
  }

  private void encodeChunk(TokenizerModel tokenizer, int n) {
    try {
      tokenizer.encode(chunk, n, chunkCodes, encoded);
    } catch (NotFiniteException e) {
      throw diverged(e);
    }
  }

  private NotFiniteException diverged(NotFiniteException e) {
    return new NotFiniteException(
        "the encoder's output is no longer finite in step " + steps + ": lower the learning rate",
        e);
  }

  /**
   * Forward, loss and backward of the recommenders; leaves the gradient of s in ds, and that of z
   * by the second in dzs.
   */
  private double backward(float[] z) {
    int d = config.dim();
    s = grown(s, slotCount * d);
    ds = grown(ds, slotCount * d);
    in = grown(in, positions * d);
    dh = grown(dh, positions * d);
    if (z == null) {
      fill(slots, slotCount, s);
    } else {
      if (config.hasId() && inUse != null && config.idStart() == JointConfig.IdStart.PREFIX_MEAN) {
        // What an item starts as hangs on its codes, and is decided before its first step.
        encodeMissing(slots, slotCount);
      }
      for (int i = 0; i < slotCount; i++) {
        System.arraycopy(z, i * config.semanticDim(), s, i * d, config.semanticDim());
        fillId(slots[i], s, i * d + config.semanticDim());
      }
    }
    int idAt = config.hasSemantic() ? config.semanticDim() : 0;
    if (semanticRecommender != null) {
      int width = config.semanticWidth();
      zs = grown(zs, slotCount * width);
      Kernels.gatherColumns(s, d, 0, width, slotCount, zs);
      for (int i = 0; i < slotCount && width > idAt; i++) {
        if (idDropped(i)) {
          Arrays.fill(zs, i * width + idAt, (i + 1) * width, 0f);
        }
      }
    }
    boolean semanticDropped = semanticDropped();
    for (int i = 0; i < slotCount; i++) {
      if (semanticDropped) {
        Arrays.fill(s, i * d, i * d + idAt, 0f);
      } else if (idDropped(i)) {
        Arrays.fill(s, i * d + idAt, (i + 1) * d, 0f);
      }
    }
    float[] logQ = config.loss() == JointConfig.Loss.SOFTMAX ? logQ() : null;
    double loss = loss(recommender, s, ds, d, seed, logQ);
    if (semanticRecommender != null) {
      int width = config.semanticWidth();
      dzs = grown(dzs, slotCount * width);
      loss += loss(semanticRecommender, zs, dzs, width, Rng.hash(seed, -2, 0), logQ);
      for (int i = 0; i < slotCount && width > idAt; i++) {
        if (!idDropped(i)) {
          Kernels.axpy(1f, dzs, i * width + idAt, ds, i * d + idAt, width - idAt);
        }
      }
    }
    return loss;
  }

  /** Adam of the recommenders and the ID embeddings. */
  private void applyGradients() {
    recommender.adamStep(rate * config.learningRate());
    if (semanticRecommender != null) {
      semanticRecommender.adamStep(rate * config.learningRate());
    }
    if (config.hasId()) {
      int idAt = config.hasSemantic() ? config.semanticDim() : 0;
      boolean semanticDropped = semanticDropped();
      for (int i = 0; i < slotCount; i++) {
        if (semanticDropped || !idDropped(i)) {
          stepId(slots[i], ds, i * config.dim() + idAt);
        }
      }
    }
  }

  /**
   * Forward, loss and backward of a recommender.
   *
   * @param s representations of the slots [slots, d]
   * @param ds out: their gradient
   * @return the loss
   */
  private double loss(
      SequenceRecommender by, float[] s, float[] ds, int d, long masks, float[] logQ) {
    Kernels.gatherRows(s, 0, d, inputSlot, positions, in, 0);
    float[] h = by.forwardTrain(in, offsets, sequences, masks, steps);
    Arrays.fill(ds, 0, slotCount * d, 0f);
    double loss =
        config.loss() == JointConfig.Loss.SOFTMAX
            ? softmax.loss(
                h,
                positions,
                s,
                candidates,
                d,
                target,
                config.temperature(),
                logQ,
                new SampledSoftmax.Sample(sampledTargets, logShare),
                dh,
                ds)
            : BinaryCrossEntropy.loss(h, positions, s, d, target, negative, dh, ds);
    requireFinite("recommendation", loss);
    float[] din = by.backward(dh);
    Kernels.scatterAddRows(din, 0, d, inputSlot, positions, ds, 0);
    return loss;
  }

  /**
   * Times {@code config.logQ}, the log of the probability that a batch has a candidate, as the
   * target of one of its users or drawn as a negative: q = 1 - (1 - B/U)^targets (1 -
   * 1/N)^negatives; by slot, as targets may stand beside the candidates.
   */
  private float[] logQ() {
    if (config.logQ() == 0f) {
      return null;
    }
    logQ = grown(logQ, slotCount);
    double others = Math.max(0, 1 - (double) config.batchUsers() / users.usersWithTarget());
    double undrawn = StrictMath.pow(1 - 1.0 / items.knownCount(), config.sharedNegatives());
    for (int i = 0; i < slotCount; i++) {
      double absent = StrictMath.pow(others, users.targets(slots[i])) * undrawn;
      logQ[i] = config.logQ() * (float) StrictMath.log1p(-absent);
    }
    return logQ;
  }

  /**
   * Adam on one ID embedding with the row's own step count: a row that a batch does not touch keeps
   * its moments, and the bias correction is that of the steps the row has taken.
   */
  private void stepId(int item, float[] grad, int at) {
    int w = config.idDim();
    Kernels.adam(
        items.id(),
        item * w,
        grad,
        at,
        items.idMean(),
        item * w,
        items.idSquare(),
        item * w,
        w,
        items.nextIdStep(item),
        rate * config.idLearningRate());
  }

  /** Whether this step hides z of all items from the recommender. */
  boolean semanticDropped() {
    return config.variant() == JointConfig.Variant.UNIFIED
        && config.semanticDropout() > 0f
        && Rng.uniform(Rng.hash(seed, steps, -1)) < config.semanticDropout();
  }

  /** Whether this step hides the ID embedding of one of {@link #batchItems}, if it shows z. */
  boolean idDropped(int slot) {
    return config.variant() == JointConfig.Variant.UNIFIED
        && config.idDropout() > 0f
        && Rng.uniform(Rng.hash(seed, steps, items.key(slots[slot]))) < config.idDropout();
  }

  /** The gradient of z [slots, D_2] from all that saw it; null if nothing did. */
  private float[] semanticGradient() {
    boolean dropped = semanticDropped();
    if (dropped && semanticRecommender == null) {
      return null;
    }
    int d = config.semanticDim();
    dz = grown(dz, slotCount * d);
    if (dropped) {
      Kernels.gatherColumns(dzs, config.semanticWidth(), 0, d, slotCount, dz);
    } else {
      Kernels.gatherColumns(ds, config.dim(), 0, d, slotCount, dz);
      for (int i = 0; i < slotCount && semanticRecommender != null; i++) {
        Kernels.axpy(1f, dzs, i * config.semanticWidth(), dz, i * d, d);
      }
    }
    return dz;
  }

  private void assemble(int[][] batch, Phase phase) {
    if (slotOf.length < items.size()) {
      slotOf = new int[items.size() + items.size() / 2];
      slotStamp = new int[slotOf.length];
      stamp = 0;
    }
    stamp++;
    slotCount = 0;
    positions = 0;
    sequences = 0;
    if (offsets.length < batch.length + 1) {
      offsets = new int[batch.length + 1];
    }
    int most = 0;
    for (int[] sequence : batch) {
      most += Math.min(sequence.length, config.maxLen());
    }
    if (target.length < most) {
      target = new int[most];
      targetItem = new int[most];
      negative = new int[most];
      inputSlot = new int[most];
      inputItem = new int[most];
    }
    boolean bce = config.loss() == JointConfig.Loss.BCE && phase != Phase.QUANTIZER_ALONE;
    for (int[] sequence : batch) {
      int n = knownWindow(sequence);
      if (n < 2) {
        continue;
      }
      for (int t = 0; t + 1 < n; t++) {
        inputItem[positions] = window[t];
        targetItem[positions] = window[t + 1];
        target[positions] = slot(window[t + 1]);
        if (bce) {
          negative[positions] = slot(negativeFor(sequence));
        }
        positions++;
      }
      offsets[++sequences] = positions;
    }
    boolean shared =
        positions > 0
            && config.loss() == JointConfig.Loss.SOFTMAX
            && phase != Phase.QUANTIZER_ALONE;
    sampledTargets = 0;
    if (shared && slotCount > config.maxTargets()) {
      sampleTargets();
    }
    if (shared) {
      for (int i = 0; i < config.sharedNegatives(); i++) {
        int item = items.poolAt(rng.nextInt(items.poolCount()));
        // A target outside the sample is stood for by those in it, and must not count twice.
        if (sampledTargets == 0 || slotStamp[item] != stamp - 1) {
          slot(item);
        }
      }
    }
    candidates = slotCount;
    if (sampledTargets > 0) {
      for (int i = 0; i < positions; i++) {
        target[i] = slot(targetItem[i]);
      }
    }
    for (int i = 0; i < positions; i++) {
      inputSlot[i] = slot(inputItem[i]);
    }
  }

  /**
   * Leaves a uniform sample of the batch's targets among the candidates, so that what a step costs
   * does not grow with their number. A position whose target is not in it has the target beside the
   * candidates.
   */
  private void sampleTargets() {
    int distinct = slotCount;
    sampledTargets = config.maxTargets();
    logShare = (float) StrictMath.log((double) sampledTargets / distinct);
    for (int i = 0; i < sampledTargets; i++) {
      int j = i + rng.nextInt(distinct - i);
      int swap = slots[i];
      slots[i] = slots[j];
      slots[j] = swap;
    }
    int[] sample = Arrays.copyOf(slots, sampledTargets);
    stamp++;
    slotCount = 0;
    for (int item : sample) {
      slot(item);
    }
  }

  /** Puts the newest maxLen + 1 known items into the window; how many. */
  private int knownWindow(int[] all) {
    int n = 0;
    for (int i = all.length - 1; i >= 0 && n < window.length; i--) {
      if (items.known(all[i])) {
        window[window.length - ++n] = all[i];
      }
    }
    System.arraycopy(window, window.length - n, window, 0, n);
    return n;
  }

  private int slot(int item) {
    if (slotStamp[item] != stamp) {
      slotStamp[item] = stamp;
      slotOf[item] = slotCount;
      if (slotCount == slots.length) {
        slots = Arrays.copyOf(slots, 2 * slotCount + 64);
      }
      slots[slotCount++] = item;
    }
    return slotOf[item];
  }

  /**
   * Uniform among known items outside those that are kept of the user, its newest; what it had
   * before those may be drawn. One inside is taken after {@value #REFUSALS} refusals, where the
   * user has almost all of them among its newest.
   */
  private int negativeFor(int[] newest) {
    int item = items.poolAt(rng.nextInt(items.poolCount()));
    for (int tries = 0; tries < REFUSALS && contains(newest, item); tries++) {
      item = items.poolAt(rng.nextInt(items.poolCount()));
    }
    return item;
  }

  private static boolean contains(int[] a, int value) {
    for (int v : a) {
      if (v == value) {
        return true;
      }
    }
    return false;
  }

  /** The quantizer as it stands, in serving form. */
  public TokenizerModel candidate(float[] tolerance) {
    requireQuantizer("candidate");
    return quantizer.tokenizer(tolerance);
  }

  /**
   * Takes the tokenizer into use and encodes all known items with it; how many changed a code they
   * had.
   */
  public int adopt(TokenizerModel tokenizer) {
    beginAdoption(tokenizer);
    return adoptSlice(0, items.size());
  }

  /** Takes the tokenizer into use; the caller then covers all rows by {@link #adoptSlice}. */
  public void beginAdoption(TokenizerModel tokenizer) {
    requireQuantizer("adopt");
    if (tokenizer.inputDim() != config.contentDim()
        || tokenizer.dim() != config.semanticDim()
        || tokenizer.levels() != config.levels()) {
      throw new IllegalArgumentException(
          "tokenizer has content "
              + tokenizer.inputDim()
              + ", semantic "
              + tokenizer.dim()
              + " and "
              + tokenizer.levels()
              + " levels; the configuration has "
              + config.contentDim()
              + ", "
              + config.semanticDim()
              + " and "
              + config.levels());
    }
    inUse = tokenizer;
    forgetReseeded();
  }

  /**
   * Encodes the known items of rows [from, to) with the tokenizer in use, their codes so far kept
   * within its tolerance.
   *
   * @return items that had codes and changed one
   */
  public int adoptSlice(int from, int to) {
    int end = Math.min(to, items.size());
    int[] fresh =
        IntStream.range(from, end).filter(i -> items.known(i) && !items.encoded(i)).toArray();
    int[] rows = new int[ENCODE_CHUNK];
    int n = 0;
    int changed = 0;
    for (int i = from; i < end; i++) {
      if (items.known(i)) {
        rows[n++] = i;
      }
      if (n == ENCODE_CHUNK) {
        changed += encode(rows, n);
        n = 0;
      }
    }
    changed += encode(rows, n);
    startFromPrefix(fresh);
    return changed;
  }

  private int encode(int[] rows, int n) {
    if (n == 0) {
      return 0;
    }
    if (inUse == null) {
      throw new IllegalStateException("no tokenizer is in use; call adopt first");
    }
    int levels = config.levels();
    int d = config.semanticDim();
    int[] codes = items.codes();
    gather(rows, n);
    encodeChunk(inUse, n);
    int changed = 0;
    for (int i = 0; i < n; i++) {
      if (items.encoded(rows[i]) && !sameCodes(i, levels)) {
        changed++;
      }
      System.arraycopy(encoded.codes, i * levels, codes, rows[i] * levels, levels);
      System.arraycopy(encoded.z, i * d, items.semantic(), rows[i] * d, d);
      items.markDirty(rows[i]);
    }
    return changed;
  }

  /**
   * What a tokenizer would do with the known items, codes in use kept within its tolerance. No
   * weight, codebook or row changes; but the working memory of the last step is taken.
   *
   * <p>Reconstruction is that of the quantizer as it stands, with nearest codes: the decoder is no
   * part of a tokenizer.
   */
  public Quality quality(TokenizerModel tokenizer) {
    requireQuantizer("quality");
    int n = items.knownCount();
    int levels = config.levels();
    int[] codes = new int[n * levels];
    int[] before = new int[n * levels];
    double reconstruction = 0;
    for (int from = 0; from < n; from += ENCODE_CHUNK) {
      int m = Math.min(ENCODE_CHUNK, n - from);
      int[] rows = new int[m];
      for (int i = 0; i < m; i++) {
        rows[i] = items.knownAt(from + i);
      }
      gather(rows, m);
      encodeChunk(tokenizer, m);
      System.arraycopy(encoded.codes, 0, codes, from * levels, m * levels);
      System.arraycopy(chunkCodes, 0, before, from * levels, m * levels);
      quantizer.forwardTrain(chunk, m);
      reconstruction += quantizer.reconstructionLoss() * m;
    }
    int[] sizes = new int[levels];
    for (int l = 0; l < levels; l++) {
      sizes[l] = tokenizer.quantizer().codebook(l).size();
    }
    return Quality.of(codes, before, n, sizes, reseeded, n == 0 ? 0 : reconstruction / n);
  }

  /**
   * The quantizer as it stands, with the least tolerance under which at most a share {@code
   * churnBudget} of the items in use change a code, and of those that came before {@code
   * newcomers}: {@code base} times a factor found by bisection on a sample, to within 1/16 of it.
   *
   * @param newcomers index from which on items came after the tokenizer in use was adopted; in a
   *     small table the share of the others that change can be far from that of all
   * @param base tolerance per level at factor 1; a level at 0 stays at 0
   * @param most greatest factor; taken where no factor keeps the budget
   * @param sample items measured at most
   */
  public TokenizerModel candidateWithin(
      double churnBudget, int newcomers, float[] base, float most, int sample) {
    TokenizerModel nearest = candidate(new float[config.levels()]);
    int[] rows = inUseSample(sample);
    if (rows.length == 0 || churn(nearest, rows, newcomers) <= churnBudget) {
      return nearest;
    }
    float low = 0f;
    float high = Math.min(1f, most);
    while (high < most
        && churn(nearest.withTolerance(times(base, high)), rows, newcomers) > churnBudget) {
      low = high;
      high = Math.min(2 * high, most);
    }
    while (high - low > high / 16) {
      float middle = (low + high) / 2;
      if (churn(nearest.withTolerance(times(base, middle)), rows, newcomers) > churnBudget) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return nearest.withTolerance(times(base, high));
  }

  /**
   * Under PREFIX_MEAN: gives the rows whose ID embedding is not trained the mean of the trained
   * ones with the same codes but for the last level, in one pass over the table. All rows must have
   * their codes by then, or what a row starts as would depend on the order of the table.
   */
  private void startFromPrefix(int[] rows) {
    int n = rows.length;
    if (n == 0 || !config.hasId() || config.idStart() != JointConfig.IdStart.PREFIX_MEAN) {
      return;
    }
    int prefix = config.levels() - 1;
    int w = config.idDim();
    Map<List<Integer>, float[]> sums = new HashMap<>();
    for (int i = 0; i < n; i++) {
      if (!items.idTrained(rows[i])) {
        sums.put(prefixOf(rows[i], prefix), new float[w + 1]);
      }
    }
    for (int item = 0; item < items.size() && !sums.isEmpty(); item++) {
      if (items.known(item) && items.idTrained(item) && items.encoded(item)) {
        float[] sum = sums.get(prefixOf(item, prefix));
        if (sum != null) {
          Kernels.axpy(1f, items.id(), item * w, sum, 0, w);
          sum[w]++;
        }
      }
    }
    for (int i = 0; i < n; i++) {
      if (!items.idTrained(rows[i])) {
        float[] sum = sums.get(prefixOf(rows[i], prefix));
        for (int j = 0; j < w; j++) {
          items.id()[rows[i] * w + j] = sum[w] == 0f ? 0f : sum[j] / sum[w];
        }
      }
    }
  }

  private List<Integer> prefixOf(int item, int prefix) {
    Integer[] codes = new Integer[prefix];
    for (int l = 0; l < prefix; l++) {
      codes[l] = items.codes()[item * config.levels() + l];
    }
    return List.of(codes);
  }

  private static float[] times(float[] a, float factor) {
    float[] b = new float[a.length];
    for (int i = 0; i < a.length; i++) {
      b[i] = a[i] * factor;
    }
    return b;
  }

  /** Items with codes, evenly spread over the table. */
  private int[] inUseSample(int most) {
    int[] rows = new int[items.knownCount()];
    int n = 0;
    for (int i = 0; i < items.size(); i++) {
      if (items.known(i) && items.encoded(i)) {
        rows[n++] = i;
      }
    }
    int m = Math.min(n, most);
    for (int i = 0; i < m; i++) {
      rows[i] = rows[(int) ((long) i * n / m)];
    }
    return Arrays.copyOf(rows, m);
  }

  /** The greater share of rows that change a code: of all, or of those below newcomers. */
  double churn(TokenizerModel tokenizer, int[] rows, int newcomers) {
    int levels = config.levels();
    int changed = 0;
    int old = 0;
    int oldChanged = 0;
    for (int from = 0; from < rows.length; from += ENCODE_CHUNK) {
      int m = Math.min(ENCODE_CHUNK, rows.length - from);
      gather(Arrays.copyOfRange(rows, from, from + m), m);
      encodeChunk(tokenizer, m);
      for (int i = 0; i < m; i++) {
        int change = sameCodes(i, levels) ? 0 : 1;
        changed += change;
        if (rows[from + i] < newcomers) {
          old++;
          oldChanged += change;
        }
      }
    }
    return Math.max((double) changed / rows.length, old == 0 ? 0 : (double) oldChanged / old);
  }

  private boolean sameCodes(int row, int levels) {
    int from = row * levels;
    return Arrays.equals(chunkCodes, from, from + levels, encoded.codes, from, from + levels);
  }

  /** Content vectors and codes in use of n rows into the chunk. */
  private void gather(int[] rows, int n) {
    int levels = config.levels();
    chunk = grown(chunk, n * config.contentDim());
    if (chunkCodes.length < n * levels) {
      chunkCodes = new int[n * levels];
    }
    Kernels.gatherRows(items.content(), 0, config.contentDim(), rows, n, chunk, 0);
    for (int i = 0; i < n; i++) {
      System.arraycopy(items.codes(), rows[i] * levels, chunkCodes, i * levels, levels);
    }
  }

  @Override
  public int dim() {
    return config.dim();
  }

  @Override
  public List<Tower> towers() {
    return semanticRecommender == null
        ? List.of()
        : List.of(config.semanticTower(semanticRecommender));
  }

  @Override
  public float temperature() {
    return config.temperature();
  }

  /** What is served; an item without codes is encoded with the tokenizer in use first. */
  @Override
  public void fill(int[] rows, int n, float[] out) {
    int d = config.dim();
    int semantic = config.hasSemantic() ? config.semanticDim() : 0;
    if (semantic > 0) {
      encodeMissing(rows, n);
    }
    for (int i = 0; i < n; i++) {
      System.arraycopy(items.semantic(), rows[i] * semantic, out, i * d, semantic);
      if (config.hasId()) {
        fillId(rows[i], out, i * d + semantic);
      }
    }
  }

  private void encodeMissing(int[] rows, int n) {
    int[] missing = new int[0];
    int m = 0;
    for (int i = 0; i < n; i++) {
      if (!items.encoded(rows[i])) {
        if (m == missing.length) {
          missing = Arrays.copyOf(missing, 2 * m + 16);
        }
        missing[m++] = rows[i];
      }
    }
    for (int at = 0; at < m; at += ENCODE_CHUNK) {
      int k = Math.min(ENCODE_CHUNK, m - at);
      encode(Arrays.copyOfRange(missing, at, at + k), k);
    }
    startFromPrefix(Arrays.copyOf(missing, m));
  }

  private void fillId(int item, float[] out, int at) {
    if (!config.hasId()) {
      return;
    }
    int w = config.idDim();
    if (!items.idTrained(item) && config.idStart() == JointConfig.IdStart.RANDOM) {
      Rng start = new Rng(Rng.hash(seed, -1, items.key(item)));
      for (int i = 0; i < w; i++) {
        items.id()[item * w + i] = ID_DEVIATION * start.nextGaussian();
      }
    }
    System.arraycopy(items.id(), item * w, out, at, w);
  }

  /**
   * Everything but the two tables: weights, moments, averages, counters, generator, and the
   * tokenizer in use.
   */
  public void writeState(DataOutput out) throws IOException {
    out.writeInt(semanticRecommender == null ? 2 : STATE_FORMAT);
    out.writeLong(seed);
    out.writeLong(steps);
    out.writeLong(rng.state());
    recommender.writeState(out);
    if (semanticRecommender != null) {
      semanticRecommender.writeState(out);
    }
    if (quantizer != null) {
      quantizer.writeState(out);
    }
    byte[] tokenizer = inUse == null ? new byte[0] : inUse.toBytes();
    out.writeInt(tokenizer.length);
    out.write(tokenizer);
    for (BitSet level : reseeded) {
      byte[] bits = level.toByteArray();
      out.writeInt(bits.length);
      out.write(bits);
    }
  }

  /**
   * Replaces what {@link #writeState} wrote, by a trainer of the same configuration; but the second
   * recommender may have come since, and starts anew, or may have gone. The tables are restored by
   * the caller.
   */
  public void readState(DataInput in) throws IOException {
    int format = in.readInt();
    if (format < 1 || format > STATE_FORMAT) {
      throw new IOException(
          "trainer state has format " + format + "; this version reads 1 to " + STATE_FORMAT);
    }
    seed = in.readLong();
    steps = in.readLong();
    rng = new Rng(in.readLong());
    recommender.readState(in);
    if (format == STATE_FORMAT) {
      SequenceRecommender second =
          semanticRecommender != null
              ? semanticRecommender
              : new SequenceRecommender(config.semanticShape(), new Rng(seed));
      second.readState(in);
    }
    if (quantizer != null) {
      quantizer.readState(in);
    }
    byte[] tokenizer = new byte[in.readInt()];
    in.readFully(tokenizer);
    inUse = tokenizer.length == 0 ? null : TokenizerModel.fromBytes(tokenizer);
    for (BitSet level : reseeded) {
      level.clear();
      if (format >= 2) {
        byte[] bits = new byte[in.readInt()];
        in.readFully(bits);
        level.or(BitSet.valueOf(bits));
      }
    }
  }

  private static float[] grown(float[] a, int n) {
    return a.length >= n ? a : new float[n + n / 4];
  }
}
