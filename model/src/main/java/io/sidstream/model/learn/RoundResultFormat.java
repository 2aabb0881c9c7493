package io.sidstream.model.learn;

import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.learn.RoundResult.Embedding;
import io.sidstream.model.learn.RoundResult.Figures;
import io.sidstream.model.learn.RoundResult.Level;
import io.sidstream.model.learn.RoundResult.Weights;
import io.sidstream.model.train.ItemTable;
import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/**
 * A {@link RoundResult} as bytes: magic {@code SIDR}, format version, then its parts in the order
 * of the record, numbers big-endian, arrays behind their length. Of an evaluation's items go those
 * that are known, in the order of the table, without Adam's moments, which nothing is judged by.
 */
public final class RoundResultFormat {
  /** "SIDR". */
  private static final int MAGIC = 0x53494452;

  /** 2 added what an embedding started as; 1 is read as having none. */
  private static final int FORMAT = 2;

  /** Widest row of a table that is read: 64 rows of it are made at once. */
  private static final int MOST_WIDTH = 1 << 14;

  private RoundResultFormat() {}

  /** Writes a result. */
  public static void write(RoundResult result, DataOutput out) throws IOException {
    out.writeInt(MAGIC);
    out.writeInt(FORMAT);
    out.writeInt(result.shard());
    out.writeLong(result.round());
    write(result.figures(), out);
    out.writeBoolean(result.weights() != null);
    if (result.weights() != null) {
      write(result.weights(), out);
    }
    out.writeInt(result.embeddings().size());
    for (Embedding embedding : result.embeddings()) {
      BoundedArrays.write(out, embedding.item());
      out.writeBoolean(embedding.e() != null);
      if (embedding.e() != null) {
        BoundedArrays.write(out, embedding.e());
      }
      out.writeBoolean(embedding.start() != null);
      if (embedding.start() != null) {
        BoundedArrays.write(out, embedding.start());
        out.writeInt(embedding.steps());
      }
    }
    out.writeBoolean(result.evaluation() != null);
    if (result.evaluation() != null) {
      write(result.evaluation(), out);
    }
  }

  /**
   * What {@link #write} wrote, bit for bit.
   *
   * @throws IOException for bytes that are foreign, damaged, cut off or of another format; no more
   *     memory is taken than they are long, times a small factor
   */
  public static RoundResult read(DataInput in) throws IOException {
    int magic = in.readInt();
    if (magic != MAGIC) {
      throw new IOException(
          "not the result of a round: it begins with %08x, not with SIDR".formatted(magic));
    }
    int format = in.readInt();
    if (format < 1 || format > FORMAT) {
      throw new IOException(
          "result of a round in format " + format + "; this version reads formats 1 to " + FORMAT);
    }
    int shard = in.readInt();
    long round = in.readLong();
    Figures figures = readFigures(in);
    Weights weights = in.readBoolean() ? readWeights(in) : null;
    List<Embedding> embeddings = new ArrayList<>();
    for (int n = BoundedArrays.count(in); n > 0; n--) {
      String item = BoundedArrays.text(in);
      float[] e = in.readBoolean() ? BoundedArrays.floats(in) : null;
      float[] start = format > 1 && in.readBoolean() ? BoundedArrays.floats(in) : null;
      if (start != null && (e == null || e.length != start.length)) {
        throw new IOException(
            "the ID embedding of '%s' has %d numbers and began with %d: the bytes are damaged"
                .formatted(item, e == null ? 0 : e.length, start.length));
      }
      embeddings.add(new Embedding(item, e, start, start == null ? 0 : in.readInt()));
    }
    Evaluation evaluation = in.readBoolean() ? readEvaluation(in) : null;
    return new RoundResult(shard, round, figures, weights, embeddings, evaluation);
  }

  private static void write(Figures f, DataOutput out) throws IOException {
    out.writeLong(f.items());
    out.writeLong(f.interactions());
    out.writeLong(f.waiting());
    out.writeLong(f.steps());
    out.writeDouble(f.recommendation());
    out.writeDouble(f.reconstruction());
    out.writeDouble(f.commitment());
    f.ranked().write(out);
    out.writeLong(f.unranked());
  }

  private static Figures readFigures(DataInput in) throws IOException {
    return new Figures(
        in.readLong(),
        in.readLong(),
        in.readLong(),
        in.readLong(),
        in.readDouble(),
        in.readDouble(),
        in.readDouble(),
        Prequential.Result.read(in),
        in.readLong());
  }

  private static void write(Weights w, DataOutput out) throws IOException {
    BoundedArrays.write(out, w.recommender());
    BoundedArrays.write(out, w.semanticRecommender());
    BoundedArrays.write(out, w.quantizer());
    out.writeInt(w.levels().size());
    for (Level level : w.levels()) {
      BoundedArrays.write(out, level.counts());
      BoundedArrays.write(out, level.sums());
      BoundedArrays.write(out, level.codewords());
      BoundedArrays.write(out, level.reseeded());
      BoundedArrays.write(out, level.reseededHere());
    }
  }

  private static Weights readWeights(DataInput in) throws IOException {
    float[] recommender = BoundedArrays.floats(in);
    float[] second = BoundedArrays.floats(in);
    float[] quantizer = BoundedArrays.floats(in);
    List<Level> levels = new ArrayList<>();
    for (int n = BoundedArrays.count(in); n > 0; n--) {
      levels.add(
          new Level(
              BoundedArrays.floats(in),
              BoundedArrays.floats(in),
              BoundedArrays.floats(in),
              BoundedArrays.bits(in),
              BoundedArrays.bits(in)));
    }
    return new Weights(recommender, second, quantizer, levels);
  }

  private static void write(Evaluation evaluation, DataOutput out) throws IOException {
    ItemTable items = evaluation.items();
    out.writeInt(items.contentDim());
    out.writeInt(items.idDim());
    out.writeInt(items.semanticDim());
    out.writeInt(items.levels());
    // Rows are numbered anew, by their place in the table.
    int[] place = new int[items.size()];
    Arrays.fill(place, -1);
    out.writeInt(items.knownCount());
    for (int i = 0; i < items.knownCount(); i++) {
      int row = items.knownAt(i);
      place[row] = i;
      writeRow(items, row, out);
    }
    BoundedArrays.write(out, rows(evaluation.sample(), place));
    BitSet old = new BitSet();
    evaluation.old().stream().filter(row -> items.known(row)).forEach(row -> old.set(place[row]));
    BoundedArrays.write(out, old);
    out.writeInt(evaluation.windows().size());
    for (Prequential.Window window : evaluation.windows()) {
      BoundedArrays.write(out, rows(window.items(), place));
      BoundedArrays.write(out, window.times());
      out.writeInt(window.fresh());
    }
    out.writeLong(evaluation.catalogue());
  }

  /** A row that is not known becomes -1, which is not known either. */
  private static int[] rows(int[] rows, int[] place) {
    return Arrays.stream(rows).map(i -> i < 0 || i >= place.length ? -1 : place[i]).toArray();
  }

  private static void writeRow(ItemTable items, int row, DataOutput out) throws IOException {
    out.writeLong(items.key(row));
    out.writeLong(items.arrival(row));
    out.writeInt(items.interactions(row));
    out.writeInt(items.idSteps(row));
    BoundedArrays.write(out, slice(items.content(), row, items.contentDim()));
    BoundedArrays.write(out, slice(items.id(), row, items.idDim()));
    BoundedArrays.write(out, slice(items.semantic(), row, items.semanticDim()));
    int levels = items.levels();
    BoundedArrays.write(out, Arrays.copyOfRange(items.codes(), row * levels, (row + 1) * levels));
  }

  private static float[] slice(float[] a, int row, int width) {
    return Arrays.copyOfRange(a, row * width, (row + 1) * width);
  }

  private static Evaluation readEvaluation(DataInput in) throws IOException {
    int content = width("content", in);
    int id = width("ID embeddings", in);
    int semantic = width("z", in);
    int levels = width("codes", in);
    ItemTable items = new ItemTable(content, id, semantic, levels);
    int count = BoundedArrays.count(in);
    for (int row = 0; row < count; row++) {
      readRow(items, row, in);
    }
    int[] sample = known(BoundedArrays.ints(in), 0, count);
    BitSet old = BoundedArrays.bits(in);
    known(new int[] {old.length() - 1}, -1, count);
    List<Prequential.Window> windows = new ArrayList<>();
    for (int n = BoundedArrays.count(in); n > 0; n--) {
      int[] rows = known(BoundedArrays.ints(in), -1, count);
      long[] times = BoundedArrays.longs(in);
      int fresh = in.readInt();
      if (times.length != rows.length || fresh < 0 || fresh > rows.length) {
        throw new IOException(
            "a window has %d items, %d times and %d fresh events: the bytes are damaged"
                .formatted(rows.length, times.length, fresh));
      }
      windows.add(new Prequential.Window(rows, times, fresh));
    }
    return new Evaluation(items, sample, old, windows, in.readLong());
  }

  private static int width(String what, DataInput in) throws IOException {
    int width = in.readInt();
    if (width < 0 || width > MOST_WIDTH) {
      throw new IOException(
          "%s of an item are %d numbers wide; it must be in 0..%d: the bytes are damaged"
              .formatted(what, width, MOST_WIDTH));
    }
    return width;
  }

  private static void readRow(ItemTable items, int row, DataInput in) throws IOException {
    long key = in.readLong();
    long arrival = in.readLong();
    int interactions = in.readInt();
    int idSteps = in.readInt();
    float[] content = wide("content", BoundedArrays.floats(in), items.contentDim());
    float[] id = wide("ID embedding", BoundedArrays.floats(in), items.idDim());
    float[] semantic = wide("z", BoundedArrays.floats(in), items.semanticDim());
    int[] codes = BoundedArrays.ints(in);
    if (codes.length != items.levels()) {
      throw new IOException(
          "an item has %d codes of %d: the bytes are damaged"
              .formatted(codes.length, items.levels()));
    }
    items.put(row, content, arrival);
    items.place(row, arrival, interactions);
    items.setKey(row, key);
    items.placeId(row, idSteps, Arrays.copyOf(id, 3 * id.length));
    System.arraycopy(id, 0, items.id(), row * id.length, id.length);
    System.arraycopy(semantic, 0, items.semantic(), row * semantic.length, semantic.length);
    System.arraycopy(codes, 0, items.codes(), row * codes.length, codes.length);
  }

  private static float[] wide(String what, float[] a, int width) throws IOException {
    if (a.length != width) {
      throw new IOException(
          "%s of an item has %d numbers of %d: the bytes are damaged"
              .formatted(what, a.length, width));
    }
    return a;
  }

  private static int[] known(int[] rows, int least, int count) throws IOException {
    for (int row : rows) {
      if (row < least || row >= count) {
        throw new IOException(
            "row %d of an evaluation of %d items: the bytes are damaged".formatted(row, count));
      }
    }
    return rows;
  }
}
