package io.sidstream.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.schemas.TokenChecksum;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Additions that change their minds between two versions. */
class TableStateTest {
  private static final int[] OLD = {9, 9, 9};

  private final TableState state = new TableState(0);
  private TokenView view;

  /** Version 1 has one item; a, b and c come after it. */
  @BeforeEach
  void threeAdditions() {
    row("old", 1, OLD);
    state.commit(new TokenView.Verified(1, 1, 1, TokenChecksum.of("old", OLD, 0), 1000));
    assertThat(state.verified()).containsExactly(1);
    state.promote(1);
    view = state.view();
    row("a", 2, 0, 0, 0);
    row("b", 2, 0, 0, 1);
    row("c", 2, 0, 0, 2);
    view = state.withAdditions(view);
    assertThat(served()).containsExactly("a 0-0-0", "b 0-0-1", "c 0-0-2", "old 9-9-9");
  }

  @Test
  void oneThatIsRefusedDoesNotTakeAnotherWithIt() {
    row("a", 2, 7, 7, 6);
    row("b", 2, OLD);
    row("c", 2, 7, 7, 7);
    view = state.withAdditions(view);
    assertThat(served()).containsExactly("b 0-0-1", "a 7-7-6", "c 7-7-7", "old 9-9-9");
  }

  @Test
  void oneThatIsRefusedKeepsItsTokenFromTheOthers() {
    row("a", 2, 0, 0, 2);
    row("b", 2, OLD);
    row("c", 2, 0, 0, 1);
    view = state.withAdditions(view);
    assertThat(served()).containsExactly("a 0-0-0", "b 0-0-1", "c 0-0-2", "old 9-9-9");
    row("b", 2, 7, 7, 7);
    view = state.withAdditions(view);
    assertThat(served()).containsExactly("c 0-0-1", "a 0-0-2", "b 7-7-7", "old 9-9-9");
  }

  /** The number that a stranger writes into a COMMIT record costs nothing by itself. */
  @Test
  @Timeout(10)
  void aVersionFarAwayIsReachedAtOnce() {
    state.row("a".getBytes(StandardCharsets.UTF_8), 5, new Token(new int[] {7, 7, 7}, 0, 5), null);
    state.promote(Integer.MAX_VALUE);
    assertThat(state.floor).isEqualTo(Integer.MAX_VALUE);
    assertThat(state.above).isEmpty();
    assertThat(state.itemsAt(Integer.MAX_VALUE)).isEqualTo(4);
  }

  private void row(String item, int commit, int... codes) {
    state.row(item.getBytes(StandardCharsets.UTF_8), commit, new Token(codes, 0, 1), null);
  }

  /** In the order of tokens; each can be found both ways. */
  private List<String> served() {
    List<String> served = new ArrayList<>();
    view.forEach(
        (item, token) -> {
          served.add(item + " " + token);
          assertThat(view.get(item)).isEqualTo(token);
          assertThat(view.item(token.codes(), token.suffix())).isEqualTo(item);
        });
    return served;
  }
}
