package io.sidstream.tests.fuzz;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;

/**
 * Inputs that once reached something new in a decoder, or broke it: a line of Base64 each, in a
 * file of the test resources for each decoder.
 */
final class Corpus {
  /** Longest input that is kept, bytes. */
  private static final int MOST_BYTES = 512;

  /** Inputs that are kept of a decoder. */
  private static final int MOST_INPUTS = 200;

  private Corpus() {}

  /** What is kept of a decoder. */
  static List<byte[]> read(Decoder decoder) throws IOException {
    List<byte[]> inputs = new ArrayList<>();
    try (InputStream in = Corpus.class.getResourceAsStream(decoder.name() + ".txt")) {
      if (in != null) {
        new String(in.readAllBytes(), StandardCharsets.US_ASCII)
            .lines()
            .map(Base64.getDecoder()::decode)
            .forEach(inputs::add);
      }
    }
    return inputs;
  }

  /** Writes inputs, the shortest first; long ones, and more than enough, are left out. */
  static void write(Path folder, Decoder decoder, List<byte[]> inputs) throws IOException {
    StringBuilder lines = new StringBuilder();
    inputs.stream()
        .filter(input -> input.length <= MOST_BYTES)
        .map(Base64.getEncoder()::encodeToString)
        .distinct()
        .sorted(Comparator.comparing(String::length).thenComparing(Comparator.naturalOrder()))
        .limit(MOST_INPUTS)
        .forEach(line -> lines.append(line).append('\n'));
    Files.writeString(folder.resolve(decoder.name() + ".txt"), lines);
  }
}
