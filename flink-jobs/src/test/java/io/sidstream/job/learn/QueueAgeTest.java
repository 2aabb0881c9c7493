package io.sidstream.job.learn;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class QueueAgeTest {
  private final QueueAge age = new QueueAge();

  private void come(int entries) {
    for (int i = 0; i < entries; i++) {
      age.came();
    }
  }

  @Test
  void theOldestIsTheFirstThatHasNotLeft() {
    age.look(0, 1_000);
    assertThat(age.oldest()).isZero();
    come(3);
    age.look(3, 5_000);
    come(2);
    age.look(5, 9_000);
    assertThat(age.oldest()).isEqualTo(5_000);
    age.look(3, 10_000);
    assertThat(age.oldest()).as("one of the first three is left").isEqualTo(5_000);
    age.look(2, 11_000);
    assertThat(age.oldest()).isEqualTo(9_000);
    age.look(0, 12_000);
    assertThat(age.oldest()).isZero();
    come(1);
    age.look(1, 13_000);
    assertThat(age.oldest()).isEqualTo(13_000);
  }

  @Test
  void whatARestoredQueueHasWaitsSinceTheStart() {
    age.look(100, 2_000);
    come(10);
    age.look(60, 4_000);
    assertThat(age.oldest()).isEqualTo(2_000);
    age.look(10, 5_000);
    assertThat(age.oldest()).isEqualTo(4_000);
  }

  @Test
  void manyNotesBecomeFewerAndNoneIsTooYoung() {
    int n = 1_000;
    for (int i = 1; i <= n; i++) {
      come(1);
      age.look(i, 10_000L * i);
    }
    for (int gone = 0; gone < n; gone++) {
      age.look(n - gone, 10_000L * n);
      long exact = 10_000L * (gone + 1);
      // A note stands for at most a 64th of the time, and a little that was its span before.
      assertThat(age.oldest()).isBetween(exact - 10_000L * n / 64 - 10_000, exact);
    }
  }

  @Test
  void arrivalsOfASecondShareANote() {
    for (int i = 1; i <= 10_000; i++) {
      come(1);
      age.look(i, 1_000 + i);
    }
    age.look(1, 12_000);
    assertThat(age.oldest()).isBetween(9_000L, 11_000L);
  }
}
