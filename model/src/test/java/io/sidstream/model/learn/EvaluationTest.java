package io.sidstream.model.learn;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.train.ItemTable;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class EvaluationTest {
  /** Items by name, in this order; item i has content {i} and arrived at i. */
  private static ItemTable table(int... names) {
    ItemTable items = new ItemTable(1, 2, 1, 2);
    for (int row = 0; row < names.length; row++) {
      items.put(row, new float[] {names[row]}, names[row]);
      items.place(row, names[row], 10 + row);
      items.setKey(row, names[row]);
      items.placeId(row, 1, new float[] {names[row], row, 0, 0, 0, 0});
    }
    return items;
  }

  private static Prequential.Window window(int... rows) {
    return new Prequential.Window(rows, new long[rows.length], 1);
  }

  private static BitSet bits(int... set) {
    BitSet bits = new BitSet();
    Arrays.stream(set).forEach(bits::set);
    return bits;
  }

  @Test
  void oneIsItself() {
    Evaluation one = new Evaluation(table(5, 6), new int[] {0, 1}, bits(0), List.of(), 9);
    assertThat(Evaluation.join(List.of(one))).isSameAs(one);
  }

  @Test
  void rowsOfTheSameKeyAreOne() {
    ItemTable left = table(5, 6, 7);
    ItemTable right = table(9, 7, 5);
    right.place(2, 2, 30);
    System.arraycopy(new int[] {1, 2}, 0, right.codes(), 2 * 2, 2);
    System.arraycopy(new int[] {3, 4}, 0, left.codes(), 0, 2);
    System.arraycopy(new int[] {8, 8}, 0, right.codes(), 2, 2);
    right.allocate(5);
    Evaluation joined =
        Evaluation.join(
            List.of(
                new Evaluation(left, new int[] {0, 2}, bits(2), List.of(window(0, 1, 2)), 9),
                new Evaluation(
                    right,
                    new int[] {0, 1, 2},
                    bits(0, 2),
                    List.of(window(2, 4, 0), window(1, 0)),
                    11)));
    ItemTable items = joined.items();
    assertThat(items.knownCount()).isEqualTo(4);
    assertThat(rows(items)).containsExactly(5, 6, 7, 9);
    assertThat(joined.sample()).containsExactly(0, 2, 3);
    assertThat(joined.old()).isEqualTo(bits(0, 2, 3));
    assertThat(joined.windows())
        .extracting(Prequential.Window::items)
        .containsExactly(new int[] {0, 1, 2}, new int[] {0, -1, 3}, new int[] {2, 3});
    assertThat(joined.catalogue()).isEqualTo(11);
    // As the first has them, but the sum of what each has counted and the first arrival.
    assertThat(items.arrival(0)).isEqualTo(2);
    assertThat(items.interactions(0)).isEqualTo(40);
    assertThat(Arrays.copyOf(items.codes(), 2)).containsExactly(3, 4);
    assertThat(Arrays.copyOf(items.id(), 2)).containsExactly(5f, 0f);
    // Codes of the one that has some.
    assertThat(Arrays.copyOfRange(items.codes(), 4, 6)).containsExactly(8, 8);
    assertThat(Arrays.copyOfRange(items.content(), 0, 4)).containsExactly(5f, 6f, 7f, 9f);
    assertThat(items.encoded(1)).isFalse();
  }

  private static int[] rows(ItemTable items) {
    int[] keys = new int[items.knownCount()];
    Arrays.setAll(keys, i -> (int) items.key(items.knownAt(i)));
    return keys;
  }
}
