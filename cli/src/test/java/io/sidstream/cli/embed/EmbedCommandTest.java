package io.sidstream.cli.embed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.cli.CommandRun;
import io.sidstream.cli.rows.ItemRow;
import io.sidstream.cli.rows.Mapping;
import io.sidstream.cli.rows.RowFile;
import io.sidstream.job.embed.TextEmbedder;
import io.sidstream.model.file.Npy;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EmbedCommandTest {
  @TempDir Path folder;

  @Test
  void vectorsAreInTheOrderOfTheItems() throws IOException {
    Path first = write("a.jsonl", "{\"item\":\"A\",\"text\":\"an oak kettle that holds two\"}\n");
    Path second = write("b.csv", "asin,name\nB,desk lamp\nC,a kettle of oak for two litres\n");
    Path out = folder.resolve("v.npy");
    Path ids = folder.resolve("ids.txt");
    CommandRun run =
        CommandRun.of("embed", first, "--out", out, "--ids", ids, "--model", "minilm-quantized");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(run.out()).startsWith("1 items embedded by minilm-quantized").contains("(1, 384)");
    float[] alone = read(out).data();

    run =
        CommandRun.of(
            "embed",
            second,
            "--map",
            "item=asin,text=name",
            "--out",
            out,
            "--ids",
            ids,
            "--model",
            "minilm-quantized");
    assertThat(run.code()).as(run.err()).isZero();
    assertThat(Files.readString(ids)).isEqualTo("B\nC\n");
    Npy.Floats vectors = read(out);
    assertThat(vectors.shape()).containsExactly(2, 384);
    float[] b = Arrays.copyOfRange(vectors.data(), 0, 384);
    float[] c = Arrays.copyOfRange(vectors.data(), 384, 768);
    assertThat(dot(b, b)).isCloseTo(1, within(1e-4));
    assertThat(dot(alone, c)).isGreaterThan(dot(alone, b) + .2);
  }

  @Test
  void anIdxSaysTheRowAsInTraining() throws IOException {
    ItemTexts items =
        items(
            "{\"item\":\"A\",\"idx\":4,\"text\":\"four\"}\n{\"item\":\"B\",\"text\":\" \",\"title\":\"two\"}\n");
    assertThat(items.refusals().count()).isZero();
    assertThat(items.texts()).containsExactly(null, "two", null, "four");
    assertThat(items.ids()).containsExactly("", "B", "", "A");
    TextVectors vectors = TextVectors.of(items.texts(), new Lengths(), 1, false);
    assertThat(vectors.data()).containsExactly(0, 0, 3, 1, 0, 0, 4, 1);
  }

  @Test
  void itemsWithoutTextAreRefusedByLineAndNothingIsWritten() throws IOException {
    Path file =
        write(
            "items.jsonl",
            """
            {"item":"A","text":"a kettle"}
            {"item":"B","text":" "}
            {"item":"A","text":"again"}
            {"item":"C","idx":1,"text":"one"}
            {"item":"D","vector":[1,2]}
            not json
            """);
    Path out = folder.resolve("v.npy");
    CommandRun run = CommandRun.of("embed", file, "--out", out);
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err())
        .startsWith("sidstream: 5 items cannot be embedded, nothing is written:")
        .contains("NO_TEXT 2: " + file + ":2, " + file + ":5")
        .contains("such as --map text=description")
        .contains("TWICE 1: " + file + ":3")
        .contains("idx 1 (where none is given, the record's number) is that of item 'A', too")
        .contains("NOT_JSON 1: " + file + ":6");
    assertThat(out).doesNotExist();
  }

  @Test
  void refusesWhatWasAskedWrongly() throws IOException {
    Path file = write("items.jsonl", "{\"item\":\"A\",\"text\":\"a kettle\"}\n");
    Path out = folder.resolve("v.npy");
    assertUsage("--out", "embed", file);
    assertUsage("are the same file", "embed", file, "--out", file);
    assertUsage("there are no items", "embed", write("none.jsonl", ""), "--out", out);
    assertUsage("there is no file " + folder, "embed", file, "--out", out, "--model", folder);
    assertUsage("./nothing/model.onnx", "embed", file, "--out", out, "--model", "nothing");
    assertUsage("embed.pooling", "embed", file, "--out", out, "--set", "embed.pooling=best");
    Path far = write("far.jsonl", "{\"item\":\"A\",\"idx\":2000000000,\"text\":\"x\"}\n");
    assertUsage("number them from 1", "embed", far, "--out", out);
    assertThat(CommandRun.of("embed", "--help").out()).contains("Example", "Exit codes: 0");
  }

  private static void assertUsage(String message, Object... args) {
    CommandRun run = CommandRun.of(args);
    assertThat(run.err()).contains(message);
    assertThat(run.code()).isEqualTo(2);
  }

  private ItemTexts items(String lines) throws IOException {
    ItemTexts items = new ItemTexts(Mapping.parse("", ItemRow.FIELDS), true);
    items.read(RowFile.of(write("items.jsonl", lines).toString()));
    return items;
  }

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  private static Npy.Floats read(Path file) throws IOException {
    try (InputStream in = Files.newInputStream(file)) {
      return Npy.readFloats(in);
    }
  }

  private static double dot(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += (double) a[i] * b[i];
    }
    return sum;
  }

  /** A vector tells how long its text is. */
  private static final class Lengths implements TextEmbedder {
    @Override
    public float[][] embed(List<String> texts) {
      return texts.stream().map(t -> new float[] {t.length(), 1}).toArray(float[][]::new);
    }

    @Override
    public void close() {
      // Nothing is open.
    }
  }
}
