package io.sidstream.model.serve;

import io.sidstream.model.recommend.RecommenderShape;
import io.sidstream.model.recommend.Representations;
import io.sidstream.model.recommend.SequenceRecommender;
import io.sidstream.model.recommend.Tower;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Everything that ranks but the items: the recommenders, what of a representation each reads, and
 * how their scores become one. A representation is s = [z ‖ e], z the sum of an item's codewords
 * and e its ID embedding. As bytes it is the part RECOMMENDER of the models topic, big-endian:
 *
 * <pre>
 * "SIDR"  int32 format (1)  int32 width of z  int32 width of e  int32 towers (1..16)
 * per tower: int32 from, to (columns of s that it reads), heads, ffn, blocks, maxLen,
 *            float32 temperature, share, int32 n, n x float32 parameters
 * </pre>
 *
 * <p>Parameters are those of {@link SequenceRecommender#parameters()}. The shares add up to 1.
 *
 * @param semanticDim width of z; 0 for none
 * @param idDim width of e; 0 for none
 * @param towers the recommenders; live
 */
public record RankingModel(int semanticDim, int idDim, List<Tower> towers) {
  /** "SIDR". */
  private static final int MAGIC = 0x53494452;

  private static final int FORMAT = 1;
  private static final int HEAD = 20;
  private static final int TOWER_HEAD = 36;
  private static final int MAX_TOWERS = 16;

  /** How far from 1 the shares may add up to: they are floats. */
  private static final float SHARE_SLACK = 1e-4f;

  /**
   * Checks that the towers fit the widths.
   *
   * @throws IllegalArgumentException where they do not
   */
  public RankingModel {
    towers = List.copyOf(towers);
    if (semanticDim < 0 || idDim < 0 || semanticDim + idDim < 1) {
      throw new IllegalArgumentException(
          "representations of %d + %d numbers; expected: at least one"
              .formatted(semanticDim, idDim));
    }
    if (towers.isEmpty() || towers.size() > MAX_TOWERS) {
      throw new IllegalArgumentException(
          "%d recommenders; expected: 1..%d".formatted(towers.size(), MAX_TOWERS));
    }
    float shares = 0f;
    for (Tower tower : towers) {
      requireFits(tower, semanticDim + idDim);
      shares += tower.share();
    }
    if (Math.abs(shares - 1f) > SHARE_SLACK) {
      throw new IllegalArgumentException(
          "the shares of %d recommenders add up to %s; expected: 1"
              .formatted(towers.size(), shares));
    }
  }

  private static void requireFits(Tower tower, int dim) {
    if (tower.from() < 0
        || tower.to() > dim
        || tower.width() != tower.recommender().shape().dim()) {
      throw new IllegalArgumentException(
          "a recommender of width %d reads columns [%d, %d) of %d; expected: as many as its width"
              .formatted(tower.recommender().shape().dim(), tower.from(), tower.to(), dim));
    }
    if (!(tower.temperature() > 0f && tower.temperature() < Float.POSITIVE_INFINITY)
        || !(tower.share() >= 0f && tower.share() <= 1f)) {
      throw new IllegalArgumentException(
          "a recommender has temperature %s and share %s; expected: more than 0, and 0 to 1"
              .formatted(tower.temperature(), tower.share()));
    }
  }

  /**
   * That of recommenders as they stand; live.
   *
   * @param recommender reads whole representations
   * @param representations what they are ranked with, and the recommenders beside
   * @param semanticDim width of z; 0 for none
   */
  public static RankingModel of(
      SequenceRecommender recommender, Representations representations, int semanticDim) {
    return new RankingModel(
        semanticDim, representations.dim() - semanticDim, Tower.all(recommender, representations));
  }

  /** Width of a representation. */
  public int dim() {
    return semanticDim + idDim;
  }

  /** Longest history of which all counts. */
  public int maxLen() {
    return towers.stream().mapToInt(t -> t.recommender().shape().maxLen()).max().orElseThrow();
  }

  /** The part RECOMMENDER. */
  public byte[] toBytes() {
    int length = HEAD;
    for (Tower tower : towers) {
      int parameters = tower.recommender().parameters().length;
      length = Math.addExact(length, Math.addExact(TOWER_HEAD, Math.multiplyExact(4, parameters)));
    }
    ByteBuffer out = ByteBuffer.allocate(length);
    out.putInt(MAGIC).putInt(FORMAT).putInt(semanticDim).putInt(idDim).putInt(towers.size());
    for (Tower tower : towers) {
      RecommenderShape shape = tower.recommender().shape();
      float[] parameters = tower.recommender().parameters();
      out.putInt(tower.from()).putInt(tower.to());
      out.putInt(shape.heads()).putInt(shape.ffn()).putInt(shape.blocks()).putInt(shape.maxLen());
      out.putFloat(tower.temperature()).putFloat(tower.share());
      out.putInt(parameters.length);
      out.asFloatBuffer().put(parameters);
      out.position(out.position() + 4 * parameters.length);
    }
    return out.array();
  }

  /**
   * Reads what {@link #toBytes} wrote; takes no more memory than a few times the bytes.
   *
   * @throws IllegalArgumentException saying what is wrong with bytes that are foreign, truncated,
   *     corrupt or of a newer format
   */
  public static RankingModel fromBytes(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    if (bytes.length < HEAD || in.getInt() != MAGIC) {
      throw new IllegalArgumentException(
          "not recommenders: %d bytes that do not start with SIDR; were they published by an earlier build?"
              .formatted(bytes.length));
    }
    int format = in.getInt();
    if (format != FORMAT) {
      throw new IllegalArgumentException(
          "recommenders of format %d; this version reads format %d".formatted(format, FORMAT));
    }
    int semanticDim = in.getInt();
    int idDim = in.getInt();
    int count = in.getInt();
    if (count < 1 || count > MAX_TOWERS) {
      throw new IllegalArgumentException(
          "%d recommenders; expected: 1..%d".formatted(count, MAX_TOWERS));
    }
    List<Tower> towers = new ArrayList<>();
    for (int t = 0; t < count; t++) {
      towers.add(tower(in, t + 1));
    }
    if (in.hasRemaining()) {
      throw new IllegalArgumentException(
          "recommenders have %d bytes behind the last one".formatted(in.remaining()));
    }
    return new RankingModel(semanticDim, idDim, towers);
  }

  private static Tower tower(ByteBuffer in, int number) {
    if (in.remaining() < TOWER_HEAD) {
      throw new IllegalArgumentException(
          "recommenders end within number %d, after %d bytes".formatted(number, in.limit()));
    }
    int from = in.getInt();
    int to = in.getInt();
    int heads = in.getInt();
    int ffn = in.getInt();
    int blocks = in.getInt();
    int maxLen = in.getInt();
    float temperature = in.getFloat();
    float share = in.getFloat();
    int n = in.getInt();
    // Before anything is allocated by what the bytes say.
    long needed;
    RecommenderShape shape;
    try {
      shape = new RecommenderShape(Math.subtractExact(to, from), heads, ffn, blocks, maxLen, 0f);
      needed = SequenceRecommender.size(shape);
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "recommender %d reads columns [%d, %d) with %d heads, ffn %d, %d blocks and maxLen %d, which is more than can be"
              .formatted(number, from, to, heads, ffn, blocks, maxLen),
          e);
    }
    if (n != needed || n > in.remaining() / 4) {
      throw new IllegalArgumentException(
          "recommender %d says %d parameters, its shape has %d, %d bytes are left"
              .formatted(number, n, needed, in.remaining()));
    }
    float[] parameters = new float[n];
    FloatBuffer values = in.asFloatBuffer();
    values.get(parameters);
    in.position(in.position() + 4 * n);
    for (int i = 0; i < n; i++) {
      if (!Float.isFinite(parameters[i])) {
        throw new IllegalArgumentException(
            "parameter %d of recommender %d is %s; expected: finite numbers"
                .formatted(i, number, parameters[i]));
      }
    }
    return new Tower(SequenceRecommender.of(shape, parameters), from, to, temperature, share);
  }
}
