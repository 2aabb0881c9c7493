package io.sidstream.schemas;

/** Text of strangers, for a line of a log or of a terminal. */
public final class Printable {
  private Printable() {}

  /**
   * The text with what would begin a new line, move a terminal's cursor or turn the direction of
   * writing by its number, as {@code \\u001b}. Text without any is returned as it is.
   */
  public static String of(String text) {
    if (text.codePoints().noneMatch(Printable::acts)) {
      return text;
    }
    StringBuilder s = new StringBuilder(text.length() + 16);
    text.codePoints()
        .forEach(
            c -> {
              if (acts(c)) {
                s.append(String.format("\\u%04x", c));
              } else {
                s.appendCodePoint(c);
              }
            });
    return s.toString();
  }

  private static boolean acts(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR,
          Character.SURROGATE ->
          true;
      default -> false;
    };
  }
}
