package io.sidstream.tests.fuzz;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Endless inputs near given ones, the same for the same seed. */
final class Mutations {
  /** What lengths and counts are broken with. */
  private static final int[] NUMBERS = {
    0, 1, -1, 2, 127, 128, 255, 256, 65_535, 65_536, Integer.MAX_VALUE, Integer.MIN_VALUE
  };

  private static final int MOST_CHANGES = 6;

  private final List<byte[]> inputs;
  private final SplittableRandom random;

  Mutations(List<byte[]> inputs, long seed) {
    this.inputs = inputs;
    random = new SplittableRandom(seed);
  }

  byte[] next() {
    byte[] input = any().clone();
    for (int changes = random.nextInt(1, MOST_CHANGES); changes > 0; changes--) {
      input = change(input);
    }
    return input;
  }

  private byte[] any() {
    return inputs.get(random.nextInt(inputs.size()));
  }

  private byte[] change(byte[] input) {
    int at = random.nextInt(input.length + 1);
    switch (random.nextInt(7)) {
      case 0 -> {
        return Arrays.copyOf(input, at);
      }
      case 1 -> {
        // Something of another behind.
        byte[] other = any();
        return splice(input, at, other, random.nextInt(other.length + 1), other.length);
      }
      case 2 -> {
        // A part once more.
        int from = random.nextInt(input.length + 1);
        return splice(input, at, input, from, input.length);
      }
      case 3 -> {
        for (int i = 0, n = NUMBERS[random.nextInt(NUMBERS.length)]; i < 4; i++) {
          put(input, at + i, n >> 8 * (3 - i));
        }
      }
      case 4 -> put(input, at, NUMBERS[random.nextInt(NUMBERS.length)]);
      case 5 -> put(input, at, random.nextInt());
      default -> put(input, at, at < input.length ? input[at] ^ 1 << random.nextInt(8) : 0);
    }
    return input;
  }

  private static void put(byte[] input, int at, int value) {
    if (at < input.length) {
      input[at] = (byte) value;
    }
  }

  private static byte[] splice(byte[] head, int length, byte[] tail, int from, int to) {
    byte[] both = Arrays.copyOf(head, length + to - from);
    System.arraycopy(tail, from, both, length, to - from);
    return both;
  }
}
