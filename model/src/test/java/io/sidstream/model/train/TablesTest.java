package io.sidstream.model.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.model.quantize.Metric;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TablesTest {
  @Test
  void anItemIsUnknownUntilItArrives() {
    ItemTable items = new ItemTable(2, 1, 2, 2);
    items.countInteraction(200);
    assertThat(items.size()).isEqualTo(201);
    assertThat(items.known(200)).isFalse();
    assertThat(items.known(-1)).isFalse();
    assertThat(items.known(999)).isFalse();
    items.put(200, new float[] {1, 2}, 77);
    items.put(200, new float[] {3, 4}, 99);
    assertThat(items.known(200)).isTrue();
    assertThat(items.arrival(200)).isEqualTo(77);
    assertThat(items.interactions(200)).isEqualTo(1);
    assertThat(items.knownCount()).isEqualTo(1);
    assertThat(items.knownAt(0)).isEqualTo(200);
  }

  @Test
  void newContentForgetsCodesAndTheSameContentDoesNot() {
    ItemTable items = new ItemTable(2, 1, 2, 2);
    items.put(0, new float[] {1, 2}, 0);
    items.codes()[0] = 5;
    items.put(0, new float[] {1, 2}, 0);
    assertThat(items.encoded(0)).isTrue();
    items.put(0, new float[] {1, 3}, 0);
    assertThat(items.encoded(0)).isFalse();
  }

  @Test
  void removalKeepsTheOthers() {
    ItemTable items = new ItemTable(1, 1, 1, 1);
    for (int i = 0; i < 5; i++) {
      items.put(i, new float[] {i}, i);
    }
    items.id()[1] = 3f;
    items.remove(1);
    items.remove(1);
    assertThat(items.known(1)).isFalse();
    assertThat(items.id()[1]).isZero();
    assertThat(items.knownCount()).isEqualTo(4);
    boolean[] seen = new boolean[5];
    for (int i = 0; i < 4; i++) {
      seen[items.knownAt(i)] = true;
    }
    assertThat(seen).containsExactly(true, false, true, true, true);
  }

  @Test
  void rowsComeBackInAnyOrder() {
    ItemTable a = new ItemTable(2, 1, 2, 2);
    for (int i = 0; i < 300; i++) {
      a.countInteraction(i);
      a.put(i, new float[] {i, -i}, 10 + i);
      a.codes()[2 * i] = i;
      a.semantic()[2 * i] = i / 2f;
    }
    a.remove(7);
    ItemTable b = new ItemTable(2, 1, 2, 2);
    for (int i = 299; i >= 0; i--) {
      b.readRow(i, a.row(i));
    }
    assertThat(b.size()).isEqualTo(300);
    assertThat(b.knownCount()).isEqualTo(299);
    for (int i = 0; i < 299; i++) {
      assertThat(b.knownAt(i)).isEqualTo(a.knownAt(i));
    }
    for (int i = 0; i < 300; i++) {
      assertThat(b.row(i)).isEqualTo(a.row(i));
    }
  }

  @Test
  void dirtyRowsAloneKeepACopyTheSame() {
    ItemTable items = new ItemTable(1, 1, 1, 1);
    byte[][] kept = new byte[40][];
    Random random = new Random(1);
    for (int round = 0; round < 50; round++) {
      for (int i = 0; i < 5; i++) {
        int item = random.nextInt(40);
        if (random.nextInt(3) == 0) {
          items.allocate(item + 1);
          items.remove(item);
        } else {
          items.put(item, new float[] {random.nextInt(3)}, round);
        }
      }
      items.dirty().stream().forEach(i -> kept[i] = items.row(i));
      items.clearDirty();
      ItemTable copy = new ItemTable(1, 1, 1, 1);
      for (int i = 0; i < 40; i++) {
        if (kept[i] != null) {
          copy.readRow(i, kept[i]);
        }
      }
      assertThat(copy.knownCount()).isEqualTo(items.knownCount());
      for (int i = 0; i < copy.knownCount(); i++) {
        assertThat(copy.knownAt(i)).isEqualTo(items.knownAt(i));
      }
    }
  }

  @Test
  void dirtyRowsAreTracked() {
    ItemTable items = new ItemTable(1, 1, 1, 1);
    items.put(3, new float[] {1}, 0);
    items.countInteraction(5);
    assertThat(items.dirty().stream().toArray()).containsExactly(3, 5);
    items.clearDirty();
    assertThat(items.dirty().isEmpty()).isTrue();
  }

  @Test
  void wrongRowsAreNamed() {
    ItemTable items = new ItemTable(2, 1, 1, 1);
    assertThatThrownBy(() -> items.put(4, new float[3], 0))
        .hasMessage("content vector of item 4 has 3 numbers; the model takes 2");
    items.put(4, new float[2], 0);
    byte[] row = items.row(4);
    // Cut short; of an unknown item where a known one is said, and the other way round; too long.
    for (int length : new int[] {0, row.length - 1, row.length - 8, row.length + 1}) {
      assertThatThrownBy(() -> items.readRow(5, Arrays.copyOf(row, length)))
          .hasMessage(
              "row of item 5 has "
                  + length
                  + " bytes and is of another shape, or damaged; content of 2, ID of 1, semantics of 1 and 1 levels have 50, of an unknown item 42");
    }
    byte[] wider = row(new ItemTable(2, 1, 2, 1));
    assertThatThrownBy(() -> items.readRow(5, wider)).hasMessageContaining("has 54 bytes");
    byte[] deeper = row(new ItemTable(2, 1, 1, 2));
    assertThatThrownBy(() -> items.readRow(5, deeper)).hasMessageContaining("has 54 bytes");
    // As long, but what says whether the item was known stands elsewhere.
    byte[] shifted = row(new ItemTable(1, 1, 1, 2));
    assertThat(shifted).hasSize(row.length);
    assertThatThrownBy(() -> items.readRow(5, shifted)).hasMessageContaining("another shape");
    assertThat(items.size()).as("nothing was taken in").isEqualTo(5);
    assertThat(items.knownCount()).isEqualTo(1);
    row[0] = 9;
    assertThatThrownBy(() -> items.readRow(4, row))
        .hasMessage("row of item 4 has format 9; this version reads 1");
    assertThatThrownBy(() -> items.row(5)).hasMessage("item index 5; the table has 5 rows");
  }

  /** The row of a known item 0. */
  private static byte[] row(ItemTable items) {
    items.put(0, new float[items.content().length / 64], 0);
    return items.row(0);
  }

  @Test
  void usersKeepTheirNewest() {
    UserSequences users = new UserSequences(3);
    for (int i = 0; i < 5; i++) {
      users.append(70, 100 + i, i);
    }
    assertThat(users.items(70)).containsExactly(102, 103, 104);
    assertThat(users.times(70)).containsExactly(2, 3, 4);
    assertThat(users.items(5)).isEmpty();
    assertThat(users.items(999)).isEmpty();
    assertThatThrownBy(() -> users.append(70, 1, 3))
        .hasMessage("event of user 70 at 3 is older than the last, 4; sort by time first");
    assertThat(users.size()).isEqualTo(71);
    users.set(70, new int[] {1, 2, 3, 4}, new long[] {5, 6, 7, 8});
    assertThat(users.items(70)).containsExactly(2, 3, 4);
    assertThat(users.times(70)).containsExactly(6, 7, 8);
  }

  @Test
  void knobsOutOfRangeAreNamed() {
    assertThatThrownBy(() -> JointConfig.builder().codewords(1).build())
        .hasMessage("codewords is 1; it must be in 2..32767");
    assertThatThrownBy(() -> JointConfig.builder().codebookDecay(1f).build())
        .hasMessage("codebookDecay is 1.0; it must be in (0, 1)");
    assertThatThrownBy(() -> JointConfig.builder().learningRate(Float.NaN).build())
        .hasMessage("learningRate is NaN; it must be above 0");
    assertThatThrownBy(() -> JointConfig.builder().metrics(List.<Metric>of()).build())
        .hasMessage("metrics is empty; name the metric of one level or more");
    assertThatThrownBy(() -> JointConfig.builder().idDim(9).build())
        .hasMessage("dim 73 cannot be divided into 2 heads; change one of them");
    assertThatThrownBy(() -> JointConfig.builder().variant(JointConfig.Variant.ID).build())
        .hasMessageContaining("idStart is ZERO");
    JointConfig config = JointConfig.builder().temperature(0.5f).build();
    assertThat(config.toBuilder().build()).isEqualTo(config);
    assertThat(config.dim()).isEqualTo(72);
  }
}
