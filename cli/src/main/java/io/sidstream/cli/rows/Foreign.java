package io.sidstream.cli.rows;

import io.sidstream.cli.UsageException;
import java.util.HexFormat;

/** Refuses files that begin as others do than those of text, and says how to make one of them. */
final class Foreign {
  /** As many bytes as are looked at. */
  static final int LONGEST = 6;

  /** How a file begins, hexadecimal; what it is; how to make text of it. */
  private static final String[][] KINDS = {
    {"504b0304", "a zip archive (an Excel file is one, too)", "unpack it, or save it as CSV"},
    {"425a68", "packed by bzip2", "unpack it (bunzip2), or pipe it: bzcat FILE | ... -"},
    {"28b52ffd", "packed by zstd", "unpack it (unzstd), or pipe it: zstdcat FILE | ... -"},
    {"fd377a585a00", "packed by xz", "unpack it (unxz), or pipe it: xzcat FILE | ... -"},
    {"fffe", "UTF-16", "convert it (iconv -f UTF-16 -t UTF-8)"},
    {"feff", "UTF-16", "convert it (iconv -f UTF-16 -t UTF-8)"},
    {"50415231", "Parquet", "say --format parquet"},
    {"4f626a01", "Avro", "write it as JSON lines (avro-tools tojson)"},
    {"4f5243", "ORC", "write it as Parquet or JSON lines"},
  };

  private Foreign() {}

  /**
   * Refuses one.
   *
   * @param name of the file
   * @param head its first bytes, as many as there are
   * @throws UsageException names the file, what it is and the cure
   */
  static void refuse(String name, byte[] head) {
    String begin = HexFormat.of().formatHex(head);
    for (String[] kind : KINDS) {
      if (begin.startsWith(kind[0])) {
        throw new UsageException(name + " is " + kind[1] + ": " + kind[2]);
      }
    }
  }
}
