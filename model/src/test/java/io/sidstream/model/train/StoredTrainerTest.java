package io.sidstream.model.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.model.StoredFile;
import io.sidstream.model.quantize.Metric;
import java.io.DataInputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A trainer and rows of its items as they were written; see {@link StoredFile}. */
class StoredTrainerTest {
  private static final String KNOWN_ROW = "item-row-1-known.bin";
  private static final String UNKNOWN_ROW = "item-row-1-unknown.bin";
  private static final int SEED = 77;

  private static JointConfig config(float semanticShare) {
    return JointConfig.builder()
        .contentDim(3)
        .hidden(List.of(3))
        .semanticDim(2)
        .idDim(2)
        .codewords(6)
        .metrics(List.of(Metric.COSINE, Metric.EUCLIDEAN))
        .blocks(1)
        .heads(1)
        .ffn(3)
        .maxLen(3)
        .sharedNegatives(4)
        .batchUsers(2)
        .semanticShare(semanticShare)
        .build();
  }

  /**
   * A trainer of some steps, a tokenizer in use and codewords that were re-seeded since; then its
   * weights are put to {@link #weight}, as what training gives depends on the machine.
   */
  private static JointTrainer trainer(float semanticShare) {
    JointConfig config = config(semanticShare);
    Catalogue c = new Catalogue(config, 24, 20, 4, 3);
    JointTrainer trainer = new JointTrainer(config, c.items, c.users, SEED);
    trainer.initialiseCodebooks(24);
    trainer.step(new int[] {0, 1}, Phase.JOINT);
    trainer.adopt(trainer.candidate(new float[] {0.25f, 0.5f}));
    while (trainer.steps() < 40 && Arrays.stream(trainer.reseeded()).min().orElseThrow() == 0) {
      int user = (int) trainer.steps() % 20;
      trainer.step(new int[] {user, (user + 7) % 20}, Phase.JOINT);
    }
    fill(trainer.recommender().parameters(), 0);
    fill(trainer.quantizer().parameters(), 1);
    trainer.towers().forEach(tower -> fill(tower.recommender().parameters(), 2));
    return trainer;
  }

  private static void fill(float[] weights, int of) {
    for (int i = 0; i < weights.length; i++) {
      weights[i] = weight(i, of);
    }
  }

  private static float weight(int i, int of) {
    return of + (i % 256 - 128) / 1024f;
  }

  /** Item 3 of a table in which 1 and 3 are known, and a fourth that is only named. */
  private static ItemTable rows() {
    ItemTable items = new ItemTable(3, 2, 2, 2);
    items.put(1, new float[3], 5);
    items.put(3, new float[] {1, -2.5f, 0.125f}, 1_700_000_000_123L);
    items.countInteraction(3);
    items.countInteraction(3);
    items.countInteraction(4);
    items.nextIdStep(3);
    items.nextIdStep(3);
    System.arraycopy(new int[] {5, 301}, 0, items.codes(), 6, 2);
    System.arraycopy(new float[] {0.5f, -0.5f}, 0, items.id(), 6, 2);
    System.arraycopy(new float[] {0.25f, -4}, 0, items.idMean(), 6, 2);
    System.arraycopy(new float[] {0.0625f, 16}, 0, items.idSquare(), 6, 2);
    System.arraycopy(new float[] {3, -7}, 0, items.semantic(), 6, 2);
    return items;
  }

  /** Writes the files of the present formats into a folder. */
  public static void main(String[] arguments) throws IOException {
    StoredFile.write(arguments[0], KNOWN_ROW, rows().row(3));
    StoredFile.write(arguments[0], UNKNOWN_ROW, rows().row(4));
    for (int format = 2; format <= 3; format++) {
      JointTrainer trainer = trainer(format == 2 ? 0f : 0.5f);
      byte[] bytes = StoredFile.bytes(trainer::writeState);
      StoredFile.write(arguments[0], "trainer-state-" + format + ".bin", bytes);
      System.out.println(
          "steps "
              + trainer.steps()
              + ", reseeded "
              + Arrays.toString(trainer.reseeded())
              + ", tokenizer "
              + trainer.inUse().digest());
    }
  }

  @Test
  void rowsOfFormat1() throws IOException {
    ItemTable items = new ItemTable(3, 2, 2, 2);
    items.readRow(3, StoredFile.read(KNOWN_ROW));
    items.readRow(4, StoredFile.read(UNKNOWN_ROW));
    assertThat(items.size()).isEqualTo(5);
    assertThat(items.known(3)).isTrue();
    assertThat(items.knownCount()).isEqualTo(2);
    assertThat(items.knownAt(1)).isEqualTo(3);
    assertThat(items.arrival(3)).isEqualTo(1_700_000_000_123L);
    assertThat(items.interactions(3)).isEqualTo(2);
    assertThat(part(items.content(), 3, 3)).containsExactly(1, -2.5f, 0.125f);
    assertThat(part(items.id(), 3, 2)).containsExactly(0.5f, -0.5f);
    assertThat(part(items.idMean(), 3, 2)).containsExactly(0.25f, -4);
    assertThat(part(items.idSquare(), 3, 2)).containsExactly(0.0625f, 16);
    assertThat(part(items.semantic(), 3, 2)).containsExactly(3, -7);
    assertThat(Arrays.copyOfRange(items.codes(), 6, 10)).containsExactly(5, 301, -1, -1);
    assertThat(items.nextIdStep(3)).isEqualTo(3);
    assertThat(items.known(4)).isFalse();
    assertThat(items.interactions(4)).isEqualTo(1);
    assertThat(items.idTrained(4)).isFalse();
  }

  private static float[] part(float[] a, int row, int width) {
    return Arrays.copyOfRange(a, row * width, (row + 1) * width);
  }

  @Test
  void trainerOfFormat2() throws IOException {
    JointTrainer read = check(2, 0f);
    assertThat(read.towers()).isEmpty();
  }

  @Test
  void trainerOfFormat3() throws IOException {
    JointTrainer read = check(3, 0.5f);
    assertThat(read.towers()).hasSize(1);
  }

  private static JointTrainer check(int format, float semanticShare) throws IOException {
    String file = "trainer-state-" + format + ".bin";
    try (DataInputStream in = StoredFile.open(file)) {
      assertThat(in.readInt()).isEqualTo(format);
      assertThat(in.readLong()).as("seed").isEqualTo(SEED);
      assertThat(in.readLong()).isEqualTo(40);
    }
    JointConfig config = config(semanticShare);
    Catalogue c = new Catalogue(config, 24, 20, 4, 3);
    JointTrainer read = new JointTrainer(config, c.items, c.users, 1);
    try (DataInputStream in = StoredFile.open(file)) {
      read.readState(in);
      assertThat(in.available()).isZero();
    }
    assertThat(read.steps()).isEqualTo(40);
    assertThat(read.reseeded()).containsExactly(0, 1);
    assertThat(read.inUse().tolerance()).containsExactly(0.25f, 0.5f);
    assertThat(read.inUse().digest())
        .isEqualTo(
            format == 2
                ? "5217792973ae0a3902672b2e932d4af6260bb382f8ad678a12a5c7a079effe01"
                : "51ac37154b7e4bbe229c175f96160925bbe193b14dee6ef9b5aa51aae0fc3a1d");
    assertWeights(read.recommender().parameters(), 0);
    assertWeights(read.quantizer().parameters(), 1);
    read.towers().forEach(tower -> assertWeights(tower.recommender().parameters(), 2));
    assertThat(read.quantizer().quantizer().codebook(0).metric()).isEqualTo(Metric.COSINE);
    assertThat(read.quantizer().quantizer().codebook(1).size()).isEqualTo(6);
    assertThat(StoredFile.bytes(read::writeState)).isEqualTo(StoredFile.read(file));
    assertThat(read.step(new int[] {0, 1}, Phase.JOINT).recommendation()).isFinite();
    return read;
  }

  private static void assertWeights(float[] weights, int of) {
    for (int i = 0; i < weights.length; i++) {
      assertThat(weights[i]).as("weight %d", i).isEqualTo(weight(i, of));
    }
  }
}
