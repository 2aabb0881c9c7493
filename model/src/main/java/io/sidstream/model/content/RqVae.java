package io.sidstream.model.content;

import io.sidstream.model.content.RqVaeConfig.StraightThrough;
import io.sidstream.model.file.Floats;
import io.sidstream.model.math.Blas;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import io.sidstream.model.math.RowProduct;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.CodebookAverages;
import io.sidstream.model.quantize.CodebookLearner;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.quantize.KMeans;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.quantize.ResidualQuantizer;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * The trainable tokenizer: encoder f, residual quantizer, decoder g (section 3 of arXiv
 * 2502.16474). A training step is
 *
 * <pre>{@code
 * vae.forwardTrain(x, n);               // x [n, Dx], each item once; then vae.z(), vae.codes(), losses
 * vae.backward(dz);                     // dz [n, D2], gradient of the recommendation loss; null for none
 * vae.applyGradients(learningRate);
 * vae.updateCodebooks(decay, rng);
 * }</pre>
 *
 * <p>Loss = mean over items of ‖g(z) − x‖² + commitment · Σ over levels of the mean squared
 * difference between the level's input (normalised at a cosine level) and its codeword, codewords
 * held constant. A level's input shorter than {@value #NO_DIRECTION}, of codewords of length 1, is
 * what rounding left of an item that the levels before took whole: it has no direction, and is
 * normalised to 0, so that its commitment is that of a vector of norm 0 and no gradient comes from
 * it, which 1/norm would blow up. Codebooks do not learn by gradient but by {@link
 * CodebookLearner}. Weights start uniform in ±1/sqrt(fan-in), biases too, as PyTorch's {@code
 * Linear}. Mutable, not thread-safe; nothing is allocated in a step once the largest batch was
 * seen, but for the snapshots of the codebooks.
 */
public final class RqVae {
  /**
   * Length under which a level's input has no direction, in lengths of a codeword of a cosine
   * level. Rounding leaves some 1e-7.
   */
  private static final float NO_DIRECTION = 1e-4f;

  /** Under which a codeword has none, and 1 plus the cosine of opposite directions is 0. */
  private static final float NEARLY_ZERO = 1e-6f;

  /**
   * Of f where training starts, in lengths of a codeword of a cosine level: the norm that the
   * quantizer alone comes to.
   */
  private static final float START_NORM = 2f;

  private final RqVaeConfig config;
  private final Layers encoder;
  private final Layers decoder;

  /** Encoder, then decoder. */
  private final float[] params;

  private final float[] gradients;
  private final float[] adamM;
  private final float[] adamV;
  private long adamStep;

  private final List<CodebookLearner> learners = new ArrayList<>();
  private ResidualQuantizer quantizer;

  private final EncodeResult encoded = new EncodeResult();
  private final float[][] encoderOut;
  private final float[][] decoderOut;
  private float[] input;
  private int n;
  private boolean gradientsReady;
  private float[] residual = new float[0];
  private float[] gradOut = new float[0];
  private float[] gradIn = new float[0];
  private float[] gradF = new float[0];

  /** Rows of the batch that were decoded. */
  private int decoded;

  // z and x of what was decoded: those of the batch, or of a sample of its rows.
  private float[] decoderIn = {};
  private float[] wanted = {};
  private int[] sample = {};
  private float[] sampledZ = {};
  private float[] sampledX = {};
  private float[] scattered = {};

  /** {@code [n, D2]} gradient of the reconstruction at z; null where it was not computed yet. */
  private float[] toZ;

  private final float[] word;
  private double reconstruction;
  private final double[] commitment;

  /** A model with random weights and no codebooks yet; see {@link #initialiseCodebooks}. */
  public RqVae(RqVaeConfig config, Rng rng) {
    this.config = config;
    this.encoder = new Layers(config.encoderDims());
    this.decoder = new Layers(config.decoderDims());
    this.params = new float[Math.addExact(encoder.size(), decoder.size())];
    this.gradients = new float[params.length];
    this.adamM = new float[params.length];
    this.adamV = new float[params.length];
    this.encoderOut = new float[encoder.count()][0];
    this.decoderOut = new float[decoder.count()][0];
    this.commitment = new double[config.levels()];
    this.word = new float[config.dim()];
    initialise(encoder, 0, rng);
    initialise(decoder, encoder.size(), rng);
  }

  private void initialise(Layers layers, int offset, Rng rng) {
    for (int l = 0; l < layers.count(); l++) {
      float bound = (float) (1 / Math.sqrt(layers.in(l)));
      int from = offset + layers.weights(l);
      int to = offset + layers.bias(l) + layers.out(l);
      for (int i = from; i < to; i++) {
        params[i] = bound * (2f * rng.nextFloat() - 1f);
      }
    }
  }

  /** Shape and loss. */
  public RqVaeConfig config() {
    return config;
  }

  /** Whether there are codebooks. */
  public boolean initialised() {
    return quantizer != null;
  }

  /**
   * Encoder, then decoder, each layer by layer W {@code [in, out]}, b {@code [out]}; the array
   * itself.
   */
  public float[] parameters() {
    return params;
  }

  /** The gradient of {@link #parameters()}, after {@link #backward}; the array itself. */
  public float[] gradients() {
    return gradients;
  }

  /** The decoder as it stands, in serving form. */
  public DecoderModel decoder() {
    return DecoderModel.of(config, params);
  }

  /** The codebooks in use. */
  public ResidualQuantizer quantizer() {
    if (quantizer == null) {
      throw new IllegalStateException(
          "The model has no codebooks yet: call initialiseCodebooks first");
    }
    return quantizer;
  }

  /** Replaces the codebooks and what they have learned; counts per level are {@code [K]}. */
  void setCodebooks(List<Codebook> books, List<float[]> counts) {
    if (books.size() != config.levels()) {
      throw new IllegalArgumentException(
          books.size() + " codebooks for " + config.levels() + " levels");
    }
    learners.clear();
    for (int l = 0; l < books.size(); l++) {
      Codebook book = books.get(l);
      if (!fits(book, l)) {
        throw new IllegalArgumentException("Codebooks of another shape: " + shapes(book, l));
      }
      learners.add(new CodebookLearner(book, counts.get(l)));
    }
    quantizer = new ResidualQuantizer(books);
  }

  /** What the codebooks have learned, first level first; empty before there are any. Copies. */
  public List<CodebookAverages> averages() {
    return learners.stream().map(CodebookLearner::averages).toList();
  }

  /**
   * Goes on from what others have learned, bit for bit.
   *
   * @param averages one a level, copied
   */
  public void replaceAverages(List<CodebookAverages> averages) {
    if (averages.size() != config.levels()) {
      throw new IllegalArgumentException(
          "averages of " + averages.size() + " codebooks for " + config.levels() + " levels");
    }
    List<CodebookLearner> replaced = new ArrayList<>();
    for (int l = 0; l < config.levels(); l++) {
      replaced.add(
          new CodebookLearner(
              config.metrics().get(l), config.codebookSize(), config.dim(), averages.get(l)));
    }
    learners.clear();
    learners.addAll(replaced);
    quantizer = new ResidualQuantizer(replaced.stream().map(CodebookLearner::codebook).toList());
    gradientsReady = false;
  }

  /**
   * Fits the codebooks by k-means to the encoder's output on x {@code [n, Dx]}, level by level on
   * the residuals. Under ROTATION the encoder's last layer is centred and scaled first: {@link
   * #standardise}.
   */
  public void initialiseCodebooks(float[] x, int rows, Rng rng) {
    int dim = config.dim();
    float[] r = new float[rows * dim];
    encodeBlocks(x, rows, r);
    if (config.straightThrough() == StraightThrough.ROTATION) {
      standardise(r, rows);
      encodeBlocks(x, rows, r);
    }
    List<Codebook> books = new ArrayList<>();
    List<float[]> counts = new ArrayList<>();
    EncodeResult level = new EncodeResult();
    for (Metric metric : config.metrics()) {
      KMeans.Fit fit =
          KMeans.fit(metric, r, rows, dim, config.codebookSize(), KMeans.MAX_ITERATIONS, rng);
      books.add(fit.codebook());
      counts.add(fit.counts());
      new ResidualQuantizer(List.of(fit.codebook())).encode(r, rows, level);
      Kernels.axpy(-1f, level.z, 0, r, 0, rows * dim);
    }
    setCodebooks(books, counts);
  }

  /**
   * Changes the last layer of the encoder so that its output f {@code [n, D2]} has mean 0 and a
   * root mean square norm of {@value #START_NORM} (data-dependent initialisation: Salimans and
   * Kingma, arXiv 1602.07868). As it is drawn, f is short and much the same for all items: the
   * second level then takes back what the first took, and a joint training needs ten epochs to get
   * out of that.
   */
  private void standardise(float[] f, int rows) {
    int dim = config.dim();
    int last = encoder.count() - 1;
    double square = 0;
    for (int d = 0; d < dim; d++) {
      double sum = 0;
      for (int i = 0; i < rows; i++) {
        sum += f[i * dim + d];
      }
      double mean = sum / rows;
      for (int i = 0; i < rows; i++) {
        double centred = f[i * dim + d] - mean;
        square += centred * centred;
      }
      params[encoder.bias(last) + d] -= (float) mean;
    }
    if (square > 1e-12 * rows) { // else all items are the same
      int from = encoder.weights(last);
      float scale = (float) (START_NORM / Math.sqrt(square / rows));
      Kernels.scale(scale, params, from, encoder.bias(last) + dim - from);
    }
  }

  private void encodeBlocks(float[] x, int rows, float[] f) {
    int block = 256;
    RowProduct[] products = encoder.products(params);
    for (int row = 0; row < rows; row += block) {
      int count = Math.min(block, rows - row);
      float[] out = encoder.forward(products, params, x, row * config.inputDim(), count, encoded);
      System.arraycopy(out, 0, f, row * config.dim(), count * config.dim());
    }
  }

  /**
   * Encodes, quantizes and decodes a batch, and keeps what {@link #backward} needs.
   *
   * @param x {@code [n, Dx]}; must stay unchanged until the step is over
   */
  public void forwardTrain(float[] x, int rows) {
    encodeTrain(x, rows);
    decode();
  }

  /**
   * The first half of {@link #forwardTrain}: z, codes and the commitment losses. {@link #decode} is
   * the other one; it may run on another thread, beside all that only reads z.
   */
  public void encodeTrain(float[] x, int rows) {
    if (rows < 1 || x.length < (long) rows * config.inputDim()) {
      throw new IllegalArgumentException(
          "A batch of "
              + rows
              + " x "
              + config.inputDim()
              + " does not fit an array of "
              + x.length);
    }
    input = x;
    n = rows;
    gradientsReady = false;
    toZ = null;
    float[] f = forward(encoder, 0, x, n, encoderOut);
    quantizer().encode(f, n, encoded);
    measureCommitment(f);
  }

  /** The second half of {@link #forwardTrain}: the reconstruction and its loss. */
  public void decode() {
    decode(n);
  }

  /**
   * As {@link #decode()}, of rows that are spread evenly over the batch where it has more than
   * {@code atMost}: the mean of their losses stands for that of all.
   *
   * @param atMost rows decoded at most
   */
  public void decode(int atMost) {
    decoded = Math.min(n, atMost);
    int dim = config.dim();
    int width = config.inputDim();
    decoderIn = encoded.z;
    wanted = input;
    if (decoded < n) {
      if (sample.length < decoded) {
        sample = new int[decoded];
      }
      for (int i = 0; i < decoded; i++) {
        sample[i] = (int) ((long) i * n / decoded);
      }
      sampledZ = grown(sampledZ, decoded * dim);
      sampledX = grown(sampledX, decoded * width);
      Kernels.gatherRows(encoded.z, 0, dim, sample, decoded, sampledZ, 0);
      Kernels.gatherRows(input, 0, width, sample, decoded, sampledX, 0);
      decoderIn = sampledZ;
      wanted = sampledX;
    }
    float[] reconstructed = forward(decoder, encoder.size(), decoderIn, decoded, decoderOut);
    double sum = 0;
    for (int i = 0; i < decoded; i++) {
      sum += Kernels.squaredDistance(reconstructed, i * width, wanted, i * width, width);
    }
    reconstruction = sum / decoded;
  }

  private float[] forward(Layers layers, int offset, float[] x, int n, float[][] outputs) {
    float[] from = x;
    for (int l = 0; l < layers.count(); l++) {
      int in = layers.in(l);
      int out = layers.out(l);
      outputs[l] = grown(outputs[l], n * out);
      float[] to = outputs[l];
      Kernels.fillRows(params, offset + layers.bias(l), n, out, to, 0);
      Blas.gemm(
          false,
          false,
          n,
          out,
          in,
          1f,
          from,
          0,
          in,
          params,
          offset + layers.weights(l),
          out,
          1f,
          to,
          0,
          out);
      if (l + 1 < layers.count()) {
        Kernels.relu(to, 0, n * out);
      }
      from = to;
    }
    return from;
  }

  private void measureCommitment(float[] f) {
    int dim = config.dim();
    int levels = config.levels();
    residual = grown(residual, n * dim);
    System.arraycopy(f, 0, residual, 0, n * dim);
    Arrays.fill(commitment, 0);
    for (int l = 0; l < levels; l++) {
      Codebook book = quantizer.codebook(l);
      for (int i = 0; i < n; i++) {
        float d = encoded.distances[i * levels + l];
        // Of unit vectors the squared distance is twice 1 - cosine; a residual of no direction is
        // normalised to 0 (distance 1 to any codeword).
        if (book.metric() == Metric.COSINE) {
          boolean directed = Kernels.norm(residual, i * dim, dim) >= NO_DIRECTION;
          commitment[l] += directed ? 2.0 * d : 1.0;
        } else {
          commitment[l] += d;
        }
        book.addTo(encoded.codes[i * levels + l], -1f, residual, i * dim);
      }
      commitment[l] /= (double) n * dim;
    }
  }

  /** f(x), {@code [n, D2]}, of the last {@link #forwardTrain}; the array itself. */
  public float[] encoderOutput() {
    return encoderOut[encoder.count() - 1];
  }

  /** z, {@code [n, D2]}, of the last {@link #forwardTrain}; the array itself. */
  public float[] z() {
    return encoded.z;
  }

  /** Codes, {@code [n, L]}, of the last {@link #forwardTrain}; the array itself. */
  public int[] codes() {
    return encoded.codes;
  }

  /** g(z), {@code [rows decoded, Dx]}, of the last {@link #decode}; the array itself. */
  public float[] reconstructed() {
    return decoderOut[decoder.count() - 1];
  }

  /** Mean over the items decoded of ‖g(z) − x‖². */
  public double reconstructionLoss() {
    return reconstruction;
  }

  /** Commitment loss of a level, without its weight. */
  public double commitmentLoss(int level) {
    return commitment[level];
  }

  /** Weighted reconstruction and commitment losses. */
  double loss() {
    double sum = 0;
    for (double c : commitment) {
      sum += c;
    }
    return config.reconstruction() * reconstruction + config.commitment() * sum;
  }

  /**
   * The decoder's part of {@link #backward}, which does it where it was not done. As {@link
   * #decode} it may run beside what only reads z.
   */
  public void backwardDecoder() {
    int dim = config.dim();
    int width = config.inputDim();
    Arrays.fill(gradients, 0f);
    int widest = 0;
    for (int d : encoder.dims()) {
      widest = Math.max(widest, d);
    }
    gradOut = grown(gradOut, n * widest);
    gradIn = grown(gradIn, n * widest);
    gradF = grown(gradF, n * dim);

    float[] y = reconstructed();
    float factor = 2f * config.reconstruction() / decoded;
    for (int i = 0; i < decoded * width; i++) {
      gradOut[i] = factor * (y[i] - wanted[i]);
    }
    float[] toDecoded = backward(decoder, encoder.size(), decoderIn, decoded, decoderOut, true);
    if (decoded == n) {
      toZ = toDecoded;
      return;
    }
    scattered = grown(scattered, n * dim);
    Arrays.fill(scattered, 0, n * dim, 0f);
    Kernels.scatterAddRows(toDecoded, 0, dim, sample, decoded, scattered, 0);
    toZ = scattered;
  }

  /**
   * Computes {@link #gradients()} of the last batch's loss plus a loss downstream of z.
   *
   * @param dz {@code [n, D2]} gradient of the downstream loss with respect to z, not changed; null
   *     for none
   */
  public void backward(float[] dz) {
    int dim = config.dim();
    if (toZ == null) {
      backwardDecoder();
    }
    if (dz != null) {
      Kernels.axpy(1f, dz, 0, toZ, 0, n * dim);
    }
    quantizerBackward(toZ);
    System.arraycopy(gradF, 0, gradOut, 0, n * dim);
    backward(encoder, 0, input, n, encoderOut, false);
    // Its array is taken for other gradients, and has had dz added.
    toZ = null;
    gradientsReady = true;
  }

  /**
   * From gradOut (of the stack's output) to the returned gradient of its input; gradOut and gradIn
   * are exchanged on the way.
   */
  private float[] backward(
      Layers layers, int offset, float[] x, int n, float[][] outputs, boolean wantInput) {
    for (int l = layers.count() - 1; l >= 0; l--) {
      int in = layers.in(l);
      int out = layers.out(l);
      float[] from = l == 0 ? x : outputs[l - 1];
      if (l + 1 < layers.count()) {
        Kernels.reluBackward(gradOut, outputs[l], n * out);
      }
      Kernels.addColumnSums(gradOut, 0, n, out, gradients, offset + layers.bias(l));
      int w = offset + layers.weights(l);
      Blas.gemm(true, false, in, out, n, 1f, from, 0, in, gradOut, 0, out, 1f, gradients, w, out);
      if (l > 0 || wantInput) {
        Blas.gemm(false, true, n, in, out, 1f, gradOut, 0, out, params, w, out, 0f, gradIn, 0, in);
        float[] swap = gradOut;
        gradOut = gradIn;
        gradIn = swap;
      }
    }
    return gradOut;
  }

  /**
   * gradF = gradient at f(x). With u_l the level's input (normalised at a cosine level) and J_l =
   * du_l/df, which is the identity or (I − u uᵀ) / ‖r‖ as codewords are held constant: Σ_l J_lᵀ (dz
   * + 2 w / (n D) (u_l − C_l[c_l])), or dz once for a single straight-through step. J_l is 0 where
   * an input at a cosine level has no direction. Under ROTATION dz is turned first: {@link
   * #addTurned}.
   */
  private void quantizerBackward(float[] toZ) {
    int dim = config.dim();
    int levels = config.levels();
    StraightThrough mode = config.straightThrough();
    if (mode != StraightThrough.SINGLE) {
      Arrays.fill(gradF, 0, n * dim, 0f);
    } else {
      System.arraycopy(toZ, 0, gradF, 0, n * dim);
    }
    System.arraycopy(encoderOutput(), 0, residual, 0, n * dim);
    // gradIn is free here, and has room for at least n rows of dim; its first row holds du of one
    // item.
    float[] du = gradIn;
    float scale = 2f * config.commitment() / ((float) n * dim);
    for (int l = 0; l < levels; l++) {
      Codebook book = quantizer.codebook(l);
      boolean cosine = book.metric() == Metric.COSINE;
      for (int i = 0; i < n; i++) {
        int at = i * dim;
        int code = encoded.codes[i * levels + l];
        float norm = cosine ? Kernels.norm(residual, at, dim) : 1f;
        if (norm >= NO_DIRECTION) {
          float inverse = 1f / norm;
          for (int d = 0; d < dim; d++) {
            du[d] = scale * inverse * residual[at + d];
          }
          book.addTo(code, -scale, du, 0);
          if (mode == StraightThrough.PER_LEVEL) {
            Kernels.axpy(1f, toZ, at, du, 0, dim);
          } else if (mode == StraightThrough.ROTATION) {
            addTurned(book, code, at, toZ, du);
          }
          if (cosine) {
            float along = Kernels.dot(du, 0, residual, at, dim) * inverse * inverse;
            Kernels.axpy(-along, residual, at, du, 0, dim);
            Kernels.scale(inverse, du, 0, dim);
          }
          Kernels.axpy(1f, du, 0, gradF, at, dim);
        }
        book.addTo(code, -1f, residual, at);
      }
    }
  }

  /**
   * Adds λ Rᵀ dz to du. R turns the direction a of the level's input into the direction b of its
   * codeword and leaves what is orthogonal to both as it is: R = I − 2 w wᵀ + 2 b aᵀ with w = (a +
   * b) / ‖a + b‖. λ is the codeword's length over the input's, which is 1 at a cosine level. An
   * input of no direction, which is at a Euclidean level here, passes dz as it is.
   */
  private void addTurned(Codebook book, int code, int at, float[] toZ, float[] du) {
    int dim = config.dim();
    Arrays.fill(word, 0f);
    book.addTo(code, 1f, word, 0);
    float length = Kernels.norm(residual, at, dim);
    float wordLength = Kernels.norm(word, 0, dim);
    if (length < NO_DIRECTION) {
      Kernels.axpy(1f, toZ, at, du, 0, dim);
      return;
    }
    if (wordLength < NEARLY_ZERO) {
      return;
    }
    float inverse = 1f / length;
    float wordInverse = 1f / wordLength;
    float scale = book.metric() == Metric.COSINE ? 1f : wordLength * inverse;
    float cosine = Kernels.dot(residual, at, word, 0, dim) * inverse * wordInverse;
    float alongInput = Kernels.dot(residual, at, toZ, at, dim) * inverse;
    float alongWord = Kernels.dot(word, 0, toZ, at, dim) * wordInverse;
    // 2 w wᵀ dz = (a·dz + b·dz) / (1 + a·b) (a + b); opposite directions have no w, and R mirrors.
    float mirrored = 1f + cosine > NEARLY_ZERO ? (alongInput + alongWord) / (1f + cosine) : 0f;
    Kernels.axpy(scale, toZ, at, du, 0, dim);
    Kernels.axpy(scale * (2f * alongWord - mirrored) * inverse, residual, at, du, 0, dim);
    Kernels.axpy(-scale * mirrored * wordInverse, word, 0, du, 0, dim);
  }

  /** One Adam step with the gradients of {@link #backward}. */
  public void applyGradients(float learningRate) {
    if (!gradientsReady) {
      throw new IllegalStateException("No gradients: call forwardTrain and backward first");
    }
    gradientsReady = false;
    adamStep++;
    Kernels.adam(
        params, 0, gradients, 0, adamM, 0, adamV, 0, params.length, adamStep, learningRate);
  }

  /**
   * Lets the codebooks learn from the last {@link #forwardTrain} (whose codes and codewords they
   * change for the next one).
   *
   * @param decay of the moving averages; 1 leaves the codebooks as they are
   * @return per level the codewords that were re-seeded
   */
  public List<BitSet> updateCodebooks(float decay, Rng rng) {
    int dim = config.dim();
    int levels = config.levels();
    System.arraycopy(encoderOutput(), 0, residual, 0, n * dim);
    List<BitSet> reseeded = new ArrayList<>(levels);
    List<Codebook> books = new ArrayList<>(levels);
    for (int l = 0; l < levels; l++) {
      Codebook used = quantizer.codebook(l);
      reseeded.add(learners.get(l).update(residual, 0, n, encoded.codes, l, levels, decay, rng));
      books.add(learners.get(l).codebook());
      for (int i = 0; i < n; i++) {
        used.addTo(encoded.codes[i * levels + l], -1f, residual, i * dim);
      }
    }
    quantizer = new ResidualQuantizer(books);
    return reseeded;
  }

  /** The serving form of the model as it is now, with a stability tolerance {@code [levels]}. */
  public TokenizerModel tokenizer(float[] tolerance) {
    return new TokenizerModel(
        encoder.dims(), Arrays.copyOf(params, encoder.size()), quantizer(), tolerance);
  }

  /** Writes weights, optimizer and codebooks; {@link #readState} goes on from it bit for bit. */
  public void writeState(DataOutput out) throws IOException {
    out.writeInt(params.length);
    for (float[] array : new float[][] {params, adamM, adamV}) {
      Floats.write(out, array, array.length);
    }
    out.writeLong(adamStep);
    out.writeInt(learners.size());
    for (CodebookLearner learner : learners) {
      learner.writeState(out);
    }
  }

  /**
   * Replaces the state by a written one of the same configuration.
   *
   * @throws IOException naming both shapes when the state is of another one; the model is then as
   *     it was
   */
  public void readState(DataInput in) throws IOException {
    int length = in.readInt();
    if (length != params.length) {
      throw new IOException(
          "State of an RQ-VAE with "
              + length
              + " parameters; this configuration has "
              + params.length);
    }
    float[][] arrays = new float[3][length];
    for (float[] array : arrays) {
      Floats.read(in, array, length);
    }
    long step = in.readLong();
    int levels = in.readInt();
    if (levels != 0 && levels != config.levels()) {
      throw new IOException(
          "State of an RQ-VAE with "
              + levels
              + " levels; this configuration has "
              + config.levels());
    }
    List<CodebookLearner> read = new ArrayList<>();
    List<Codebook> books = new ArrayList<>();
    for (int l = 0; l < levels; l++) {
      CodebookLearner learner = CodebookLearner.readState(in);
      Codebook book = learner.codebook();
      if (!fits(book, l)) {
        throw new IOException("State of an RQ-VAE of another shape: " + shapes(book, l));
      }
      read.add(learner);
      books.add(book);
    }
    System.arraycopy(arrays[0], 0, params, 0, length);
    System.arraycopy(arrays[1], 0, adamM, 0, length);
    System.arraycopy(arrays[2], 0, adamV, 0, length);
    adamStep = step;
    learners.clear();
    learners.addAll(read);
    quantizer = levels == 0 ? null : new ResidualQuantizer(books);
    gradientsReady = false;
  }

  private boolean fits(Codebook book, int level) {
    return book.dim() == config.dim()
        && book.size() == config.codebookSize()
        && book.metric() == config.metrics().get(level);
  }

  /** For a message: what a codebook is, and what it should be. */
  private String shapes(Codebook book, int level) {
    return "codebook "
        + level
        + " is "
        + book.metric()
        + " "
        + book.size()
        + " x "
        + book.dim()
        + ", the configuration says "
        + config.metrics().get(level)
        + " "
        + config.codebookSize()
        + " x "
        + config.dim();
  }

  private static float[] grown(float[] array, int length) {
    return array.length >= length ? array : new float[length];
  }
}
