package io.sidstream.model.train;

import io.sidstream.model.file.Floats;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.BitSet;

/**
 * What training knows of the items, by dense index: a growing table.
 *
 * <p>An index may be named by an interaction before its item arrives: it is then allocated, but not
 * {@link #known}, and positions that name it are left out of batches. A change of a row marks it
 * dirty until {@link #clearDirty}, so that a caller can persist rows one by one. Not thread-safe.
 */
public final class ItemTable {
  private static final int ROW_FORMAT = 1;

  /** Bytes of a row before its codes, and with the one that follows them. */
  private static final int KNOWN_AT = 1 + Integer.BYTES + Long.BYTES + 2 * Integer.BYTES;

  private static final int ROW_HEAD = KNOWN_AT + 1;

  private final int contentDim;
  private final int idDim;
  private final int semanticDim;
  private final int levels;
  private int size;
  private int knownCount;

  private float[] content;
  private float[] id;
  private float[] idMean;
  private float[] idSquare;
  private int[] idSteps;
  private float[] semantic;
  private int[] codes;
  private long[] arrival;
  private int[] interactions;

  /**
   * Known indices in no order that matters to a reader, but a function of the calls so far;
   * where[i] is the place of i, or -1.
   */
  private int[] known;

  private int[] where;
  private final BitSet dirty = new BitSet();

  /** Names of rows as hashes; null where a row's index names it. */
  private long[] keys;

  /** Rows that uniform draws are made from; null for all that are known. */
  private int[] pool;

  /**
   * An empty table.
   *
   * @param contentDim width of a content vector, D_x
   * @param idDim width of an ID embedding, D_1; 0 for none
   * @param semanticDim width of z, D_2; 0 for none
   * @param levels codes per item, L; 0 for none
   */
  public ItemTable(int contentDim, int idDim, int semanticDim, int levels) {
    this.contentDim = contentDim;
    this.idDim = idDim;
    this.semanticDim = semanticDim;
    this.levels = levels;
    resize(64);
  }

  private void resize(int n) {
    content = resized(content, n * contentDim);
    id = resized(id, n * idDim);
    idMean = resized(idMean, n * idDim);
    idSquare = resized(idSquare, n * idDim);
    semantic = resized(semantic, n * semanticDim);
    int had = where == null ? 0 : where.length;
    idSteps = had == 0 ? new int[n] : Arrays.copyOf(idSteps, n);
    codes = had == 0 ? new int[n * levels] : Arrays.copyOf(codes, n * levels);
    Arrays.fill(codes, had * levels, n * levels, -1);
    arrival = had == 0 ? new long[n] : Arrays.copyOf(arrival, n);
    interactions = had == 0 ? new int[n] : Arrays.copyOf(interactions, n);
    known = had == 0 ? new int[n] : Arrays.copyOf(known, n);
    where = had == 0 ? new int[n] : Arrays.copyOf(where, n);
    Arrays.fill(where, had, n, -1);
  }

  private static float[] resized(float[] a, int n) {
    return a == null ? new float[n] : Arrays.copyOf(a, n);
  }

  /** Makes indices below n valid (unknown until {@link #put}). */
  public void allocate(int n) {
    if (n > where.length) {
      resize(Math.max(n, where.length + where.length / 2));
    }
    size = Math.max(size, n);
  }

  /**
   * An item arrives, or its content changes: then its codes are forgotten, so that its new ones are
   * the nearest.
   *
   * @param vector content vector [contentDim]
   * @param eventTime its event time, milliseconds; an item that is known keeps the first
   */
  public void put(int index, float[] vector, long eventTime) {
    if (vector.length != contentDim) {
      throw new IllegalArgumentException(
          "content vector of item "
              + index
              + " has "
              + vector.length
              + " numbers; the model takes "
              + contentDim);
    }
    allocate(index + 1);
    int at = index * contentDim;
    if (!Arrays.equals(content, at, at + contentDim, vector, 0, contentDim)) {
      System.arraycopy(vector, 0, content, at, contentDim);
      Arrays.fill(codes, index * levels, (index + 1) * levels, -1);
    }
    if (where[index] < 0) {
      arrival[index] = eventTime;
      where[index] = knownCount;
      known[knownCount++] = index;
    }
    dirty.set(index);
  }

  /** The item is gone: its index stays, unknown, its ID embedding and codes are forgotten. */
  public void remove(int index) {
    check(index);
    int at = where[index];
    if (at >= 0) {
      int last = known[--knownCount];
      known[at] = last;
      where[last] = at;
      dirty.set(last);
      where[index] = -1;
    }
    Arrays.fill(id, index * idDim, (index + 1) * idDim, 0f);
    Arrays.fill(idMean, index * idDim, (index + 1) * idDim, 0f);
    Arrays.fill(idSquare, index * idDim, (index + 1) * idDim, 0f);
    Arrays.fill(semantic, index * semanticDim, (index + 1) * semanticDim, 0f);
    Arrays.fill(codes, index * levels, (index + 1) * levels, -1);
    idSteps[index] = 0;
    dirty.set(index);
  }

  /** Width of a content vector, D_x. */
  public int contentDim() {
    return contentDim;
  }

  /** Width of an ID embedding, D_1; 0 for none. */
  public int idDim() {
    return idDim;
  }

  /** Width of z, D_2; 0 for none. */
  public int semanticDim() {
    return semanticDim;
  }

  /** Codes of an item, L; 0 for none. */
  public int levels() {
    return levels;
  }

  /** Indices allocated so far. */
  public int size() {
    return size;
  }

  /** Items that are known. */
  public int knownCount() {
    return knownCount;
  }

  /** The n-th known item, n below {@link #knownCount}: for uniform draws. */
  public int knownAt(int n) {
    return known[n];
  }

  /**
   * What names the row wherever the table holds it: draws that belong to an item, such as those of
   * dropout, are made by it. Its index, unless {@link #setKey} gave another.
   */
  public long key(int index) {
    return keys == null ? index : keys[index];
  }

  /** Gives a row a name that does not depend on its place. */
  public void setKey(int index, long key) {
    allocate(index + 1);
    if (keys == null || keys.length < where.length) {
      int had = keys == null ? 0 : keys.length;
      keys = keys == null ? new long[where.length] : Arrays.copyOf(keys, where.length);
      for (int i = had; i < keys.length; i++) {
        keys[i] = i;
      }
    }
    keys[index] = key;
  }

  /**
   * Has uniform draws made from these rows instead of from all that are known: where the table is a
   * part of a catalogue, chosen by what was interacted with, its rows are no uniform sample.
   *
   * @param rows known rows, distinct; not copied
   */
  public void drawFrom(int[] rows) {
    pool = rows;
  }

  /** Rows that uniform draws are made from. */
  public int poolCount() {
    return pool == null ? knownCount : pool.length;
  }

  /** The n-th of them, n below {@link #poolCount}. */
  public int poolAt(int n) {
    return pool == null ? known[n] : pool[n];
  }

  /** Whether the item has arrived and is not removed. */
  public boolean known(int index) {
    return index >= 0 && index < size && where[index] >= 0;
  }

  /** Content vectors [size, contentDim]. Live. */
  public float[] content() {
    return content;
  }

  /** ID embeddings [size, idDim]. Live; a writer marks the row dirty. */
  public float[] id() {
    return id;
  }

  float[] idMean() {
    return idMean;
  }

  float[] idSquare() {
    return idSquare;
  }

  int nextIdStep(int index) {
    dirty.set(index);
    return ++idSteps[index];
  }

  /** Whether the ID embedding has ever been trained. */
  public boolean idTrained(int index) {
    return idSteps[index] > 0;
  }

  /** z of the token version in use [size, semanticDim]. Live; a writer marks the row dirty. */
  public float[] semantic() {
    return semantic;
  }

  /**
   * Codes of the token version in use [size, levels], -1 for none. Live; a writer marks the row
   * dirty.
   */
  public int[] codes() {
    return codes;
  }

  /** Whether the item has codes of the token version in use. */
  public boolean encoded(int index) {
    return levels > 0 && codes[index * levels] >= 0;
  }

  /** Event time of the item's arrival, milliseconds. */
  public long arrival(int index) {
    check(index);
    return arrival[index];
  }

  /** Interactions with the item so far. */
  public int interactions(int index) {
    return index < size ? interactions[index] : 0;
  }

  /** Counts an interaction with an item, known or not. */
  public void countInteraction(int index) {
    allocate(index + 1);
    interactions[index]++;
    dirty.set(index);
  }

  /**
   * Puts a row as a store outside keeps it; its content may come later, or not at all where no step
   * encodes it.
   *
   * @param arrival event time of its arrival, ms
   * @param count interactions so far
   */
  public void place(int index, long arrivalTime, int count) {
    allocate(index + 1);
    arrival[index] = arrivalTime;
    interactions[index] = count;
    if (where[index] < 0) {
      where[index] = knownCount;
      known[knownCount++] = index;
    }
  }

  /**
   * Puts what has been learnt of a row.
   *
   * @param steps Adam's steps of its ID embedding
   * @param e the embedding, then Adam's first and second moments, {@code [3, idDim]}; not read
   *     where steps is 0
   */
  public void placeId(int index, int steps, float[] e) {
    idSteps[index] = steps;
    if (steps > 0) {
      System.arraycopy(e, 0, id, index * idDim, idDim);
      System.arraycopy(e, idDim, idMean, index * idDim, idDim);
      System.arraycopy(e, 2 * idDim, idSquare, index * idDim, idDim);
    }
  }

  /** What {@link #placeId} takes, {@code [3, idDim]}. */
  public float[] idRow(int index) {
    float[] e = new float[3 * idDim];
    System.arraycopy(id, index * idDim, e, 0, idDim);
    System.arraycopy(idMean, index * idDim, e, idDim, idDim);
    System.arraycopy(idSquare, index * idDim, e, 2 * idDim, idDim);
    return e;
  }

  /** Steps that Adam has taken on the row's ID embedding. */
  public int idSteps(int index) {
    return idSteps[index];
  }

  /** Rows changed since {@link #clearDirty}. Live. */
  public BitSet dirty() {
    return dirty;
  }

  /** Marks the row as changed. */
  public void markDirty(int index) {
    dirty.set(index);
  }

  /** All rows count as persisted. */
  public void clearDirty() {
    dirty.clear();
  }

  private void check(int index) {
    if (index < 0 || index >= size) {
      throw new IndexOutOfBoundsException(
          "item index " + index + "; the table has " + size + " rows");
    }
  }

  /** One row, all of it, as bytes. */
  public byte[] row(int index) {
    check(index);
    ByteArrayOutputStream bytes =
        new ByteArrayOutputStream(64 + 4 * (contentDim + 3 * idDim + semanticDim + levels));
    try (DataOutputStream out = new DataOutputStream(bytes)) {
      out.writeByte(ROW_FORMAT);
      out.writeInt(where[index]);
      out.writeLong(arrival[index]);
      out.writeInt(interactions[index]);
      out.writeInt(idSteps[index]);
      for (int l = 0; l < levels; l++) {
        out.writeInt(codes[index * levels + l]);
      }
      out.writeBoolean(where[index] >= 0);
      Floats.write(out, slice(id, index, idDim), idDim);
      Floats.write(out, slice(idMean, index, idDim), idDim);
      Floats.write(out, slice(idSquare, index, idDim), idDim);
      Floats.write(out, slice(semantic, index, semanticDim), semanticDim);
      if (where[index] >= 0) {
        Floats.write(out, slice(content, index, contentDim), contentDim);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  private static float[] slice(float[] a, int index, int width) {
    return Arrays.copyOfRange(a, index * width, (index + 1) * width);
  }

  /**
   * Puts back what {@link #row} gave. All rows of a table are read, in any order, into an empty
   * one; the order of {@link #knownAt} is then that of the table that was written.
   *
   * @throws IllegalArgumentException for a row of another format, or of a length that no row of
   *     this table has; the table is then as it was
   */
  public void readRow(int index, byte[] row) {
    int without = ROW_HEAD + 4 * (levels + 3 * idDim + semanticDim);
    int with = without + 4 * contentDim;
    if (row.length > 0 && row[0] != ROW_FORMAT) {
      throw new IllegalArgumentException(
          "row of item " + index + " has format " + row[0] + "; this version reads " + ROW_FORMAT);
    }
    // Whether the item was known stands behind the codes.
    boolean isKnown = row.length == with;
    if (!isKnown && row.length != without || row[KNOWN_AT + 4 * levels] != (isKnown ? 1 : 0)) {
      throw new IllegalArgumentException(
          "row of item "
              + index
              + " has "
              + row.length
              + " bytes and is of another shape, or damaged; content of "
              + contentDim
              + ", ID of "
              + idDim
              + ", semantics of "
              + semanticDim
              + " and "
              + levels
              + " levels have "
              + with
              + ", of an unknown item "
              + without);
    }
    allocate(index + 1);
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(row))) {
      in.readByte();
      int place = in.readInt();
      arrival[index] = in.readLong();
      interactions[index] = in.readInt();
      idSteps[index] = in.readInt();
      for (int l = 0; l < levels; l++) {
        codes[index * levels + l] = in.readInt();
      }
      in.readBoolean();
      read(in, id, index, idDim);
      read(in, idMean, index, idDim);
      read(in, idSquare, index, idDim);
      read(in, semantic, index, semanticDim);
      where[index] = place;
      if (isKnown) {
        read(in, content, index, contentDim);
        if (place >= known.length) {
          allocateKnown(place + 1);
        }
        known[place] = index;
        knownCount = Math.max(knownCount, place + 1);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void allocateKnown(int n) {
    int keep = size;
    allocate(n);
    size = keep;
  }

  private static void read(DataInputStream in, float[] a, int index, int width) throws IOException {
    float[] values = new float[width];
    Floats.read(in, values, width);
    System.arraycopy(values, 0, a, index * width, width);
  }
}
