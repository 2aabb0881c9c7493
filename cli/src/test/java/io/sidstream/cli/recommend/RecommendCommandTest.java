package io.sidstream.cli.recommend;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.CommandRun;
import org.junit.jupiter.api.Test;

class RecommendCommandTest {
  private static final String NOWHERE = "127.0.0.1:1";

  @Test
  void refusesWhatCannotBeAsked() {
    CommandRun top = CommandRun.of("recommend", "--history=a", "--bootstrap", NOWHERE, "--top", 0);
    assertThat(top.code()).isEqualTo(2);
    assertThat(top.err()).contains("--top 0: 1 or more");
    CommandRun wait =
        CommandRun.of("recommend", "--history=a", "--bootstrap", NOWHERE, "--wait", -1);
    assertThat(wait.code()).isEqualTo(2);
    assertThat(wait.err()).contains("--wait -1: 0 or more");
    CommandRun without = CommandRun.of("recommend", "--bootstrap", NOWHERE);
    assertThat(without.code()).isEqualTo(2);
    assertThat(without.err()).contains("--history");
  }
}
