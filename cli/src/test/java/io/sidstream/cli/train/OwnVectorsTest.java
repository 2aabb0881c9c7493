package io.sidstream.cli.train;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.cli.CommandRun;
import io.sidstream.cli.data.NpyVectors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code train} without {@code --vectors}: those that the items bring, or those of their texts. */
class OwnVectorsTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir Path folder;

  @BeforeEach
  void data() throws IOException {
    SmallCatalogue.write(folder, 1);
  }

  private void items(IntFunction<String> fields) throws IOException {
    StringBuilder items = new StringBuilder();
    for (int i = 0; i < SmallCatalogue.ITEMS; i++) {
      items.append("{\"item\": \"i%d\", \"idx\": %d%s}\n".formatted(i, i + 1, fields.apply(i)));
    }
    Files.writeString(folder.resolve("items.jsonl"), items);
  }

  private CommandRun train(Object... more) {
    List<Object> words = new ArrayList<>(List.of("train", "unified", "--data", folder));
    words.addAll(List.of("--batch", 64, "--seed", 7, "--codebook", 16, "--epochs", 1));
    words.addAll(List.of("--json", folder.resolve("report.json")));
    words.addAll(List.of(more));
    return CommandRun.of(words.toArray());
  }

  private String digest(Object... more) throws IOException {
    CommandRun run = train(more);
    assertThat(run.code()).as(run.err()).isZero();
    return JSON.readTree(folder.resolve("report.json").toFile()).path("modelDigest").asText();
  }

  @Test
  void textsAreEmbeddedAsByEmbed() throws IOException {
    items(
        i ->
            i % 2 == 0
                ? ", \"text\": \"lamp number " + i + "\""
                : ", \"title\": \"tea " + i + "\"");
    Path vectors = folder.resolve("texts.npy");
    CommandRun embed = CommandRun.of("embed", folder.resolve("items.jsonl"), "--out", vectors);
    assertThat(embed.code()).as(embed.err()).isZero();
    assertThat(digest()).isEqualTo(digest("--vectors", vectors));
  }

  @Test
  void vectorsOfTheItemsThemselvesAreTaken() throws IOException {
    Path file = folder.resolve("vectors.npy");
    NpyVectors vectors = NpyVectors.open(file);
    float[] row = new float[vectors.dim()];
    items(
        i -> {
          vectors.read(i, 1, row);
          return ", \"vector\": " + Arrays.toString(row);
        });
    assertThat(digest()).isEqualTo(digest("--vectors", file));
  }

  @Test
  void whatIsMissingIsNamed() throws IOException {
    items(i -> i == 5 ? "" : ", \"text\": \"t\"");
    assertUsage("item i5 of --data has neither a text nor a title");
    items(i -> i == 5 ? ", \"vector\": [1, 2]" : ", \"text\": \"t\"");
    assertUsage("1 of 120 items of --data bring a vector");
    items(i -> i == 5 ? ", \"vector\": [1, 2]" : ", \"vector\": [1, 2, 3]");
    assertUsage("items i0 and i5 of --data bring vectors of 3 and 2 numbers");
  }

  private void assertUsage(String message) {
    CommandRun run = train();
    assertThat(run.err()).contains(message);
    assertThat(run.code()).isEqualTo(2);
  }
}
