package io.sidstream.cli.status;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.cli.CommandRun;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StatusWatchTest {
  private static final String TIME = "2026-01-01T00:00:00Z";

  private final List<Duration> pauses = new ArrayList<>();
  private int code;

  @Test
  void aLogHasABlockForEachChange() throws Exception {
    Status first = status(1, "version 2 is under way for 11 min, longer than 10 min");
    Status older = status(1, "version 2 is under way for 1 h 2 min, longer than 10 min");
    assertThat(watch(false, first, older, older, status(2), status(2)))
        .containsSubsequence("version    1,", "NOT OK", "version    2,", "state      OK")
        .containsOnlyOnce("version    1,")
        .containsOnlyOnce("version    2,")
        .doesNotContain("\u001b");
    assertThat(code).isZero();
    assertThat(pauses).hasSize(5).allMatch(p -> p.compareTo(Duration.ofSeconds(2)) >= 0);
  }

  @Test
  void aTerminalIsRedrawn() throws Exception {
    String out = watch(true, status(1), status(1, "no"));
    assertThat(out.split("\u001b\\[H", -1)).hasSize(3);
    assertThat(out)
        .startsWith("\u001b[H\u001b[2J")
        .contains("every 2 s, until Ctrl-C\u001b[K")
        .contains("state      NOT OK: no\u001b[K")
        .endsWith("\u001b[J");
    assertThat(code).isEqualTo(StatusCommand.UNHEALTHY);
  }

  @Test
  void brokersThatRestartAreWaitedForButNotAtTheStart() throws Exception {
    IllegalStateException away = new IllegalStateException("h:1 does not answer");
    assertThat(watch(false, status(1), away, away, status(1)))
        .containsOnlyOnce("cannot be read, it is tried again: h:1 does not answer")
        .containsSubsequence("version    1,", "cannot be read", "version    1,");
    assertThat(watch(true, status(1), away))
        .containsSubsequence("cannot be read, it is tried again: h:1", "version    1,");
    assertThatThrownBy(() -> watch(false, away)).hasMessage("h:1 does not answer");
  }

  @Test
  void topIsStatusWithAWatch() {
    assertThat(CommandRun.of("top", "--help").out()).contains("--max-lag").contains("Example");
    CommandRun run = CommandRun.of("top", "--watch", "0", "--bootstrap", "localhost:1");
    assertThat(run.code()).isEqualTo(2);
    assertThat(run.err()).contains("--watch 0: 1 to 86400, the seconds between two looks");
    assertThat(CommandRun.of("status", "--watch", "x").err()).contains("'--watch'");
  }

  private String watch(boolean live, Object... looks) throws Exception {
    Deque<Object> left = new ArrayDeque<>(Arrays.asList(looks));
    StringWriter text = new StringWriter();
    code =
        new StatusWatch(
                () -> {
                  if (left.remove() instanceof Status status) {
                    return status;
                  }
                  throw new IllegalStateException("h:1 does not answer");
                },
                (status, now) -> status.screen("h:1", Instant.parse(TIME)),
                new PrintWriter(text),
                Duration.ofSeconds(2),
                live,
                time -> {
                  pauses.add(time);
                  return !left.isEmpty();
                })
            .run();
    return text.toString();
  }

  private static Status status(int version, String... problems) {
    return new Status(
        1,
        version,
        TIME,
        null,
        null,
        3,
        3,
        0,
        null,
        0,
        0,
        0,
        null,
        null,
        null,
        List.of(),
        null,
        null,
        0,
        null,
        null,
        Map.of(),
        null,
        List.of(problems));
  }
}
