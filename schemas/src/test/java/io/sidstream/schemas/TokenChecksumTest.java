package io.sidstream.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TokenChecksumTest {
  /** Computed by a second program, in Python, from the description alone. */
  @Test
  void isWhatTheDescriptionSays() {
    assertThat(TokenChecksum.of("B000052YAN", new int[] {12, 0, 255}, 0))
        .isEqualTo(-9153964033139581605L);
    assertThat(TokenChecksum.of("ä/€", new int[] {1, 2, 3}, 7)).isEqualTo(-5394806619175831711L);
    assertThat(TokenChecksum.of("", new int[0], 0)).isEqualTo(5810608839882609037L);
  }

  @Test
  void listsAndArraysAgree() {
    assertThat(TokenChecksum.of("a", List.of(1, 2, 3), null))
        .isEqualTo(TokenChecksum.of("a", new int[] {1, 2, 3}, 0));
    assertThat(TokenChecksum.of("a", List.of(1, 2, 3), 4))
        .isEqualTo(TokenChecksum.of("a", new int[] {1, 2, 3}, 4));
  }

  @Test
  void swappingTheTokensOfTwoItemsShows() {
    Set<Long> sums = new HashSet<>();
    for (int i = 0; i < 1000; i++) {
      int[] one = {i, 1, 2};
      int[] two = {i, 1, 3};
      sums.add(TokenChecksum.of("a", one, 0) + TokenChecksum.of("b", two, 0));
      sums.add(TokenChecksum.of("a", two, 0) + TokenChecksum.of("b", one, 0));
    }
    assertThat(sums).hasSize(2000);
  }

  @Test
  void headersHoldDecimalText() {
    assertThat(TokenHeaders.encode(-12)).asString(StandardCharsets.US_ASCII).isEqualTo("-12");
    assertThat(TokenHeaders.decode(TokenHeaders.encode(Integer.MAX_VALUE)))
        .isEqualTo(Integer.MAX_VALUE);
    assertThatThrownBy(() -> TokenHeaders.decode(new byte[] {'x'}))
        .hasMessageContaining("'x'; expected: a decimal");
  }
}
