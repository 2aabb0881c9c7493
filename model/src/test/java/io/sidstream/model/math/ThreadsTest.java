package io.sidstream.model.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ForkJoinTask;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ThreadsTest {
  @AfterEach
  void one() {
    Threads.use(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void sharedWorkIsDoneOnceAndWaitedFor(int threads) {
    Threads.use(threads);
    AtomicIntegerArray done = new AtomicIntegerArray(200);

    int answer =
        Threads.call(
            () -> {
              ForkJoinTask<?> beside =
                  Threads.start(() -> Threads.forEach(100, done::incrementAndGet));
              Threads.forEach(100, i -> done.incrementAndGet(100 + i));
              beside.join();
              return 7;
            });

    assertThat(answer).isEqualTo(7);
    for (int i = 0; i < done.length(); i++) {
      assertThat(done.get(i)).as("work %d", i).isEqualTo(1);
    }
  }

  /** One thread more would take the place of one that works on a machine of as many processors. */
  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void noMoreThreadsWorkThanAsked(int threads) {
    Threads.use(threads);
    var names = ConcurrentHashMap.<String>newKeySet();

    Threads.call(
        () -> {
          ForkJoinTask<?> beside =
              Threads.start(
                  () -> Threads.forEach(64, i -> names.add(Thread.currentThread().getName())));
          Threads.forEach(64, i -> names.add(Thread.currentThread().getName()));
          beside.join();
          return null;
        });

    assertThat(names).hasSizeBetween(1, threads);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void whatTheWorkThrowsIsThrownAsItIs(int threads) {
    Threads.use(threads);
    IllegalStateException thrown = new IllegalStateException("lower the learning rate");
    AssertionError error = new AssertionError("no");

    assertThatThrownBy(
            () ->
                Threads.call(
                    () -> {
                      throw thrown;
                    }))
        .isSameAs(thrown);
    assertThatThrownBy(
            () ->
                Threads.call(
                    () -> {
                      throw error;
                    }))
        .isSameAs(error);
  }
}
