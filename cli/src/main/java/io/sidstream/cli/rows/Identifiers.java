package io.sidstream.cli.rows;

import io.sidstream.cli.rows.RowException.Fault;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Refuses identifiers that would be others once they are bytes. */
final class Identifiers {
  /** Of an identifier, as {@link java.io.DataOutput#writeUTF} writes it into a model. */
  private static final int MOST_BYTES = 65_535;

  private Identifiers() {}

  /**
   * The identifier itself.
   *
   * @throws RowException where it has half of a surrogate pair, which UTF-8 cannot write (every
   *     such half would become the same character), or is too long
   */
  static String check(String id, String field, long number) throws RowException {
    int bytes = id.chars().map(c -> c > 0x7FF ? 3 : c > 0x7F || c == 0 ? 2 : 1).sum();
    if (bytes > MOST_BYTES) {
      throw new RowException(
          number,
          Fault.IDENTIFIER,
          String.format(
              Locale.ROOT,
              "'%s' has %,d bytes, %s...; an identifier has at most %,d",
              field,
              bytes,
              id.substring(0, 20),
              MOST_BYTES));
    }
    if (id.length() == bytes) {
      return id;
    }
    try {
      StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(id));
      return id;
    } catch (CharacterCodingException e) {
      throw new RowException(
          number,
          Fault.IDENTIFIER,
          "'%s' has half of a surrogate pair, '%s', which is no character: was it cut in the middle of one?"
              .formatted(field, escaped(id)));
    }
  }

  /** With what is no character by its number. */
  private static String escaped(String id) {
    StringBuilder s = new StringBuilder();
    for (int i = 0; i < id.length() && s.length() < 80; ) {
      int c = id.codePointAt(i);
      if (c >= 0xD800 && c <= 0xDFFF) {
        s.append(String.format(Locale.ROOT, "\\u%04x", c));
      } else {
        s.appendCodePoint(c);
      }
      i += Character.charCount(c);
    }
    return s.toString();
  }
}
