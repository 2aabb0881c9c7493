package io.sidstream.model.file;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/** SHA-256 without the checked exception, which no JDK throws. */
public final class Sha256 {
  private Sha256() {}

  /** A digest of nothing yet. */
  public static MessageDigest start() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  /** Digest of the first bytes. */
  public static byte[] of(byte[] bytes, int length) {
    MessageDigest sha = start();
    sha.update(bytes, 0, length);
    return sha.digest();
  }

  /** Digest of all bytes, lower-case hex. */
  public static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(of(bytes, bytes.length));
  }
}
