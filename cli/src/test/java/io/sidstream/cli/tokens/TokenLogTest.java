package io.sidstream.cli.tokens;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Properties;
import org.junit.jupiter.api.Test;

class TokenLogTest {
  @Test
  void aReaderHasNoTopicsMade() {
    Properties asked = new Properties();
    asked.put("allow.auto.create.topics", "true");
    asked.put("security.protocol", "SSL");
    assertThat(TokenLog.settings("k:9092", asked))
        .containsEntry("allow.auto.create.topics", "false")
        .containsEntry("security.protocol", "SSL")
        .containsEntry("bootstrap.servers", "k:9092");
  }
}
