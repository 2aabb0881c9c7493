package io.sidstream.cli.tokens;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.client.Token;
import java.util.List;
import org.junit.jupiter.api.Test;

class TokenAuditTest {
  private final TokenLog log = new TokenLog("p.");

  private void row(String item, int version, int... codes) {
    log.token(
        item,
        new TokenLog.Row(
            version, new Token(codes, 0, version), codes, null, new byte[0], "p.tokens-0@" + item));
  }

  private List<String> codes() {
    return TokenAudit.of(log, false, false).problems().stream()
        .filter(problem -> problem.startsWith("codes"))
        .toList();
  }

  @Test
  void aRowWhoseCodebooksWereRemovedIsHeldToTheOldestThatAreLeft() {
    log.codebooks.put(7, new int[] {16, 16});
    log.codebooks.put(9, new int[] {16, 16});
    row("old", 3, 15, 15);
    row("newest", 9, 0, 15);
    assertThat(codes()).isEmpty();
    row("outside", 3, 15, 16);
    assertThat(codes())
        .containsExactly(
            "codes: p.tokens-0@outside: item outside has codes [15, 16]; the codebooks of version 7 have [16, 16] codewords");
  }

  @Test
  void codebooksThatAreMissingAmongThoseThatAreThereAreTold() {
    log.codebooks.put(7, new int[] {16, 16});
    log.codebooks.put(9, new int[] {16, 16});
    row("between", 8, 1, 1);
    row("ahead", 10, 1, 1);
    assertThat(codes())
        .containsExactlyInAnyOrder(
            "codes: p.tokens-0@between of item between is of version 8, whose codebooks are not on the models topic",
            "codes: p.tokens-0@ahead of item ahead is of version 10, whose codebooks are not on the models topic");
  }
}
