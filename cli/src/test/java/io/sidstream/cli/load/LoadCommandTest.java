package io.sidstream.cli.load;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.CommandRun;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoadCommandTest {
  @TempDir Path folder;

  @Test
  void aDryRunCountsByRuleAndNamesLines() throws IOException {
    Path file =
        write(
            "items.jsonl",
            """
            {"item":"A","text":"a kettle"}
            {"item":"B","text":" "}
            {"item":"C","vector":[0,0]}
            not json
            {"item":"D","text":["x"]}
            {"item":"E","text":"a lamp","time":"2999-01-01"}
            {"item":"F"}
            """);
    CommandRun run = CommandRun.of("load", "items", file, "--dry-run");
    assertThat(run.code()).isEqualTo(1);
    assertThat(run.out()).isEqualTo("1 items would be loaded, 6 refused" + System.lineSeparator());
    assertThat(run.err())
        .contains("NO_CONTENT 2: " + file + ":2, " + file + ":7")
        .contains("vector, text and title are null or blank; expected: one of them")
        .contains("VECTOR_WRONG_DIMENSION 1: " + file + ":3")
        .contains("NOT_JSON 1: " + file + ":4")
        .contains("FIELD_TYPE 1: " + file + ":5")
        .contains("'text' is a list, a text is expected")
        .contains("TIME_IN_FUTURE 1: " + file + ":6");
  }

  @Test
  void theFirstVectorSaysHowLongVectorsAre() throws IOException {
    Path file =
        write(
            "items.jsonl",
            "{\"item\":\"A\",\"vector\":[1,0]}\n{\"item\":\"B\",\"vector\":[1,0,0]}\n");
    CommandRun run = CommandRun.of("load", "items", file, "--dry-run");
    assertThat(run.out()).startsWith("1 items would be loaded, 1 refused");
    assertThat(run.err()).contains("vector has 3 elements; expected: content.dim = 2");
    run = CommandRun.of("load", "items", file, "--dry-run", "--set", "content.dim=3");
    assertThat(run.err()).contains("vector has 2 elements; expected: content.dim = 3");
  }

  @Test
  void checksInteractionsByTheJobsRules() throws IOException {
    Path file =
        write(
            "events.csv",
            "who,what,at,score\nu,A,1714566600,5\nv,B,1714566600,-1\nw,C,noon,1\nx,,1714566600,1\n");
    CommandRun run =
        CommandRun.of(
            "load",
            "interactions",
            file,
            "--map",
            "user=who,item=what,time=at,weight=score",
            "--dry-run");
    assertThat(run.out()).startsWith("1 interactions would be loaded, 3 refused");
    assertThat(run.err())
        .contains("WEIGHT_INVALID 1: " + file + ":3")
        .contains("TIME 1: " + file + ":4")
        .contains("FIELD_MISSING 1: " + file + ":5");
  }

  @Test
  void aFileWithoutARecordIsNamed() throws IOException {
    for (String text : new String[] {"", "\n\n", "item,text\n"}) {
      Path file = write("none.csv", text);
      CommandRun run = CommandRun.of("load", "items", file, "--dry-run");
      assertThat(run.code()).isZero();
      assertThat(run.out()).startsWith("0 items would be loaded, 0 refused");
      assertThat(run.err()).contains(file + " has no record");
    }
  }

  @Test
  void refusesWhatWasAskedWrongly() throws IOException {
    Path file = write("items.csv", "asin,name\nA,x\n");
    assertUsage(
        "has no column 'item'; its columns are asin, name", "load", "items", file, "--dry-run");
    assertUsage("--bootstrap HOST:PORT", "load", "items", file);
    assertUsage("--rate -1", "load", "items", file, "--rate", "-1", "--dry-run");
    assertUsage("can be read once", "load", "items", "-", "-", "--dry-run");
    assertUsage("say --format", "load", "items", folder.resolve("x.xls"), "--dry-run");
    assertUsage("items or interactions", "load");
    assertUsage(
        "--kafka-config",
        "load",
        "items",
        file,
        "--bootstrap",
        "localhost:1",
        "--kafka-config",
        "no");
  }

  private static void assertUsage(String message, Object... args) {
    CommandRun run = CommandRun.of(args);
    assertThat(run.err()).contains(message);
    assertThat(run.code()).isEqualTo(2);
  }

  private Path write(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }
}
