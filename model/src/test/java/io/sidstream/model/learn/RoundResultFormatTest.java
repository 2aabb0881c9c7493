package io.sidstream.model.learn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.learn.RoundResult.Embedding;
import io.sidstream.model.learn.RoundResult.Figures;
import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.Phase;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RoundResultFormatTest {
  private static RoundResult whole() {
    LearntCatalogue c = new LearntCatalogue().steps(3, Phase.JOINT);
    c.adopt();
    Evaluation e = c.evaluation(200);
    c.catalogue.items.remove(17);
    c.catalogue.items.countInteraction(300);
    int[] sample = Arrays.stream(e.sample()).filter(i -> i != 17).toArray();
    Prequential.Result ranked = new Prequential.Result();
    ranked.model.add(3);
    ranked.newPopularity.add(7.5);
    return new RoundResult(
        2,
        1L << 40,
        new Figures(240, 1200, 5, 3, 1.25, Double.POSITIVE_INFINITY, 3, ranked, 9),
        TrainerWeights.of(c.trainer),
        List.of(
            new Embedding("ä".repeat(40_000), new float[] {1, -0f}),
            new Embedding("", null),
            new Embedding("moved", new float[] {3, 4}, new float[] {1, 2}, 5)),
        new Evaluation(c.catalogue.items, sample, e.old(), e.windows(), 1_000_000));
  }

  private static byte[] bytes(RoundResult result) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    RoundResultFormat.write(result, new DataOutputStream(bytes));
    return bytes.toByteArray();
  }

  private static RoundResult read(byte[] bytes) throws IOException {
    return RoundResultFormat.read(new DataInputStream(new ByteArrayInputStream(bytes)));
  }

  @Test
  void whatIsWrittenIsReadBack() throws IOException {
    RoundResult result = whole();
    byte[] bytes = bytes(result);
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes));
    RoundResult read = RoundResultFormat.read(in);
    assertThat(in.read()).isEqualTo(-1);
    assertThat(read.shard()).isEqualTo(2);
    assertThat(read.round()).isEqualTo(1L << 40);
    assertThat(read.figures()).usingRecursiveComparison().isEqualTo(result.figures());
    assertThat(read.weights()).usingRecursiveComparison().isEqualTo(result.weights());
    assertThat(read.embeddings()).usingRecursiveComparison().isEqualTo(result.embeddings());
    ItemTable items = result.evaluation().items();
    ItemTable again = read.evaluation().items();
    assertThat(again.knownCount()).isEqualTo(items.knownCount());
    for (int i = 0; i < items.knownCount(); i++) {
      int row = items.knownAt(i);
      assertThat(again.knownAt(i)).isEqualTo(i);
      assertThat(again.key(i)).isEqualTo(items.key(row));
      assertThat(again.arrival(i)).isEqualTo(items.arrival(row));
      assertThat(again.interactions(i)).isEqualTo(items.interactions(row));
      assertThat(again.idSteps(i)).isEqualTo(items.idSteps(row));
      assertThat(slice(again.content(), i, 24)).isEqualTo(slice(items.content(), row, 24));
      assertThat(slice(again.id(), i, 4)).isEqualTo(slice(items.id(), row, 4));
      assertThat(slice(again.semantic(), i, 12)).isEqualTo(slice(items.semantic(), row, 12));
      for (int l = 0; l < 3; l++) {
        assertThat(again.codes()[3 * i + l]).isEqualTo(items.codes()[3 * row + l]);
      }
    }
    assertThat(names(again, read.evaluation().sample()))
        .isEqualTo(names(items, result.evaluation().sample()));
    assertThat(read.evaluation().old().cardinality()).isEqualTo(199);
    for (int w = 0; w < result.evaluation().windows().size(); w++) {
      Prequential.Window had = result.evaluation().windows().get(w);
      Prequential.Window has = read.evaluation().windows().get(w);
      assertThat(names(again, has.items())).isEqualTo(names(items, had.items()));
      assertThat(has.times()).isEqualTo(had.times());
      assertThat(has.fresh()).isEqualTo(had.fresh());
    }
    assertThat(read.evaluation().catalogue()).isEqualTo(1_000_000);
    // Written again, it is the same.
    assertThat(bytes(read)).isEqualTo(bytes);
  }

  private static float[] slice(float[] a, int row, int width) {
    return Arrays.copyOfRange(a, row * width, (row + 1) * width);
  }

  private static long[] names(ItemTable items, int[] rows) {
    return Arrays.stream(rows).mapToLong(i -> items.known(i) ? items.key(i) : -1).toArray();
  }

  @Test
  void partsThatAreNotThereAreNotThereAfterwards() throws IOException {
    RoundResult result = new RoundResult(0, 1, whole().figures(), null, List.of(), null);
    RoundResult read = read(bytes(result));
    assertThat(read.weights()).isNull();
    assertThat(read.embeddings()).isEmpty();
    assertThat(read.evaluation()).isNull();
  }

  @Test
  void foreignBytesAndOtherFormatsAreNamed() throws IOException {
    byte[] bytes = bytes(new RoundResult(0, 1, whole().figures(), null, List.of(), null));
    byte[] foreign = bytes.clone();
    foreign[0] = 'X';
    assertThatThrownBy(() -> read(foreign))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("not with SIDR");
    byte[] newer = bytes.clone();
    newer[7] = 3;
    assertThatThrownBy(() -> read(newer))
        .hasMessage("result of a round in format 3; this version reads formats 1 to 2");
  }

  /** The length of the first array says two thousand million; there are some kilobytes. */
  @Test
  void aDamagedLengthTakesNoMemory() throws IOException {
    byte[] bytes = bytes(whole());
    byte[] figures = bytes(new RoundResult(0, 1, whole().figures(), null, List.of(), null));
    int at = figures.length - 1 - 4 - 1 + 1;
    ByteBuffer.wrap(bytes).putInt(at, Integer.MAX_VALUE);
    assertThatThrownBy(() -> read(bytes)).isInstanceOf(EOFException.class);
    ByteBuffer.wrap(bytes).putInt(at, -5);
    assertThatThrownBy(() -> read(bytes))
        .isInstanceOf(IOException.class)
        .hasMessage("a length is -5: the bytes are damaged");
  }

  /** Whatever the damage: an answer, or an IOException; never another error, never all memory. */
  @Test
  void damagedBytesAreAnswersOrInputErrors() throws IOException {
    RoundResult w = whole();
    Evaluation e = w.evaluation();
    byte[] bytes =
        bytes(
            new RoundResult(
                0,
                1,
                w.figures(),
                null,
                w.embeddings().subList(1, 2),
                new Evaluation(
                    e.items(),
                    Arrays.copyOf(e.sample(), 3),
                    e.old(),
                    e.windows().subList(0, 2),
                    5)));
    Random random = new Random(4);
    int refused = 0;
    for (int i = 0; i < 200; i++) {
      byte[] damaged = bytes.clone();
      for (int j = 0; j < 3; j++) {
        damaged[random.nextInt(damaged.length)] = (byte) random.nextInt();
      }
      refused += refuses(damaged) ? 1 : 0;
      refused += refuses(Arrays.copyOf(bytes, random.nextInt(bytes.length))) ? 1 : 0;
    }
    assertThat(refused).isGreaterThan(200);
  }

  private static boolean refuses(byte[] bytes) {
    try {
      read(bytes);
      return false;
    } catch (IOException e) {
      return true;
    }
  }
}
