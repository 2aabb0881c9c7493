package io.sidstream.job.learn;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.model.learn.LearnedRow;
import org.junit.jupiter.api.Test;

class StoredRowTest {
  private static final LearnedRow LEARNT =
      new LearnedRow(3, new int[] {1, 2}, 7, new float[] {1, 2, 3, 4, 5, 6});

  @Test
  void anotherEmbeddingKeepsTheMoments() {
    LearnedRow row = StoredRow.with(LEARNT, new float[] {8, 9});

    assertThat(row.id()).containsExactly(8, 9, 3, 4, 5, 6);
    assertThat(row.idSteps()).isEqualTo(7);
    assertThat(row.codes()).containsExactly(1, 2);
  }

  @Test
  void whatReadersForgetBeginsAnew() {
    LearnedRow row = LearnedRow.fromBytes(StoredRow.with(LEARNT, null).toBytes());

    assertThat(row.id()).isNull();
    assertThat(row.idSteps()).isZero();
    assertThat(row.codes()).containsExactly(1, 2);
    assertThat(row.version()).isEqualTo(3);
  }
}
