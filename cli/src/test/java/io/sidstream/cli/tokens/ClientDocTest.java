package io.sidstream.cli.tokens;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ClientDocTest {
  @Test
  void theExampleIsTheOneThatRuns() throws Exception {
    String source =
        Files.readString(Path.of("src/test/java/io/sidstream/cli/tokens/ClientExample.java"));
    String example =
        source.substring(
            source.indexOf("// docs/client.md begins\n") + "// docs/client.md begins\n".length(),
            source.indexOf("// docs/client.md ends"));
    assertThat(Files.readString(Path.of("../docs/client.md")))
        .contains("```java\n" + example.strip() + "\n```");
  }
}
