package io.sidstream.model.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.model.StoredFile;
import io.sidstream.model.math.Rng;
import io.sidstream.model.recommend.RecommenderShape;
import io.sidstream.model.recommend.SequenceRecommender;
import io.sidstream.model.recommend.Tower;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RankingModelTest {
  private static RankingModel model() {
    RecommenderShape whole = new RecommenderShape(6, 2, 8, 2, 5, .5f);
    RecommenderShape part = new RecommenderShape(4, 1, 3, 1, 5, .5f);
    return new RankingModel(
        4,
        2,
        List.of(
            new Tower(new SequenceRecommender(whole, new Rng(1)), 0, 6, .5f, .7f),
            new Tower(new SequenceRecommender(part, new Rng(2)), 0, 4, 2f, .3f)));
  }

  private static void assertSame(RankingModel read, RankingModel expected) {
    assertThat(read.semanticDim()).isEqualTo(4);
    assertThat(read.idDim()).isEqualTo(2);
    assertThat(read.dim()).isEqualTo(6);
    assertThat(read.maxLen()).isEqualTo(5);
    assertThat(read.towers()).hasSize(2);
    for (int t = 0; t < 2; t++) {
      Tower is = read.towers().get(t);
      Tower was = expected.towers().get(t);
      assertThat(List.of(is.from(), is.to(), is.temperature(), is.share()))
          .isEqualTo(List.of(was.from(), was.to(), was.temperature(), was.share()));
      RecommenderShape shape = was.recommender().shape();
      assertThat(is.recommender().shape())
          .as("what is dropped in training is nothing to a ranking")
          .isEqualTo(
              new RecommenderShape(
                  shape.dim(), shape.heads(), shape.ffn(), shape.blocks(), shape.maxLen(), 0f));
      assertThat(is.recommender().parameters()).isEqualTo(was.recommender().parameters());
    }
  }

  @Test
  void readsWhatItWrote() {
    assertSame(RankingModel.fromBytes(model().toBytes()), model());
  }

  @Test
  void readsTheStoredBytesOfFormat1() throws IOException {
    byte[] stored = StoredFile.read("ranking-1.sidr");
    assertSame(RankingModel.fromBytes(stored), model());
    assertThat(model().toBytes()).isEqualTo(stored);
  }

  /** Writes the stored example of the current format into the folder that is given. */
  public static void main(String[] arguments) throws IOException {
    StoredFile.write(arguments[0], "ranking-1.sidr", model().toBytes());
  }

  @Test
  void refusesEveryTruncationAndMore() {
    byte[] bytes = model().toBytes();
    for (int n = 0; n < bytes.length; n++) {
      byte[] cut = Arrays.copyOf(bytes, n);
      assertThatThrownBy(() -> RankingModel.fromBytes(cut))
          .as("%d bytes", n)
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> RankingModel.fromBytes(Arrays.copyOf(bytes, bytes.length + 1)))
        .hasMessage("recommenders have 1 bytes behind the last one");
  }

  @Test
  void namesWhatIsWrong() {
    assertThatThrownBy(() -> RankingModel.fromBytes(with(0, 1)))
        .hasMessageContaining("do not start with SIDR")
        .hasMessageContaining("earlier build");
    assertThatThrownBy(() -> RankingModel.fromBytes(with(4, 2)))
        .hasMessage("recommenders of format 2; this version reads format 1");
    assertThatThrownBy(() -> RankingModel.fromBytes(with(16, 17)))
        .hasMessage("17 recommenders; expected: 1..16");
    assertThatThrownBy(() -> RankingModel.fromBytes(with(12, 1)))
        .hasMessageContaining("reads columns [0, 6) of 5");
    assertThatThrownBy(() -> RankingModel.fromBytes(with(44, Float.floatToIntBits(0f))))
        .hasMessageContaining("temperature 0.0 and share 0.7");
    assertThatThrownBy(() -> RankingModel.fromBytes(with(48, Float.floatToIntBits(.8f))))
        .hasMessageContaining("add up to 1.1; expected: 1");
    assertThatThrownBy(() -> RankingModel.fromBytes(with(56, Float.floatToIntBits(Float.NaN))))
        .hasMessageContaining("parameter 0 of recommender 1 is NaN");
  }

  /** Where {@code to, heads, ffn, blocks, maxLen} and the number of parameters stand. */
  @Test
  void takesNoMemoryForSizesThatCannotBe() {
    for (int at : new int[] {24, 28, 32, 36, 40, 52}) {
      for (int huge : new int[] {Integer.MAX_VALUE, Integer.MAX_VALUE - 1, 1 << 30, -1}) {
        assertThatThrownBy(() -> RankingModel.fromBytes(with(at, huge)))
            .as("%d at %d", huge, at)
            .isInstanceOf(IllegalArgumentException.class);
      }
    }
  }

  @Test
  void refusesOrReadsAnyBytes() {
    Random random = new Random(1);
    byte[] good = model().toBytes();
    int read = 0;
    for (int i = 0; i < 20_000; i++) {
      byte[] bytes = good.clone();
      bytes[random.nextInt(i % 2 == 0 ? 60 : bytes.length)] = (byte) random.nextInt();
      try {
        RankingModel.fromBytes(bytes);
        read++;
      } catch (IllegalArgumentException e) {
        assertThat(e.getMessage()).isNotBlank();
      }
    }
    assertThat(read).isBetween(1, 19_999);
  }

  private static byte[] with(int at, int value) {
    byte[] bytes = model().toBytes();
    ByteBuffer.wrap(bytes).putInt(at, value);
    return bytes;
  }
}
