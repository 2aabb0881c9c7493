package io.sidstream.job.sequence;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.StoredState;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.junit.jupiter.api.Test;

class StoredSequenceStateTest {
  private static final TypeInformation<UserHistory> HISTORY = TypeInformation.of(UserHistory.class);

  private static UserHistory history() {
    UserHistory history = new UserHistory();
    history.times = new long[] {1_700_000_000_123L, 1_700_000_000_123L, 1_700_000_000_124L};
    history.ids = new long[] {-1, 2, Long.MIN_VALUE};
    history.recentIds = new long[] {2, -1, Long.MIN_VALUE, 5};
    history.accepted = 7;
    return history;
  }

  /** Writes the state of the present release into a folder. */
  public static void main(String[] arguments) throws IOException {
    StoredState.write(arguments[0], "UserHistory", HISTORY, history());
  }

  @Test
  void whatIsKeptOfAUser() throws IOException {
    assertThat(StoredState.read(getClass(), "UserHistory", HISTORY))
        .usingRecursiveComparison()
        .isEqualTo(history());
  }
}
