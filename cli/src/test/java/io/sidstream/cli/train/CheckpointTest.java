package io.sidstream.cli.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.data.DataSetReader;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.cli.train.OfflineTraining.Schedule;
import io.sidstream.model.file.ModelFile;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointConfig.Variant;
import io.sidstream.model.train.StepStats;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Saving, loading and going on equals going on, from each epoch of each kind of training. */
class CheckpointTest {
  private static final int EPOCHS = 4;
  private static final int QUANTIZER_EPOCHS = 2;
  private static final long SEED = 5;
  @TempDir Path folder;

  /** A training with its curve. */
  private record Run(OfflineTraining training, LearningCurve curve) {
    void go(Schedule schedule, int epochs, int patience, OfflineTraining.Listener listener)
        throws IOException {
      training.run(schedule, epochs, patience, OfflineTraining.StopOn.BOTH, 0.9, listener);
    }

    /** All that is the same in two runs that did the same. */
    List<Object> result() throws IOException {
      List<Object> result = new ArrayList<>();
      result.add(SavedModel.digest(training.model()));
      result.add(training.bestEpoch());
      result.add(training.times().count());
      for (Map<String, Object> point : curve.points()) {
        Map<String, Object> timeless = new TreeMap<>(point);
        timeless.remove("msPerStep");
        result.add(timeless.toString());
      }
      return result;
    }
  }

  @ParameterizedTest
  @CsvSource({
    "UNIFIED, SOFTMAX, JOINT, 4",
    "UNIFIED, SOFTMAX, TWO_STAGE, 6",
    "UNIFIED, SOFTMAX, JOINT_THEN_FROZEN, 4",
    "SEMANTIC, BCE, TWO_STAGE, 6",
    "ID, SOFTMAX, JOINT, 4",
    "ID, BCE, TWO_STAGE, 4"
  })
  void goesOnFromEachEpochAsWithoutABreak(
      Variant variant, JointConfig.Loss loss, Schedule.Kind kind, int epochs) throws IOException {
    Schedule schedule = new Schedule(kind, kind == Schedule.Kind.JOINT ? 0 : QUANTIZER_EPOCHS);
    SmallCatalogue.write(folder, 1);
    Run whole = start(variant, loss);
    Path file = folder.resolve("training.sidm");
    Checkpoint checkpoint = new Checkpoint(file, provenance(), whole.training, whole.curve);
    whole.go(
        schedule,
        EPOCHS,
        EPOCHS,
        new OfflineTraining.Listener() {
          @Override
          public void step(int epoch, int step, int steps, StepStats stats) {}

          @Override
          public void epoch(OfflineTraining.Epoch epoch) throws IOException {
            checkpoint.epoch(epoch);
            Files.copy(file, at(epoch.number()));
          }
        });
    assertThat(whole.curve.points()).hasSize(epochs);
    for (int epoch = 0; epoch < epochs; epoch++) {
      Run resumed = start(variant, loss);
      Checkpoint.resume(at(epoch), provenance(), resumed.training, resumed.curve);
      assertThat(resumed.curve.points()).hasSize(epoch + 1);
      resumed.go(schedule, EPOCHS, EPOCHS, resumed.curve);
      assertThat(resumed.result()).as("from epoch %d", epoch).isEqualTo(whole.result());
    }
  }

  @ParameterizedTest
  @CsvSource({"1", "2"})
  void countsItsPatienceOn(int patience) throws IOException {
    SmallCatalogue.write(folder, 1);
    Run whole = start(Variant.ID, JointConfig.Loss.BCE);
    whole.go(Schedule.TOGETHER, 60, patience, whole.curve);
    int stopped = whole.curve.points().size();
    assertThat(stopped).isLessThan(60);
    // The epoch before the last: patience is spent but for one.
    Run cut = start(Variant.ID, JointConfig.Loss.BCE);
    Path file = folder.resolve("training.sidm");
    cut.go(
        Schedule.TOGETHER,
        stopped - 1,
        60,
        new Checkpoint(file, provenance(), cut.training, cut.curve));
    Run resumed = start(Variant.ID, JointConfig.Loss.BCE);
    Checkpoint.resume(file, provenance(), resumed.training, resumed.curve);
    resumed.go(Schedule.TOGETHER, 60, patience, resumed.curve);
    assertThat(resumed.result()).isEqualTo(whole.result());
  }

  private Path at(int epoch) {
    return folder.resolve("epoch" + epoch);
  }

  private static ModelFile.Provenance provenance() {
    return new ModelFile.Provenance("data", Map.of("epochs", "4"), SEED, "test", 0);
  }

  private Run start(Variant variant, JointConfig.Loss loss) throws IOException {
    TrainingData data =
        TrainingData.of(
            DataSetReader.read(folder, 0), NpyVectors.open(folder.resolve("vectors.npy")));
    JointConfig config =
        JointConfig.builder()
            .variant(variant)
            .contentDim(data.contentDim())
            .hidden(List.of(24))
            .semanticDim(16)
            .idDim(variant == Variant.ID ? 16 : 8)
            .idStart(variant == Variant.ID ? JointConfig.IdStart.RANDOM : JointConfig.IdStart.ZERO)
            .metrics(List.of(Metric.COSINE, Metric.EUCLIDEAN))
            .codewords(8)
            .heads(2)
            .ffn(32)
            .batchUsers(64)
            .sharedNegatives(16)
            .learningRate(0.01f)
            .loss(loss)
            .build();
    LeaveOneOutSplit split = new LeaveOneOutSplit(data.sequences(), data.items());
    StoredNegatives negatives =
        StoredNegatives.draw(split, OfflineTraining.catalogue(data.items()));
    PrintWriter nowhere = new PrintWriter(Writer.nullWriter());
    return new Run(
        new OfflineTraining(data, split, negatives, config, SEED),
        new LearningCurve(config, nowhere, nowhere, false));
  }
}
