package io.sidstream.schemas;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class PrintableTest {
  @Test
  void whatActsIsSaidByItsNumber() {
    assertThat(Printable.of("a\nb\u001b[2J\u202eabc\u2028"))
        .isEqualTo("a\\u000ab\\u001b[2J\\u202eabc\\u2028");
    assertThat(Printable.of("half \ud800")).isEqualTo("half \\ud800");
  }

  @Test
  void otherTextStaysAsItIs() {
    String text = "Käse, \u65e5\u672c, \ud83d\ude00 \\ \"quoted\"";
    assertThat(Printable.of(text)).isSameAs(text);
  }
}
