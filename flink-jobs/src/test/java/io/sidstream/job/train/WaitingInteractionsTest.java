package io.sidstream.job.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.TrainingWindow;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class WaitingInteractionsTest {
  private static final JobConfig CONFIG =
      JobConfig.of(
          Map.of(
              "content.dim", "4",
              "encoder.hidden", "8",
              "quantizer.dim", "8",
              "quantizer.codebook-size", "8",
              "id.dim", "4"));

  private final Learner learner = new Learner(CONFIG);
  private final TrainProgress progress = new TrainProgress();

  private void item(String name, float first) {
    EmbeddedItem item = new EmbeddedItem();
    item.item = name;
    item.vector = new float[] {first, 1, 2, 3};
    learner.put(item);
  }

  private void gone(String name) {
    EmbeddedItem item = new EmbeddedItem();
    item.item = name;
    item.deleted = true;
    learner.put(item);
  }

  private void window(String... items) {
    TrainingWindow window = new TrainingWindow();
    window.user = "u";
    window.items = items;
    window.times = new long[items.length];
    window.fresh = items.length;
    window.events = items.length;
    learner.consume(List.of(window), false, progress);
  }

  @Test
  void theyAreThoseOfNow() throws Exception {
    item("a", 1);
    window("a", "b", "c", "b");
    assertThat(learner.waitingInteractions()).isEqualTo(3);
    item("b", 1);
    assertThat(learner.waitingInteractions()).isEqualTo(1);
    // Another vector of a known item is no arrival.
    item("b", 2);
    assertThat(learner.waitingInteractions()).isEqualTo(1);
    gone("a");
    gone("a");
    assertThat(learner.waitingInteractions()).isEqualTo(2);
    item("a", 1);
    gone("nobody");
    window("a", "b");
    assertThat(learner.waitingInteractions()).isEqualTo(1);

    Map<String, byte[]> rows = new HashMap<>();
    learner.changedItemRows(rows::put);
    learner.save(progress);
    Learner again = new Learner(CONFIG);
    rows.forEach(again::readItem);
    again.restore(new byte[0], progress);
    assertThat(again.waitingInteractions()).isEqualTo(1);
  }
}
