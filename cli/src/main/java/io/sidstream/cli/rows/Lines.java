package io.sidstream.cli.rows;

import io.sidstream.cli.UsageException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipException;

/**
 * Lines of UTF-8, each told by its number. A line ends with LF or CR LF. What is not UTF-8 is
 * refused, as a decoder that replaces would make one identifier of two.
 */
final class Lines {
  /** What some programs begin a file of UTF-8 with. */
  private static final char BYTE_ORDER_MARK = '\uFEFF';

  private final String name;
  private final InputStream in;
  private final CharsetDecoder utf8 = StandardCharsets.UTF_8.newDecoder();
  private final ByteArrayOutputStream line = new ByteArrayOutputStream();
  private long number;

  Lines(Input input) {
    name = input.name();
    in = new BufferedInputStream(input.bytes(), 1 << 16);
  }

  /**
   * Reads a file once more to name the line that is not UTF-8, which a reader's buffer does not
   * tell. Does nothing where the name is no file's.
   *
   * @throws UsageException names file and line
   */
  static void check(String name) throws IOException {
    if (!Files.isRegularFile(Path.of(name))) {
      return;
    }
    try (Input input = Input.open(name)) {
      Lines lines = new Lines(input);
      String line;
      do {
        line = lines.next();
      } while (line != null);
    }
  }

  /** The number of the line read last, from 1. */
  long number() {
    return number;
  }

  /**
   * The next line without its end, null at the end of the file.
   *
   * @throws UsageException where it is not UTF-8, or the archive is broken
   */
  String next() throws IOException {
    line.reset();
    int b;
    try {
      b = in.read();
      if (b < 0) {
        return null;
      }
      for (; b >= 0 && b != '\n'; b = in.read()) {
        line.write(b);
      }
    } catch (ZipException | EOFException e) {
      throw Input.broken(name, e);
    }
    number++;
    String text;
    try {
      text = utf8.decode(ByteBuffer.wrap(line.toByteArray())).toString();
    } catch (CharacterCodingException e) {
      throw new UsageException(
          name + ":" + number + " has bytes that are not UTF-8; convert the file (iconv -t UTF-8)");
    }
    if (b == '\n' && text.endsWith("\r")) {
      text = text.substring(0, text.length() - 1);
    }
    boolean marked = number == 1 && !text.isEmpty() && text.charAt(0) == BYTE_ORDER_MARK;
    return marked ? text.substring(1) : text;
  }
}
