package io.sidstream.job.learn;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.model.learn.LearnPlan;
import io.sidstream.model.learn.LearnedRow;
import io.sidstream.model.learn.Round;
import io.sidstream.model.learn.RoundInput;
import io.sidstream.model.learn.ShardRound;
import io.sidstream.model.learn.WorkingSet;
import io.sidstream.model.math.NotFiniteException;
import java.io.ByteArrayOutputStream;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RoundRunnerTest {
  private final JobConfig config = LearnPipelineTest.config(Map.of());
  private final LearnPlan plan = LearnSettings.plan(config);

  private RoundInput bootstrap() {
    WorkingSet set = new WorkingSet(plan.model(), true);
    for (int i = 0; i < 30; i++) {
      set.add(i, "item-" + i, 0, 0, LearnedRow.fresh(0), LearnPipelineTest.vector(i));
    }
    int[] rows = IntStream.range(0, 30).toArray();
    return new RoundInput(
        0,
        1,
        new RoundInput.Versions(0, new TreeMap<>()),
        set,
        rows,
        new RoundInput.Windows(List.of(), List.of(), List.of()),
        new RoundInput.Sample(rows, new BitSet(), List.of()),
        new RoundInput.Totals(30, 0, 0));
  }

  private RoundRunner.Computed run(Round.Listener heard) throws Exception {
    ExecutorService thread = Executors.newSingleThreadExecutor();
    try {
      RoundRunner runner =
          new RoundRunner(plan, 0, 1, thread, heard, RoundRunner.Times.NOBODY, () -> {});
      runner.start(bootstrap(), List.of());
      thread.shutdown();
      assertThat(thread.awaitTermination(1, TimeUnit.MINUTES)).isTrue();
      return runner.take();
    } finally {
      thread.shutdownNow();
    }
  }

  private static String failure(RoundRunner.Computed computed) {
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    for (int i = 0; i < computed.result().count(); i++) {
      whole.writeBytes(computed.result().piece(i).data);
    }
    return ShardRound.fromBytes(whole.toByteArray()).failure();
  }

  @Test
  void aRoundThatFailsIsToldAndLeavesTheModelAsItWas() throws Exception {
    RoundRunner.Computed whole = run((taken, all) -> {});
    assertThat(whole.model()).isNotNull();
    assertThat(failure(whole)).isNull();

    RoundRunner.Computed diverged =
        run(
            (taken, all) -> {
              if (taken == 2) {
                throw new NotFiniteException("loss is NaN");
              }
            });
    assertThat(diverged.model()).isNull();
    assertThat(diverged.changed().isEmpty()).isTrue();
    assertThat(failure(diverged)).isEqualTo("loss is NaN");
  }

  @Test
  void anErrorOfTheProgramIsToldAsOne() throws Exception {
    RoundRunner.Computed failed =
        run(
            (taken, all) -> {
              throw new IndexOutOfBoundsException("7");
            });
    assertThat(failed.model()).isNull();
    assertThat(failure(failed))
        .isEqualTo(
            "an error of the program, please report: java.lang.IndexOutOfBoundsException: 7");
  }
}
