package io.sidstream.lab;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sidstream.cli.CommandRun;
import io.sidstream.cli.train.SmallCatalogue;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Trainings of the lab on a small catalogue. */
public final class SmallTraining {
  private final Path folder;

  /** Writes the catalogue there. */
  public SmallTraining(Path folder) throws IOException {
    this.folder = folder;
    SmallCatalogue.write(folder, 1);
  }

  /**
   * Runs a command, with the catalogue, its vectors and a seed for what it does not name.
   *
   * @param vectors whether it has any
   */
  public CommandRun run(boolean vectors, List<?> command, Object... options) {
    List<Object> words = new ArrayList<>(command);
    List<Object> asked = List.of(options);
    words.addAll(List.of("--data", folder));
    if (vectors) {
      words.addAll(List.of("--vectors", folder.resolve("vectors.npy"), "--codebook", 16));
    }
    if (!asked.contains("--batch") && !command.contains("prequential")) {
      words.addAll(List.of("--batch", 64));
    }
    words.addAll(List.of("--seed", 7));
    words.addAll(asked);
    return LabRun.of(words.toArray());
  }

  /** What a command reports that must succeed. */
  public JsonNode report(boolean vectors, List<?> command, Object... options) throws IOException {
    Path json = folder.resolve("report.json");
    List<Object> all = new ArrayList<>(List.of(options));
    all.addAll(List.of("--json", json));
    CommandRun run = run(vectors, command, all.toArray());
    assertThat(run.code()).as(run.err()).isZero();
    return new ObjectMapper().readTree(json.toFile());
  }

  /** A setting that a report names. */
  public static String shown(JsonNode report, String parameter) {
    return report.path("parameters").path(parameter).asText();
  }

  /** The curve but for the times. */
  public static JsonNode curve(JsonNode report) {
    report.path("curve").forEach(point -> ((ObjectNode) point).remove("msPerStep"));
    return report.path("curve");
  }
}
