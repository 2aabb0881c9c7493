package io.sidstream.job.learn;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.StateBackend;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@SuppressWarnings("try") // Flink declares that closing a harness throws Exception
class EventQueueTest {
  private static class Queue extends AbstractStreamOperator<Long>
      implements OneInputStreamOperator<Long, Long> {
    private transient EventQueue.Front<Long> front;

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
      super.initializeState(context);
      boolean sorted = "rocksdb".equals(getKeyedStateBackend().getBackendTypeIdentifier());
      front =
          new EventQueue<>(
                  context
                      .getKeyedStateStore()
                      .getMapState(EventQueue.descriptor("queue", Types.LONG)),
                  sorted)
              .front();
    }

    @Override
    public void processElement(StreamRecord<Long> element) throws Exception {
      front.add(element.getValue(), 0, 0, element.getValue());
    }

    List<Long> take(int most) throws Exception {
      List<Long> taken = new ArrayList<>();
      front.take(
          value -> {
            if (taken.size() == most) {
              return false;
            }
            taken.add(value);
            return true;
          });
      return taken;
    }
  }

  /** Many more than RocksDB's iterator reads at a time, with others coming in between. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void whatIsTakenIsAlwaysTheEarliest(boolean rocksdb) throws Exception {
    Queue queue = new Queue();
    StateBackend backend =
        rocksdb ? new EmbeddedRocksDBStateBackend(false) : new HashMapStateBackend();
    try (var harness =
        new KeyedOneInputStreamOperatorTestHarness<>(queue, (Long v) -> 0, Types.INT, 8, 1, 0)) {
      harness.setStateBackend(backend);
      harness.open();
      Random random = new Random(1);
      TreeSet<Long> expected = new TreeSet<>();
      for (int pass = 0; pass < 200; pass++) {
        int more = pass % 40 == 0 ? 3_000 : random.nextInt(60);
        for (int i = 0; i < more; i++) {
          long value = random.nextLong() >> 20;
          if (expected.add(value)) {
            harness.processElement(new StreamRecord<>(value));
          }
        }
        int most = pass % 50 == 49 ? Integer.MAX_VALUE : random.nextInt(300);
        List<Long> wanted = expected.stream().limit(most).toList();
        assertThat(queue.take(most)).isEqualTo(wanted);
        expected.removeAll(new TreeSet<>(wanted));
      }
      assertThat(queue.take(Integer.MAX_VALUE)).containsExactlyElementsOf(expected);
      assertThat(queue.take(Integer.MAX_VALUE)).isEmpty();
    }
  }
}
