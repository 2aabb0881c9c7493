package io.sidstream.model.quantize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.StoredFile;
import io.sidstream.model.math.Rng;
import java.io.DataInputStream;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/** The state of a codebook that learns, as it was written; see {@link StoredFile}. */
class StoredCodebookTest {
  private static final String FILE = "codebook-learner-1.bin";

  /** One step of {@link CodebookLearningTest}'s equations. */
  private static CodebookLearner euclidean() {
    Codebook start = new Codebook(Metric.EUCLIDEAN, 2, 1, new float[] {0, 10});
    CodebookLearner learner = new CodebookLearner(start, new float[] {4, 4});
    learner.update(new float[] {1, 2, 3, 9}, 0, 4, new int[] {0, 0, 0, 1}, 0, 1, 0.8f, new Rng(1));
    return learner;
  }

  private static CodebookLearner cosine() {
    Codebook start = new Codebook(Metric.COSINE, 2, 2, new float[] {1, 0, 0, 1});
    CodebookLearner learner = new CodebookLearner(start, new float[] {4, 4});
    learner.update(new float[] {0, 2, 0, 5}, 0, 2, new int[] {0, 1}, 0, 1, 0.8f, new Rng(1));
    return learner;
  }

  /** Writes the file of the present format into a folder. */
  public static void main(String[] arguments) throws IOException {
    StoredFile.write(
        arguments[0],
        FILE,
        StoredFile.bytes(
            out -> {
              euclidean().writeState(out);
              cosine().writeState(out);
            }));
  }

  @Test
  void learnersOfTrainerFormats1To3() throws IOException {
    try (DataInputStream in = StoredFile.open(FILE)) {
      CodebookLearner euclidean = CodebookLearner.readState(in);
      assertWords(euclidean, Metric.EUCLIDEAN, 1.2 / 3.8, 33.8 / 3.4);
      assertThat(euclidean.count(0)).isCloseTo(3.8f, within(1e-5f));
      assertThat(euclidean.count(1)).isCloseTo(3.4f, within(1e-5f));
      // m = .5 * (1.2, 33.8) + .5 * (4, 6): what the sums were.
      euclidean.update(new float[] {4, 6}, 0, 2, new int[] {0, 1}, 0, 1, 0.5f, new Rng(1));
      assertWords(euclidean, Metric.EUCLIDEAN, 2.6 / 2.4, 19.9 / 2.2);

      CodebookLearner cosine = CodebookLearner.readState(in);
      assertThat(in.available()).isZero();
      // m = .8 * (4, 0) + .2 * (0, 1) and (0, 3.4).
      double norm = Math.hypot(3.2, 0.2);
      assertWords(cosine, Metric.COSINE, 3.2 / norm, 0.2 / norm, 0, 1);
      assertThat(cosine.count(0)).isCloseTo(3.4f, within(1e-5f));
      // m = .5 * (3.2, .2) + .5 * (1, 0) and .5 * (0, 3.4) + .5 * (1, 0).
      cosine.update(new float[] {7, 0, 3, 0}, 0, 2, new int[] {0, 1}, 0, 1, 0.5f, new Rng(1));
      norm = Math.hypot(2.1, 0.1);
      double second = Math.hypot(0.5, 1.7);
      assertWords(cosine, Metric.COSINE, 2.1 / norm, 0.1 / norm, 0.5 / second, 1.7 / second);
    }
  }

  @Test
  void isWrittenAsItWas() throws IOException {
    byte[] stored = StoredFile.read(FILE);
    try (DataInputStream in = StoredFile.open(FILE)) {
      CodebookLearner euclidean = CodebookLearner.readState(in);
      CodebookLearner cosine = CodebookLearner.readState(in);
      assertThat(
              StoredFile.bytes(
                  out -> {
                    euclidean.writeState(out);
                    cosine.writeState(out);
                  }))
          .isEqualTo(stored);
    }
  }

  private static void assertWords(CodebookLearner learner, Metric metric, double... words) {
    assertThat(learner.codebook().metric()).isEqualTo(metric);
    assertThat(learner.codebook().size()).isEqualTo(2);
    float[] are = learner.codebook().codewords();
    assertThat(are).hasSameSizeAs(words);
    for (int i = 0; i < words.length; i++) {
      assertThat((double) are[i]).as("number %d", i).isCloseTo(words[i], within(1e-3));
    }
  }
}
