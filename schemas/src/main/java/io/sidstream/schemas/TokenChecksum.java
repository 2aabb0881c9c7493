package io.sidstream.schemas;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.avro.SchemaNormalization;

/**
 * The order-free checksum of a set of tokens: the sum, modulo 2^64, of one number per token. Tokens
 * can be added and taken away in any order, and the sums of parts add up to the sum of the whole.
 *
 * <p>The number of a token is {@code mix64(crc(bytes))} where
 *
 * <ul>
 *   <li>{@code bytes} is, with every integer as 4 bytes big-endian: the number of bytes of the item
 *       in UTF-8; those bytes; the number of codes; each code, first level first; the suffix, 0 for
 *       none;
 *   <li>{@code crc} is CRC-64-AVRO as the Avro specification defines it (the 64-bit Rabin
 *       fingerprint with the empty value 0xc15d213aa4d7a795);
 *   <li>{@code mix64} is the finaliser of MurmurHash3 x64-128 ({@code x ^= x >>> 33; x *=
 *       0xff51afd7ed558ccd; x ^= x >>> 33; x *= 0xc4ceb9fe1a85ec53; x ^= x >>> 33}). A CRC is
 *       linear, so without it differences could cancel out in a sum.
 * </ul>
 */
public final class TokenChecksum {
  private TokenChecksum() {}

  /**
   * The number of one token.
   *
   * @param codes {@code [levels]}, first level first
   * @param suffix 0 for none
   */
  public static long of(String item, int[] codes, int suffix) {
    byte[] name = item.getBytes(StandardCharsets.UTF_8);
    ByteBuffer bytes = ByteBuffer.allocate(4 + name.length + 4 + 4 * codes.length + 4);
    bytes.putInt(name.length).put(name).putInt(codes.length);
    for (int code : codes) {
      bytes.putInt(code);
    }
    bytes.putInt(suffix);
    return mix64(SchemaNormalization.fingerprint64(bytes.array()));
  }

  /**
   * The number of one token.
   *
   * @param suffix null for none
   */
  public static long of(String item, List<Integer> codes, Integer suffix) {
    int[] array = new int[codes.size()];
    for (int i = 0; i < array.length; i++) {
      array[i] = codes.get(i);
    }
    return of(item, array, suffix == null ? 0 : suffix);
  }

  private static long mix64(long x) {
    x ^= x >>> 33;
    x *= 0xff51afd7ed558ccdL;
    x ^= x >>> 33;
    x *= 0xc4ceb9fe1a85ec53L;
    return x ^ x >>> 33;
  }
}
