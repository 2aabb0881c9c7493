package io.sidstream.model.learn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.train.ItemTable;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PossibleTest {
  private static Possible of(int codewords, int levels, int... contents) {
    ItemTable items = new ItemTable(2, 0, 0, levels);
    for (int i = 0; i < contents.length; i++) {
      items.put(i, new float[] {contents[i], 1}, 0);
    }
    return Possible.of(items, IntStream.range(0, contents.length).toArray(), codewords, levels);
  }

  @Test
  void itemsOfTheSameContentAreNeverAlone() {
    Possible p = of(256, 3, 1, 2, 2, 3, 4, 4, 4, 5);
    assertThat(p.items()).isEqualTo(8);
    assertThat(p.contents()).isEqualTo(5);
    assertThat(p.alone()).isCloseTo(3 / 8.0, within(1e-6));
    assertThat(p.utilisation()).isEqualTo(5 / 256.0);
  }

  @Test
  void moreContentsThanCodewordsCanUseThemAll() {
    assertThat(of(4, 2, 1, 2, 3).utilisation()).isEqualTo(0.75);
    assertThat(of(4, 2, 1, 2, 3, 4).utilisation()).isEqualTo(1);
    assertThat(of(4, 2, 1, 2, 3, 4, 5).utilisation()).isEqualTo(1);
  }

  @Test
  void moreContentsThanTuplesMeet() {
    int[] contents = IntStream.range(0, 1000).toArray();
    assertThat(of(4, 2, contents).alone()).isCloseTo(Math.exp(-999 / 16.0), within(1e-12));
    assertThat(of(256, 3, contents).alone()).isGreaterThan(0.9999);
  }

  @Test
  void spreadIsTheErrorOfTheMean() {
    assertThat(of(4, 2, 1, 3).spread()).isCloseTo(1, within(1e-9));
    assertThat(of(4, 2, 7, 7, 7).spread()).isCloseTo(0, within(1e-9));
  }

  @Test
  void nothingIsPossibleWithoutItems() {
    Possible p = of(4, 2);
    assertThat(p.contents()).isZero();
    assertThat(p.alone()).isZero();
    assertThat(p.utilisation()).isZero();
    assertThat(p.spread()).isZero();
  }
}
