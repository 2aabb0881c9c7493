package io.sidstream.job.sequence;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.StoredState;
import io.sidstream.job.record.Records;
import io.sidstream.job.record.TrainingWindow;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.junit.jupiter.api.Test;

class StoredSequenceStateTest {
  private static final TypeInformation<UserHistory> HISTORY = TypeInformation.of(UserHistory.class);
  private static final TypeInformation<TrainingWindow> WINDOW = Records.type(TrainingWindow.class);

  private static UserHistory history() {
    UserHistory history = new UserHistory();
    history.items = new String[] {"a", "ü", "a"};
    history.times = new long[] {1_700_000_000_123L, 1_700_000_000_123L, 1_700_000_000_124L};
    history.ids = new long[] {-1, 2, Long.MIN_VALUE};
    history.recentIds = new long[] {2, -1, Long.MIN_VALUE, 5};
    history.fresh = 2;
    history.late = 3;
    history.unplaced = 4;
    history.flushAt = 1_700_000_060_000L;
    return history;
  }

  /** As Train keeps it until it is consumed. */
  private static TrainingWindow window() {
    TrainingWindow window = new TrainingWindow();
    window.user = "user";
    window.items = new String[] {"b", "c"};
    window.times = new long[] {5, 6};
    window.fresh = 1;
    window.events = 4;
    return window;
  }

  /** Writes the state of the present release into a folder. */
  public static void main(String[] arguments) throws IOException {
    StoredState.write(arguments[0], "UserHistory", HISTORY, history());
    StoredState.write(arguments[0], "TrainingWindow", WINDOW, window());
  }

  @Test
  void whatIsKeptOfAUser() throws IOException {
    assertThat(StoredState.read(getClass(), "UserHistory", HISTORY))
        .usingRecursiveComparison()
        .isEqualTo(history());
  }

  @Test
  void aWindowThatWaits() throws IOException {
    assertThat(StoredState.read(getClass(), "TrainingWindow", WINDOW))
        .usingRecursiveComparison()
        .isEqualTo(window());
  }
}
