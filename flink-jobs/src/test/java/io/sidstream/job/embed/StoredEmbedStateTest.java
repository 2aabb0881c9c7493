package io.sidstream.job.embed;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.StoredState;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.junit.jupiter.api.Test;

class StoredEmbedStateTest {
  private static final TypeInformation<EmbeddedText> TEXT = TypeInformation.of(EmbeddedText.class);
  private static final TypeInformation<LastSeen> SEEN = TypeInformation.of(LastSeen.class);

  private static EmbeddedText text() {
    EmbeddedText text = new EmbeddedText();
    text.digest = new byte[] {1, -2, 3};
    text.vector = new float[] {0.5f, -1, 8};
    return text;
  }

  private static LastSeen seen() {
    LastSeen seen = new LastSeen();
    seen.time = 1_700_000_000_123L;
    seen.due = 1_800_000_000_123L;
    return seen;
  }

  /** Writes the state of the present release into a folder. */
  public static void main(String[] arguments) throws IOException {
    StoredState.write(arguments[0], "EmbeddedText", TEXT, text());
    StoredState.write(arguments[0], "LastSeen", SEEN, seen());
  }

  @Test
  void theTextOfAnItem() throws IOException {
    assertThat(StoredState.read(getClass(), "EmbeddedText", TEXT))
        .usingRecursiveComparison()
        .isEqualTo(text());
  }

  @Test
  void whenAnItemWasSeen() throws IOException {
    assertThat(StoredState.read(getClass(), "LastSeen", SEEN))
        .usingRecursiveComparison()
        .isEqualTo(seen());
  }
}
