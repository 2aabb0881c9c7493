package io.sidstream.job.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.OutRecord;
import io.sidstream.job.record.TrainingWindow;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LearnerTest {
  static final int DIM = 16;

  private static JobConfig config() {
    Map<String, String> values = new HashMap<>();
    values.put("content.dim", Integer.toString(DIM));
    values.put("encoder.hidden", "16");
    values.put("quantizer.dim", "8");
    values.put("quantizer.codebook-size", "8");
    values.put("id.dim", "4");
    values.put("recommender.batch", "16");
    values.put("recommender.negatives", "1");
    values.put("gate.holdout", "0");
    return JobConfig.of(values);
  }

  /** An item with a vector drawn from its number. */
  static EmbeddedItem item(int i) {
    Random random = new Random(i);
    EmbeddedItem item = new EmbeddedItem();
    item.item = "item-" + i;
    item.vector = new float[DIM];
    for (int d = 0; d < DIM; d++) {
      item.vector[d] = (float) random.nextGaussian();
    }
    item.time = 1_000;
    return item;
  }

  private static EmbeddedItem deletion(int i) {
    EmbeddedItem item = new EmbeddedItem();
    item.item = "item-" + i;
    item.deleted = true;
    item.time = 1_000;
    return item;
  }

  private static TrainingWindow window(int user, int... items) {
    TrainingWindow window = new TrainingWindow();
    window.user = "user-" + user;
    window.items = new String[items.length];
    window.times = new long[items.length];
    for (int t = 0; t < items.length; t++) {
      window.items[t] = "item-" + items[t];
      window.times[t] = 2_000;
    }
    window.fresh = items.length;
    window.events = items.length;
    return window;
  }

  /** Key of an ID embedding's record to whether it has a value. */
  private static Map<String, Boolean> published(Learner learner, TrainProgress progress) {
    Map<String, Boolean> rows = new HashMap<>();
    for (OutRecord row : learner.changedEmbeddings(progress)) {
      rows.put(new String(row.key, StandardCharsets.UTF_8), row.value != null);
    }
    return rows;
  }

  @Test
  void anItemThatIsDeletedAndCreatedAgainHasNoEmbeddingForReaders() {
    Learner learner = new Learner(config());
    TrainProgress progress = new TrainProgress();
    progress.phase = TrainProgress.Phase.BOOTSTRAP;
    for (int i = 0; i < 24; i++) {
      learner.put(item(i));
    }
    List<TrainingWindow> windows = new ArrayList<>();
    for (int user = 0; user < 16; user++) {
      windows.add(window(user, user, user + 1, user + 2));
    }
    learner.consume(windows, false, progress);
    learner.initialiseCodebooks();
    learner.step(progress);
    learner.adopt(learner.nearest(), progress);
    assertThat(published(learner, progress)).containsEntry("item-1", true);

    learner.put(deletion(1));
    learner.put(item(1));
    learner.put(item(30));
    assertThat(published(learner, progress))
        .as("readers had an embedding of the first and none of the second")
        .containsExactlyEntriesOf(Map.of("item-1", false));

    progress.phase = TrainProgress.Phase.RECOMMENDER_ROUND;
    for (int i = 0; i < 4; i++) {
      learner.step(progress);
    }
    assertThat(published(learner, progress))
        .containsEntry("item-1", true)
        .doesNotContainValue(false);
  }
}
