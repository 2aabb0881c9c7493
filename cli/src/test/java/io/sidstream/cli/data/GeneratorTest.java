package io.sidstream.cli.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.cli.UsageException;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class GeneratorTest {
  private static final DataSet SET = Generator.generate(1500, 40_000, 42);

  @Test
  void givesTheSameForTheSameSeed() {
    DataSet again = Generator.generate(1500, 40_000, 42);
    assertThat(again.items()).isEqualTo(SET.items());
    assertThat(again.item()).isEqualTo(SET.item());
    assertThat(again.user()).isEqualTo(SET.user());
    assertThat(again.time()).isEqualTo(SET.time());
    assertThat(again.digest()).isEqualTo(SET.digest());
    DataSet other = Generator.generate(1500, 40_000, 43);
    assertThat(other.item()).isNotEqualTo(SET.item());
    assertThat(other.digest()).isNotEqualTo(SET.digest());
  }

  @Test
  void hasTheSizeAskedForInOrderOfTime() {
    assertThat(SET.items()).hasSize(1500);
    assertThat(SET.interactions()).isEqualTo(40_000);
    for (int k = 1; k < SET.interactions(); k++) {
      assertThat(SET.time()[k]).isGreaterThanOrEqualTo(SET.time()[k - 1]);
    }
    assertThat(SET.items().stream().map(SourceItem::id).distinct()).hasSize(1500);
    assertThat(SET.items()).allMatch(item -> !item.text().isBlank() && !item.title().isBlank());
  }

  @Test
  void bringsNewItemsToTheEnd() {
    Set<Integer> seen = new HashSet<>();
    int[] fresh = new int[4];
    for (int k = 0; k < SET.interactions(); k++) {
      if (seen.add(SET.item()[k])) {
        fresh[k * 4 / SET.interactions()]++;
      }
    }
    assertThat(fresh[3]).as("first uses in the last quarter").isGreaterThan(100);
    assertThat(seen.size()).as("items used").isGreaterThan(1200);
  }

  @Test
  void isSkewedAndPredictable() {
    int[] counts = new int[1500];
    for (int item : SET.item()) {
      counts[item]++;
    }
    int[] sorted = counts.clone();
    Arrays.sort(sorted);
    long top = 0;
    for (int i = 1350; i < 1500; i++) {
      top += sorted[i];
    }
    assertThat((double) top / SET.interactions()).as("share of the top tenth").isBetween(0.25, 0.9);

    // The theme of a user's next item is mostly that of the last one; by chance it would be one in
    // twenty.
    Map<String, String> last = new HashMap<>();
    int same = 0;
    int pairs = 0;
    for (int k = 0; k < SET.interactions(); k++) {
      String theme = SET.items().get(SET.item()[k]).attributes().get("theme");
      String before = last.put(SET.user()[k], theme);
      if (before != null) {
        pairs++;
        same += before.equals(theme) ? 1 : 0;
      }
    }
    assertThat((double) same / pairs).isGreaterThan(0.5);
  }

  @Test
  void worksWhenSmall() {
    DataSet small = Generator.generate(40, 40, 1);
    assertThat(small.items()).hasSize(40);
    assertThat(small.interactions()).isEqualTo(40);
    assertThatThrownBy(() -> Generator.generate(39, 100, 1))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("--items 39");
    assertThatThrownBy(() -> Generator.generate(50, 49, 1))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("--events 49");
  }

  @Test
  void fewUsersHaveLongHistories() {
    DataSet dense = Generator.generate(400, 10_000, 50, 42);
    assertThat(dense.interactions()).isEqualTo(10_000);
    assertThat(java.util.Arrays.stream(dense.user()).distinct().count()).isBetween(30L, 50L);
    assertThatThrownBy(() -> Generator.generate(400, 10_000, 19, 42))
        .hasMessageContaining("--users 19");
  }
}
