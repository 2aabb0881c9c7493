package io.sidstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.data.DataFiles;
import io.sidstream.cli.data.DataSet;
import io.sidstream.cli.data.DataSetReader;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.cli.feed.Contents;
import io.sidstream.cli.feed.Preflight;
import io.sidstream.job.config.JobConfig;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Small data sets that once made a demo wait for ever, or lose items without a word. */
class CasesTest {
  @TempDir Path folder;

  private static Path data(String name) throws Exception {
    return Path.of(CasesTest.class.getResource("/cases/" + name + "/items.jsonl.gz").toURI())
        .getParent();
  }

  @Test
  void listsWhereATextIsExpectedAreRefusedWithFileAndLine() throws Exception {
    for (String name : List.of("text-list", "text-list-and-title")) {
      Path items = data(name).resolve("items.jsonl.gz");
      assertRefused(
          items + ":1: 'text' is a list, a text is expected (--map text=text[] joins its parts)",
          "--data",
          data(name),
          "--max-items",
          "60");
      DataSet joined =
          DataSetReader.read(DataFiles.find(data(name), null, "text=text[]", null), 60);
      assertThat(joined.items().get(0).text())
          .isEqualTo(
              "A oak kettle for rainy days, about 42 cm, with a spare part.\nWashable.\nShips flat.");
    }
  }

  @Test
  void identifiersWithHalfASurrogatePairAreRefusedWithFileAndLine() throws Exception {
    assertRefused(
        data("surrogates").resolve("items.jsonl.gz")
            + ":1: 'item' has half of a surrogate pair, 'cut-00-\\ud83d'",
        "--data",
        data("surrogates"),
        "--max-items",
        "60");
  }

  @Test
  void vectorsAboveTheGreatestNormAreRefusedWithSettingAndNorm() throws Exception {
    Path data = data("unnormalised");
    String message =
        assertRefused(
            "items break a rule of the job, and the first model waits for bootstrap.items = 48",
            "--data",
            data,
            "--vectors",
            data.resolve("vectors.npy"),
            "--max-items",
            "120");
    assertThat(message)
        .contains("VECTOR_TOO_LONG")
        .containsPattern("vector has a norm of [23]\\d{3}\\.\\d+")
        .contains("expected: at most ingest.max-vector-norm = ");
  }

  @Test
  void fewThatBreakARuleAreToldAndTheOthersGoOn() throws Exception {
    DataSet set = DataSetReader.read(data("variants"), 0);
    NpyVectors none = null;
    JobConfig strict =
        JobConfig.of(
            Map.of(
                "ingest.max-text-bytes",
                "70",
                "bootstrap.items",
                "50",
                "quantizer.codebook-size",
                "8"));
    String told = Preflight.check(set, none, strict);
    assertThat(told).contains("of 480 items break a rule of the job and become dead letters");
    assertThat(told).contains("TEXT_TOO_LONG").contains("expected: at most 70 bytes");
    assertThat(Preflight.check(set, none, JobConfig.defaults())).isEmpty();
  }

  @Test
  void whatIsPossibleIsCountedByContents() throws Exception {
    Contents variants =
        Contents.of(DataSetReader.read(data("variants"), 480), null, JobConfig.defaults());
    assertThat(variants.items()).isEqualTo(480);
    assertThat(variants.distinct()).isEqualTo(120);
    assertThat(variants.largest()).isEqualTo(4);
    assertThat(variants.possible()).isZero();
    assertThat(variants.cut()).isZero();
    assertThat(variants.text()).contains("480 items have 120 different contents");
  }

  @Test
  void textsThatTheModelReadsAlikeOrCutAreCounted() throws Exception {
    Contents texts = Contents.of(DataSetReader.read(data("text"), 90), null, JobConfig.defaults());
    assertThat(texts.items()).isEqualTo(90);
    assertThat(texts.distinct()).isLessThan(50);
    assertThat(texts.largest()).isGreaterThanOrEqualTo(28);
    assertThat(texts.cut()).isGreaterThanOrEqualTo(30);
    assertThat(texts.text())
        .contains("different contents for the model")
        .contains("are longer than embed.max-tokens = ")
        .contains("as that of boiler-");
  }

  private String assertRefused(String message, Object... options) {
    Object[] args = new Object[options.length + 3];
    args[0] = "demo";
    args[1] = "--state";
    args[2] = folder.resolve("state");
    System.arraycopy(options, 0, args, 3, options.length);
    CommandRun run = CommandRun.of(args);
    assertThat(run.err()).contains(message);
    assertThat(run.code()).isEqualTo(2);
    assertThat(folder.resolve("state").resolve("kafka")).as("nothing was started").doesNotExist();
    return run.err();
  }
}
