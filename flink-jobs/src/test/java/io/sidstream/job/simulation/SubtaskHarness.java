package io.sidstream.job.simulation;

import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.runtime.io.disk.iomanager.IOManager;
import org.apache.flink.runtime.io.disk.iomanager.IOManagerAsync;
import org.apache.flink.runtime.memory.MemoryManager;
import org.apache.flink.runtime.operators.testutils.MockEnvironment;
import org.apache.flink.runtime.operators.testutils.MockEnvironmentBuilder;
import org.apache.flink.runtime.operators.testutils.MockInputSplitProvider;
import org.apache.flink.runtime.state.hashmap.HashMapStateBackend;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.api.operators.StreamOperator;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.io.RecordProcessorUtils;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.util.function.ThrowingConsumer;

/**
 * The engine's harness for a subtask of any operator. Threads and memory that the engine's own give
 * each subtask, and which the heap backend does not need, are one for all here: a history makes
 * hundreds of subtasks.
 */
@SuppressWarnings({"unchecked", "try"})
final class SubtaskHarness extends AbstractStreamOperatorTestHarness<Object> {
  private static final HashMapStateBackend BACKEND = new HashMapStateBackend();
  private static final IOManager DISK = new IOManagerAsync();
  private static final MemoryManager MEMORY = MemoryManager.create(1 << 20, 1 << 12);

  /**
   * A subtask's place.
   *
   * @param subtask of so many
   * @param parallelism how many there are
   * @param maxParallelism how many there can be
   */
  record Place(int subtask, int parallelism, int maxParallelism) {
    static final Place ONLY = new Place(0, 1, 1);
  }

  /**
   * What keyed state goes by.
   *
   * @param first key of a value of the first input
   * @param second key of a value of the second; null for none
   */
  record Keys(KeySelector<?, ?> first, KeySelector<?, ?> second, TypeInformation<?> type) {}

  private ThrowingConsumer<StreamRecord<Object>, Exception> first;
  private ThrowingConsumer<StreamRecord<Object>, Exception> second;

  /**
   * @param keys null for an operator without keyed state
   */
  SubtaskHarness(
      StreamOperator<?> operator, Place place, Keys keys, Output<StreamRecord<Object>> output)
      throws Exception {
    super((StreamOperator<Object>) operator, environment(place));
    setStateBackend(BACKEND);
    setOutputCreator(serializer -> output);
    if (keys != null) {
      config.setStatePartitioner(0, keys.first());
      if (keys.second() != null) {
        config.setStatePartitioner(1, keys.second());
      }
      config.setStateKeySerializer(
          keys.type().createSerializer(executionConfig.getSerializerConfig()));
      config.serializeAllConfigs();
    }
  }

  private static MockEnvironment environment(Place place) {
    return new MockEnvironmentBuilder()
        .setTaskName("simulated")
        .setIOManager(DISK)
        .setMemoryManager(MEMORY)
        .setInputSplitProvider(new MockInputSplitProvider())
        .setBufferSize(1024)
        .setMaxParallelism(place.maxParallelism())
        .setParallelism(place.parallelism())
        .setSubtaskIndex(place.subtask())
        .build();
  }

  @Override
  public void open() throws Exception {
    super.open();
    if (operator instanceof TwoInputStreamOperator<?, ?, ?> two) {
      first = RecordProcessorUtils.getRecordProcessor1((TwoInputStreamOperator<Object, ?, ?>) two);
      second = RecordProcessorUtils.getRecordProcessor2((TwoInputStreamOperator<?, Object, ?>) two);
    } else {
      first = RecordProcessorUtils.getRecordProcessor((OneInputStreamOperator<Object, ?>) operator);
    }
  }

  /**
   * @param input 1 or 2
   */
  void record(int input, StreamRecord<Object> record) throws Exception {
    (input == 1 ? first : second).accept(record);
  }

  /**
   * @param input 1 or 2
   */
  void watermark(int input, Watermark mark) throws Exception {
    if (!(operator instanceof TwoInputStreamOperator<?, ?, ?> two)) {
      ((OneInputStreamOperator<?, ?>) operator).processWatermark(mark);
    } else if (input == 1) {
      two.processWatermark1(mark);
    } else {
      two.processWatermark2(mark);
    }
  }

  /** As where everything fails: nothing is finished. */
  @Override
  public void close() throws Exception {
    processingTimeService.shutdownService();
    operator.close();
  }
}
