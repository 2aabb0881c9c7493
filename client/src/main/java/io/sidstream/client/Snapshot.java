package io.sidstream.client;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import java.util.zip.CheckedInputStream;
import java.util.zip.CheckedOutputStream;

/**
 * A {@link TableState} and the offsets that it was read up to, as a file. Layout, big-endian:
 * "SIDT", format (int), the source (UTF), offsets by topic and partition, floor, items with their
 * tokens and embeddings, overlays, COMMIT records, codebooks; at the end the CRC-32C of all before
 * (long). Written beside the old file and then put in its place, so that a kill leaves one of both.
 *
 * @param source what identifies the topics: a snapshot of other topics is of no use
 * @param offsets by topic and partition, of the first record not in the state
 * @param state the state
 */
record Snapshot(String source, Map<String, Map<Integer, Long>> offsets, TableState state) {
  private static final int MAGIC = 0x53494454;

  /** 2: codebooks as {@link io.sidstream.schemas.CodebookFormat} has them. */
  private static final int FORMAT = 2;

  /** Codes of a token: their number is a byte. */
  private static final int MOST_LEVELS = 255;

  /** Numbers of an embedding, far more than a job can be set to. */
  private static final int MOST_NUMBERS = 1 << 13;

  /** Bytes of an overlay's entry: its row, and that it has no token. */
  private static final int LEAST_ENTRY = 5;

  void write(Path file) throws IOException {
    Files.createDirectories(file.toAbsolutePath().getParent());
    Path beside = file.resolveSibling(file.getFileName() + ".new");
    CRC32C crc = new CRC32C();
    try (OutputStream raw = Files.newOutputStream(beside);
        DataOutputStream out =
            new DataOutputStream(
                new BufferedOutputStream(new CheckedOutputStream(raw, crc), 1 << 16))) {
      body(out);
      out.flush();
      out.writeLong(crc.getValue());
    }
    try (FileChannel channel = FileChannel.open(beside, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    Files.move(beside, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private void body(DataOutputStream out) throws IOException {
    out.writeInt(MAGIC);
    out.writeInt(FORMAT);
    out.writeUTF(source);
    out.writeInt(offsets.size());
    for (var topic : offsets.entrySet()) {
      out.writeUTF(topic.getKey());
      out.writeInt(topic.getValue().size());
      for (var partition : topic.getValue().entrySet()) {
        out.writeInt(partition.getKey());
        out.writeLong(partition.getValue());
      }
    }
    out.writeInt(state.floor);
    out.writeInt(state.levels());
    out.writeLong(state.baseItems);
    out.writeLong(state.baseChecksum);
    int dim = state.embeddings.dim();
    float[] e = new float[dim];
    out.writeInt(dim);
    out.writeInt(state.items.size());
    for (int row = 0; row < state.items.size(); row++) {
      byte[] item = state.items.index().item(row);
      out.writeShort(item.length);
      out.write(item);
      write(state.base.get(row), out);
      boolean embedded = dim > 0 && state.embeddings.get(row, e, 0);
      out.writeBoolean(embedded);
      for (int i = 0; embedded && i < dim; i++) {
        out.writeFloat(e[i]);
      }
    }
    out.writeInt(state.above.size());
    for (var entry : state.above.entrySet()) {
      Overlay overlay = entry.getValue();
      out.writeInt(entry.getKey());
      out.writeLong(overlay.items);
      out.writeLong(overlay.checksum);
      out.writeInt(overlay.size());
      for (int i = 0; i < overlay.size(); i++) {
        out.writeInt(overlay.row(i));
        write(overlay.token(i), out);
      }
    }
    out.writeInt(state.commits.size());
    for (TokenView.Verified commit : state.commits.values()) {
      out.writeInt(commit.version());
      out.writeLong(commit.revision());
      out.writeLong(commit.items());
      out.writeLong(commit.checksum());
      out.writeLong(commit.time());
    }
    // Pieces of codebooks that are not whole are read again: the topic is small.
    out.writeInt(state.codebooks.size());
    for (var entry : state.codebooks.entrySet()) {
      out.writeInt(entry.getKey());
      out.writeInt(entry.getValue().bytes().length);
      out.write(entry.getValue().bytes());
    }
  }

  private static void write(Token token, DataOutputStream out) throws IOException {
    if (token == null) {
      out.writeByte(0);
      return;
    }
    out.writeByte(token.codes().length);
    for (int code : token.codes()) {
      out.writeShort(code);
    }
    out.writeInt(token.suffix());
    out.writeInt(token.version());
  }

  private static Token token(DataInputStream in, int expected) throws IOException {
    int levels = in.readUnsignedByte();
    if (levels == 0) {
      return null;
    }
    require(levels == expected, "a token of %d codes, the others have %d", levels, expected);
    int[] codes = new int[levels];
    for (int l = 0; l < levels; l++) {
      codes[l] = in.readUnsignedShort();
    }
    Token token = new Token(codes, in.readInt(), in.readInt());
    require(token.version() > 0, "a token of version %d", token.version());
    return token;
  }

  private static void require(boolean sound, String message, Object... numbers) throws IOException {
    if (!sound) {
      throw new IOException("damaged, though its checksum agrees: " + message.formatted(numbers));
    }
  }

  /**
   * Reads one.
   *
   * @throws IOException where it is damaged, or of another format
   */
  static Snapshot read(Path file) throws IOException {
    // First all of it against its checksum. Anybody can compute that: no length is trusted after
    // it.
    CRC32C crc = new CRC32C();
    long length = Files.size(file) - 8;
    try (InputStream raw = new BufferedInputStream(Files.newInputStream(file), 1 << 16)) {
      byte[] buffer = new byte[1 << 16];
      long left = length;
      while (left > 0) {
        int n = raw.read(buffer, 0, (int) Math.min(buffer.length, left));
        if (n < 0) {
          break;
        }
        crc.update(buffer, 0, n);
        left -= n;
      }
      if (length < 8 || new DataInputStream(raw).readLong() != crc.getValue()) {
        throw new IOException("snapshot " + file + " is damaged: its checksum does not agree");
      }
    }
    try (DataInputStream in =
        new DataInputStream(
            new CheckedInputStream(
                new BufferedInputStream(Files.newInputStream(file), 1 << 16), crc))) {
      int magic = in.readInt();
      int format = in.readInt();
      if (magic != MAGIC || format != FORMAT) {
        throw new IOException(
            "snapshot %s has format %08x %d; this release reads %08x %d"
                .formatted(file, magic, format, MAGIC, FORMAT));
      }
      return body(in);
    } catch (IllegalArgumentException e) {
      throw new IOException("snapshot " + file + " is damaged: " + e.getMessage(), e);
    }
  }

  private static Snapshot body(DataInputStream in) throws IOException {
    String source = in.readUTF();
    Map<String, Map<Integer, Long>> offsets = new TreeMap<>();
    for (int topics = in.readInt(); topics > 0; topics--) {
      Map<Integer, Long> partitions =
          offsets.computeIfAbsent(in.readUTF(), topic -> new TreeMap<>());
      for (int n = in.readInt(); n > 0; n--) {
        partitions.put(in.readInt(), in.readLong());
      }
    }
    TableState state = new TableState(in.readInt());
    int levels = in.readInt();
    require(
        state.floor >= 0 && levels >= 0 && levels <= MOST_LEVELS,
        "version %d, %d codes",
        state.floor,
        levels);
    state.levelsSeen = levels;
    state.baseItems = in.readLong();
    state.baseChecksum = in.readLong();
    int dim = in.readInt();
    int rows = in.readInt();
    for (int row = 0; row < rows; row++) {
      int at = state.items.add(in.readNBytes(in.readUnsignedShort()));
      state.base.set(at, token(in, levels));
      if (in.readBoolean()) {
        require(dim > 0 && dim <= MOST_NUMBERS, "an embedding of %d numbers", dim);
        float[] e = new float[dim];
        for (int i = 0; i < dim; i++) {
          e[i] = in.readFloat();
        }
        state.embeddings.set(at, e);
      }
    }
    for (int overlays = in.readInt(); overlays > 0; overlays--) {
      int version = in.readInt();
      long items = in.readLong();
      long checksum = in.readLong();
      int n = in.readInt();
      require(
          n >= 0 && n <= in.available() / LEAST_ENTRY,
          "%d rows of version %d, %d bytes left",
          n,
          version,
          in.available());
      int[] of = new int[n];
      Token[] tokens = new Token[n];
      for (int i = 0; i < n; i++) {
        of[i] = in.readInt();
        require(of[i] >= 0 && of[i] < state.items.size(), "row %d of %d", of[i], rows);
        tokens[i] = token(in, levels);
      }
      state.restore(version, items, checksum, of, tokens);
    }
    for (int n = in.readInt(); n > 0; n--) {
      state.commit(
          new TokenView.Verified(
              in.readInt(), in.readLong(), in.readLong(), in.readLong(), in.readLong()));
    }
    for (int n = in.readInt(); n > 0; n--) {
      int version = in.readInt();
      state.codebooks.put(version, new Codebooks(in.readNBytes(in.readInt())));
    }
    return new Snapshot(source, offsets, state);
  }
}
