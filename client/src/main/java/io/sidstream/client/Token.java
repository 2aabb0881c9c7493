package io.sidstream.client;

import java.util.Arrays;

/**
 * The semantic ID of an item.
 *
 * @param codes {@code [levels]}, first level first; a copy, the caller may change it
 * @param suffix number from 1 that makes the token unique where the codes alone could not; 0 for
 *     none
 * @param version token version of a row that published it; the token is also one of every later
 *     version that has not replaced it. Where several rows of the item have the token it may be any
 *     of theirs: a version is complete when its items have the right codes and suffixes
 */
public record Token(int[] codes, int suffix, int version) {

  /** Whether codes and suffix are the same, whatever row published them. */
  public boolean sameToken(Token other) {
    return other != null && suffix == other.suffix && Arrays.equals(codes, other.codes);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Token token && version == token.version && sameToken(token);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * Arrays.hashCode(codes) + suffix) + version;
  }

  /** Such as {@code 12-200-7} or, with a suffix, {@code 12-200-7+1}. */
  @Override
  public String toString() {
    StringBuilder s = new StringBuilder();
    for (int i = 0; i < codes.length; i++) {
      s.append(i == 0 ? "" : "-").append(codes[i]);
    }
    return suffix == 0 ? s.toString() : s.append('+').append(suffix).toString();
  }
}
