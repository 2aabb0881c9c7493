package io.sidstream.lab.tiger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.math.Rng;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class BeamSearchTest {
  private static final int ITEMS = 60;
  private final int[] codes = new int[2 * ITEMS];
  private final TupleTrie trie;

  BeamSearchTest() {
    Rng rng = new Rng(2);
    for (int i = 0; i < codes.length; i++) {
      codes[i] = rng.nextInt(6);
    }
    trie = new TupleTrie(codes, ITEMS, 2, 6);
  }

  private GenerativeRecommender recommender() {
    return GenerativeRecommenderTest.recommender(
        new GeneratorShape(trie.sizes(), 8, 2, 8, 1, 4, 0.2f));
  }

  @Test
  void everyItemHasATupleOfItsOwnThatBeginsWithItsCodes() {
    Set<String> tuples = new HashSet<>();
    for (int i = 0; i < ITEMS; i++) {
      int[] tuple = trie.tuple(i);
      assertThat(Arrays.copyOf(tuple, 2)).isEqualTo(Arrays.copyOfRange(codes, 2 * i, 2 * i + 2));
      assertThat(tuples.add(Arrays.toString(tuple))).isTrue();
      assertThat(trie.item(tuple)).isEqualTo(i);
      assertThat(tuple[2]).isLessThan(trie.sizes().get(2));
    }
    assertThat(trie.item(6, 0, 0)).isEqualTo(-1);
    assertThat(trie.item(trie.tuple(0)[0])).as("a prefix is no item").isEqualTo(-1);
  }

  @Test
  void aBeamAsWideAsTheCatalogueIsExhaustive() {
    GenerativeRecommender r = recommender();
    double[] p = GenerativeReference.doubles(r.parameters());
    int[][] histories = {{3, 7}, {1, 2, 3, 4, 5, 6}, {59}};
    int[][] masked = {{3, 7, 7}, {}, {59, 0, 1}};
    BeamSearch.Found[] found = new BeamSearch(r, trie, ITEMS).search(histories, masked);
    for (int b = 0; b < 3; b++) {
      int[] read =
          Arrays.copyOfRange(
              histories[b], Math.max(0, histories[b].length - 4), histories[b].length);
      int[] history = Arrays.stream(read).flatMap(i -> Arrays.stream(trie.tuple(i))).toArray();
      double[] expected = new double[ITEMS];
      for (int i = 0; i < ITEMS; i++) {
        expected[i] =
            Arrays.stream(
                    GenerativeReference.logProbabilities(r.shape(), p, history, trie.tuple(i)))
                .sum();
      }
      for (int i : masked[b]) {
        expected[i] = Double.NEGATIVE_INFINITY;
      }
      Integer[] order = new Integer[ITEMS];
      Arrays.setAll(order, i -> i);
      Arrays.sort(order, Comparator.comparingDouble(i -> -expected[i]));
      int n = ITEMS - (int) Arrays.stream(masked[b]).distinct().count();
      assertThat(found[b].items()).hasSize(n);
      for (int i = 0; i < n; i++) {
        assertThat(found[b].items()[i]).isEqualTo(order[i]);
        assertThat(found[b].scores()[i]).isCloseTo(expected[order[i]], within(1e-4));
        assertThat(found[b].rank(order[i])).isEqualTo(i + 1);
      }
    }
  }

  @Test
  void aNarrowBeamFindsDistinctItemsThatAreNotMasked() {
    int[][] histories = new int[150][];
    Rng rng = new Rng(9);
    for (int b = 0; b < histories.length; b++) {
      histories[b] = new int[1 + rng.nextInt(20)];
      for (int i = 0; i < histories[b].length; i++) {
        histories[b][i] = rng.nextInt(ITEMS);
      }
    }
    GenerativeRecommender r = recommender();
    BeamSearch.Found[] found = new BeamSearch(r, trie, 7).search(histories, histories);
    BeamSearch.Found[] again = new BeamSearch(r, trie, 7).search(histories, histories);
    for (int b = 0; b < histories.length; b++) {
      // No prefix is followed that leads to masked items only; but a prefix may have only few
      // items.
      assertThat(found[b].items()).hasSizeBetween(1, 7).doesNotHaveDuplicates();
      assertThat(found[b].items()).doesNotContain(histories[b]);
      assertThat(found[b].scores()).isSortedAccordingTo(Comparator.reverseOrder());
      assertThat(again[b].items()).isEqualTo(found[b].items());
      assertThat(again[b].scores()).isEqualTo(found[b].scores());
    }
  }

  @Test
  void tiesGoToTheLowerTupleAndCountHalf() {
    GenerativeRecommender r = recommender();
    // Equal logits everywhere.
    Arrays.fill(r.parameters(), 0f);
    BeamSearch.Found found =
        new BeamSearch(r, trie, 5).search(new int[][] {{3}}, new int[][] {{}})[0];
    for (int i = 1; i < found.items().length; i++) {
      assertThat(found.scores()[i]).isEqualTo(found.scores()[0]);
      assertThat(trie.tuple(found.items()[i]))
          .satisfies(t -> assertThat(Arrays.compare(trie.tuple(found.items()[0]), t)).isNegative());
    }
    int n = found.items().length;
    assertThat(found.rank(found.items()[0])).isEqualTo(1 + (n - 1) / 2.0);
    int absent = Arrays.stream(found.items()).anyMatch(i -> i == 0) ? -1 : 0;
    assertThat(found.rank(absent)).isInfinite();
  }

  @Test
  void namesWhatIsWrong() {
    assertThatThrownBy(() -> new TupleTrie(new int[] {0, 1, 5, -1}, 2, 2, 6))
        .hasMessage("item 1 has code -1 at level 2; it must be in 0..5, so encode all items first");
    assertThatThrownBy(() -> new TupleTrie(new int[3], 2, 2, 6))
        .hasMessage("3 codes; 2 items of 2 levels need more");
    assertThatThrownBy(() -> new BeamSearch(recommender(), trie, 0))
        .hasMessage("width is 0; it must be 1 or more");
  }
}
