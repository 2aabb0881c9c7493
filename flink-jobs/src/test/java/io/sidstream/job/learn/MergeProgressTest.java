package io.sidstream.job.learn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.evaluate.Prequential;
import org.junit.jupiter.api.Test;

class MergeProgressTest {
  @Test
  void shardsThatHaveNotSentARoundWholeAreBehind() {
    MergeProgress at = new MergeProgress();
    at.came = new int[3];
    at.pieces = new int[3];
    assertThat(at.behind()).as("no round has begun").isZero();
    at.came[1] = 1;
    at.pieces[1] = 2;
    assertThat(at.behind()).as("nobody is ready").isEqualTo(3);
    at.came[1] = 2;
    assertThat(at.behind()).isEqualTo(2);
    at.came = new int[] {1, 2, 4};
    at.pieces = new int[] {1, 2, 4};
    assertThat(at.behind()).isZero();
  }

  /**
   * The model puts one of two targets first and the other nowhere, popularity second and nowhere.
   */
  private static Prequential.Result result() {
    Prequential.Result result = new Prequential.Result();
    result.model.add(1);
    result.model.add(50);
    result.popularity.add(2);
    result.popularity.add(50);
    result.newModel.add(50);
    result.newPopularity.add(2);
    return result;
  }

  @Test
  void rankingsAreSummedUpUnderAVersion() {
    MergeProgress at = new MergeProgress();
    at.add(result(), true);
    at.add(result(), false);
    assertThat(at.ranked).isEqualTo(4);
    assertThat(at.compared).isEqualTo(4);
    assertThat(at.newCompared).isEqualTo(2);
    double second = 1 / (Math.log(3) / Math.log(2));
    assertThat(at.popularityNdcg10).isCloseTo(2 * second, within(1e-9));
    assertThat(at.newNdcg10).isZero();
    assertThat(at.newPopularityHits10).isCloseTo(2, within(1e-9));
    assertThat(at.newPopularityNdcg10).isCloseTo(2 * second, within(1e-9));
    at.add(result(), true);
    assertThat(at.compared).isEqualTo(2);
    assertThat(at.newCompared).isEqualTo(1);
    assertThat(at.popularityNdcg10).isCloseTo(second, within(1e-9));
  }
}
