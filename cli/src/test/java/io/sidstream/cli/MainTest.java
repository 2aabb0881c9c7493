package io.sidstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.feed.Manifest;
import io.sidstream.cli.main.Main;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class MainTest {
  @TempDir Path folder;
  private final StringWriter err = new StringWriter();

  @Test
  void namesWhatIsWrongWithExitCode2() throws Exception {
    assertUsage("--ui-port", "demo", "--ui-port", "0");
    assertUsage("--ui-port 70000: 1 to 65535", "job", "--ui-port", "70000");
    assertUsage("--kafka-port -1", "demo", "--kafka-port", "-1");
    assertUsage("Unknown option", "demo", "--nonsense");
    assertUsage("'many'", "demo", "--max-items", "many");
    assertUsage(
        "--data " + folder.resolve("no"), "demo", "--data", folder.resolve("no").toString());
    assertUsage("needs --data", "demo", "--vectors", "x.npy");
    assertUsage("--rate -1", "demo", "--rate", "-1");
    assertUsage("--items 5", "demo", "--items", "5");
    assertUsage("parallelism", "demo", "--set", "parallelism=-1");
    assertUsage("paralelism", "job", "--set", "paralelism=2");
    assertUsage(
        folder.resolve("no.yaml").toString(),
        "job",
        "--conf",
        folder.resolve("no.yaml").toString());
    assertUsage("there is no folder", "demo", "--json", folder.resolve("no/out.json").toString());
    assertUsage("--port 70000", "ui", "--bootstrap", "localhost:1", "--port", "70000");
    assertUsage("name the Kafka brokers", "ui", "--bootstrap", "");
    String jar = Files.createFile(folder.resolve("job.jar")).toString();
    assertUsage("--cluster host:1", "submit", "--cluster", "host:1", "--jar", jar);
    assertUsage(
        "no.jar is not there", "submit", "--cluster", "http://localhost:1", "--jar", "no.jar");
    assertUsage(
        "kafka.properties.ssl.key.password stands in clear",
        "submit",
        "--cluster",
        "http://localhost:1",
        "--jar",
        jar,
        "--set",
        "kafka.properties.ssl.key.password=hush");
    assertThat(err.toString()).doesNotContain("hush");
    assertUsage("name what to do");
  }

  @Test
  void refusesOtherDataOnAnOldState() throws Exception {
    Manifest.claim(folder, Map.of("data", "other", "digest", "0"));
    assertUsage("was begun with", "demo", "--state", folder.toString());
    assertThat(Files.exists(folder.resolve("kafka"))).as("nothing was started").isFalse();
  }

  @Test
  void printsAStackTraceOnlyWhenAsked() {
    assertUsage("--items 5", "demo", "--items", "5");
    assertThat(err.toString()).doesNotContain("\tat ");
    assertUsage("--items 5", "--verbose", "demo", "--items", "5");
    assertThat(err.toString()).contains("\tat ");
  }

  @Test
  void namesTheTopicsThatThePrincipalMayNotUse() {
    assertThat(Failures.describe(new TopicAuthorizationException(Set.of("b.models", "b.items"))))
        .startsWith(
            "the principal lacks a right on topic b.items: READ to read it, WRITE to send to it; topic b.models: READ")
        .contains("docs/security.md");
  }

  @Test
  void tellsTheInnermostCause() {
    Throwable failure =
        new IllegalStateException(
            "the job failed", new RuntimeException("a layer", new ArithmeticException("by zero")));
    assertThat(Failures.describe(failure))
        .isEqualTo("the job failed (cause: ArithmeticException: by zero)");
    assertThat(Failures.describe(new IllegalStateException("alone"))).isEqualTo("alone");
  }

  @Test
  void helpNamesEveryCommand() {
    assertThat(
            new CommandLine(Main.commandLine((env, config) -> {}).getCommandSpec())
                .getUsageMessage())
        .contains("demo")
        .contains("job");
  }

  @Test
  void errorsAreShortAndHelpIsWhereItIsLookedFor() {
    CommandRun run = CommandRun.of("load", "items");
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err().lines()).hasSizeLessThanOrEqualTo(3);
    assertThat(run.err())
        .contains("FILE")
        .contains("usage: sidstream load items [OPTION]...")
        .contains("'sidstream load items --help' says more");
    run = CommandRun.of("demo", "--max-itms", "3");
    assertThat(run.err()).contains("Unknown option").contains("--max-items");
    assertThat(run.err().lines()).hasSizeLessThanOrEqualTo(4);
    run = CommandRun.of("help", "load");
    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("interactions");
    run = CommandRun.of("completion");
    assertThat(run.code()).isZero();
    assertThat(run.out()).contains("_complete_sidstream").contains("--kafka-config");
    for (String command :
        new String[] {"load items", "load interactions", "status", "explain", "report"}) {
      run = CommandRun.of((Object[]) (command + " --help").split(" "));
      assertThat(run.out()).as(command).contains("Exit codes: 0").contains("Example");
    }
    for (String endless : new String[] {"top", "ui"}) {
      assertThat(CommandRun.of(endless, "--help").out())
          .contains("Exit codes: 130 ended by Ctrl-C")
          .contains("Example");
    }
    assertThat(CommandRun.of("--help").out()).contains("Exit codes: 0 done, 1 failed");
  }

  private void assertUsage(String message, String... args) {
    err.getBuffer().setLength(0);
    int code =
        Main.commandLine(
                (env, config) -> {
                  throw new AssertionError("the job must not be built");
                })
            .setErr(new PrintWriter(err, true))
            .execute(args);
    assertThat(err.toString()).contains(message);
    assertThat(code).isEqualTo(2);
  }
}
