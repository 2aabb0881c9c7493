package io.sidstream.cli.rows;

import io.sidstream.cli.UsageException;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * The bytes of a file or of standard input, unpacked where they are gzip, and how many of the
 * file's own were read.
 */
final class Input implements AutoCloseable {
  /** Stands for standard input. */
  static final String STANDARD = "-";

  private final String name;
  private final Counting counting;
  private final InputStream bytes;
  private final long size;

  private Input(String name, Counting counting, InputStream bytes, long size) {
    this.name = name;
    this.counting = counting;
    this.bytes = bytes;
    this.size = size;
  }

  /**
   * Opens it.
   *
   * @param file a path, or {@code -}
   * @throws UsageException where it is not a file that can be read, or a broken gzip file
   */
  static Input open(String file) throws IOException {
    boolean standard = file.equals(STANDARD);
    if (!standard && !Files.isReadable(Path.of(file))) {
      throw new UsageException(file + " is not there, or may not be read");
    }
    if (!standard && Files.isDirectory(Path.of(file))) {
      throw new UsageException(file + " is a folder; name its files");
    }
    InputStream raw = standard ? System.in : Files.newInputStream(Path.of(file));
    Counting counting = new Counting(raw);
    BufferedInputStream buffered = new BufferedInputStream(counting, 1 << 16);
    String name = standard ? "standard input" : file;
    try {
      buffered.mark(Foreign.LONGEST);
      byte[] head = buffered.readNBytes(Foreign.LONGEST);
      buffered.reset();
      boolean packed = head.length > 1 && head[0] == 0x1F && head[1] == (byte) 0x8B;
      Foreign.refuse(name, head);
      if (!packed && file.endsWith(".gz")) {
        throw new UsageException(
            name
                + " is no whole gzip file ("
                + (Files.size(Path.of(file)) == 0 ? "it ends too early" : "Not in GZIP format")
                + "); copy it again");
      }
      InputStream bytes = packed ? new GZIPInputStream(buffered, 1 << 16) : buffered;
      return new Input(name, counting, bytes, standard ? -1 : Files.size(Path.of(file)));
    } catch (ZipException | EOFException e) {
      raw.close();
      throw broken(name, e);
    } catch (IOException | RuntimeException e) {
      raw.close();
      throw e;
    }
  }

  /** For messages. */
  String name() {
    return name;
  }

  InputStream bytes() {
    return bytes;
  }

  long position() {
    return counting.count;
  }

  long size() {
    return size;
  }

  /** What a person is told of an archive that ends early or is damaged. */
  static UsageException broken(String name, IOException e) {
    String why = e.getMessage() == null ? "it ends too early" : e.getMessage();
    return new UsageException(name + " is no whole gzip file (" + why + "); copy it again");
  }

  @Override
  public void close() throws IOException {
    bytes.close();
  }

  private static final class Counting extends FilterInputStream {
    long count;

    Counting(InputStream in) {
      super(in);
    }

    @Override
    public int read() throws IOException {
      int b = super.read();
      count += b >= 0 ? 1 : 0;
      return b;
    }

    @Override
    public int read(byte[] to, int offset, int length) throws IOException {
      int n = super.read(to, offset, length);
      count += Math.max(0, n);
      return n;
    }
  }
}
