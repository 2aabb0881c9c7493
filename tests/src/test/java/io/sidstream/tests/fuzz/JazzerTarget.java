package io.sidstream.tests.fuzz;

/** What Jazzer calls, with the decoder that the property {@code fuzz.decoder} names. */
public final class JazzerTarget {
  /** Jazzer changes classes as they are first used, on this thread. */
  private static final long FREE_BYTES = 256L << 20;

  private static Decoder decoder;

  private JazzerTarget() {}

  /** Called once. */
  public static void fuzzerInitialize() {
    String name = System.getProperty("fuzz.decoder");
    decoder = Decoders.all().stream().filter(d -> d.name().equals(name)).findFirst().orElseThrow();
    // A reader of CSV has so many classes that changing them takes more than any input may.
    decoder.readSeeds();
  }

  /** Called with each input. */
  public static void fuzzerTestOneInput(byte[] input) {
    decoder.read(input, FREE_BYTES);
  }
}
