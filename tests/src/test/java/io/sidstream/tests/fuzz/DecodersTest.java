package io.sidstream.tests.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/**
 * Every decoder takes its seeds, and takes or refuses, within bounds, what {@link FuzzMain} has
 * found interesting and some thousand inputs near it.
 */
class DecodersTest {
  private static final int GENERATED = Integer.getInteger("fuzz.inputs", 5_000);
  private static final long SEED = Long.getLong("fuzz.seed", 1);

  @TestFactory
  Stream<DynamicTest> takesOrRefuses() {
    return Decoders.all().stream()
        .map(decoder -> DynamicTest.dynamicTest(decoder.name(), () -> run(decoder)));
  }

  private static void run(Decoder decoder) throws Exception {
    List<byte[]> inputs = new ArrayList<>(decoder.seeds());
    for (byte[] seed : inputs) {
      assertThat(decoder.read(seed, Decoder.FREE_BYTES))
          .as("takes a seed of %s", decoder.name())
          .isTrue();
    }
    for (byte[] kept : Corpus.read(decoder)) {
      read(decoder, kept);
      inputs.add(kept);
    }
    Mutations mutations = new Mutations(inputs, SEED);
    int taken = 0;
    for (int i = 0; i < GENERATED; i++) {
      taken += read(decoder, mutations.next()) ? 1 : 0;
    }
    assertThat(taken).as("inputs taken of %d", GENERATED).isBetween(1, GENERATED);
  }

  private static boolean read(Decoder decoder, byte[] input) {
    try {
      return decoder.read(input, Decoder.FREE_BYTES);
    } catch (AssertionError e) {
      throw new AssertionError(
          "%s, for src/test/resources/io/sidstream/tests/fuzz/%s.txt: %s"
              .formatted(e.getMessage(), decoder.name(), Base64.getEncoder().encodeToString(input)),
          e);
    }
  }
}
