package io.sidstream.cli.train;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import io.sidstream.model.file.ModelFile;
import io.sidstream.model.train.StepStats;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * A training after an epoch, in a file that the next epoch replaces: a {@link ModelFile} with
 *
 * <ul>
 *   <li>the sections of {@link SavedModel} of the model as it stands;
 *   <li>the same of the best epoch, {@value #BEST} before their names; absent where that is this
 *       one, and before there is one;
 *   <li>{@value #PROGRESS}: {@link OfflineTraining.Progress} as JSON;
 *   <li>{@value #CURVE}: {@link LearningCurve#points} as JSON.
 * </ul>
 */
final class Checkpoint implements OfflineTraining.Listener {
  private static final String BEST = "best.";
  private static final String PROGRESS = "progress";
  private static final String CURVE = "curve";
  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * What may differ between a run and the run that goes on from its checkpoint; vectors are
   * compared item by item.
   */
  private static final Set<String> FREE = Set.of("epochs", "patience", "threads", "vectorsDigest");

  private final Path file;
  private final ModelFile.Provenance provenance;
  private final OfflineTraining training;
  private final LearningCurve curve;

  /**
   * Writes a checkpoint after every epoch; the curve hears of each first.
   *
   * @param provenance what the result of the training depends on
   */
  Checkpoint(
      Path file, ModelFile.Provenance provenance, OfflineTraining training, LearningCurve curve) {
    this.file = file;
    this.provenance = provenance;
    this.training = training;
    this.curve = curve;
  }

  @Override
  public void step(int epoch, int step, int steps, StepStats stats) {
    curve.step(epoch, step, steps, stats);
  }

  @Override
  public void epoch(OfflineTraining.Epoch epoch) throws IOException {
    curve.epoch(epoch);
    Map<String, byte[]> best = training.bestModel();
    Map<String, byte[]> sections = new LinkedHashMap<>(epoch.best() ? best : training.model());
    if (!epoch.best()) {
      best.forEach((name, bytes) -> sections.put(BEST + name, bytes));
    }
    sections.put(PROGRESS, JSON.writeValueAsBytes(training.progress()));
    sections.put(CURVE, JSON.writeValueAsBytes(curve.points()));
    OutputFile.write(file, new ModelFile(provenance, sections)::write);
  }

  /**
   * Puts a training and its curve where those were that wrote the file.
   *
   * @param expected provenance of the training that goes on
   * @throws UsageException where the file is no checkpoint, or that of other data, another seed or
   *     other parameters
   */
  static void resume(
      Path file, ModelFile.Provenance expected, OfflineTraining training, LearningCurve curve)
      throws IOException {
    String name = "--resume " + file;
    if (!Files.isRegularFile(file)) {
      throw new UsageException(name + " is not a file");
    }
    ModelFile stored;
    try {
      stored = ModelFile.fromBytes(Files.readAllBytes(file));
    } catch (IllegalArgumentException e) {
      throw new UsageException(name + ": " + e.getMessage());
    }
    if (!stored.names().contains(PROGRESS)) {
      throw new UsageException(
          name + " is a model, not a checkpoint; name a file of train --checkpoint");
    }
    refuseOther(name, stored.provenance(), expected);
    Map<String, byte[]> model = new LinkedHashMap<>();
    Map<String, byte[]> best = new LinkedHashMap<>();
    for (String section : stored.names()) {
      if (section.startsWith(BEST)) {
        best.put(section.substring(BEST.length()), stored.section(section));
      } else {
        model.put(section, stored.section(section));
      }
    }
    OfflineTraining.Progress progress =
        JSON.readValue(model.remove(PROGRESS), OfflineTraining.Progress.class);
    byte[] points = model.remove(CURVE);
    boolean isBest = progress.best().epoch() == progress.epochs() - 1;
    training.resume(progress, model, isBest ? model : best);
    curve.resume(JSON.readValue(points, new TypeReference<List<Map<String, Object>>>() {}));
  }

  private static void refuseOther(
      String name, ModelFile.Provenance stored, ModelFile.Provenance expected) {
    Map<String, String> was = settings(stored);
    Map<String, String> is = settings(expected);
    // These first: others follow from them.
    Set<String> all =
        new TreeSet<>(
            Comparator.comparing((String setting) -> !setting.equals("variant"))
                .thenComparing(setting -> !setting.equals("schedule"))
                .thenComparing(Comparator.naturalOrder()));
    all.addAll(was.keySet());
    all.addAll(is.keySet());
    for (String setting : all) {
      if (!Objects.equals(was.get(setting), is.get(setting))) {
        throw new UsageException(
            String.format(
                "%s: %s is %s, in the checkpoint %s; give the data and options of the run that wrote it, only --epochs, --patience and --threads may differ",
                name, setting, is.get(setting), was.get(setting)));
      }
    }
  }

  private static Map<String, String> settings(ModelFile.Provenance provenance) {
    Map<String, String> settings = new TreeMap<>(provenance.parameters());
    settings.keySet().removeAll(FREE);
    settings.put("seed", String.valueOf(provenance.seed()));
    settings.put("dataDigest", provenance.dataDigest());
    return settings;
  }
}
