package io.sidstream.job.tokenize;

import io.sidstream.job.record.Records;
import io.sidstream.job.record.TokenizerUpdate;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;

/**
 * Hands the token versions out to all subtasks of {@link TokenizeOperator}: each when it comes, and
 * the newest once more after every start. So Tokenize keeps no tokenizer, whatever its parallelism:
 * the job's state has one, in RocksDB, which writes it in one checkpoint and not again.
 *
 * <p>The newest is enough: a version begins after the one before was committed, which took the
 * complete scan of every subtask. It is sent before anything that arrives, so before the first
 * checkpoint barrier too. Runs with parallelism 1.
 */
public final class NewestTokenizer extends AbstractStreamOperator<TokenizerUpdate>
    implements OneInputStreamOperator<TokenizerUpdate, TokenizerUpdate> {
  private static final int KEY = 0;

  /** The one key of all versions. */
  public static final KeySelector<TokenizerUpdate, Integer> BY_ONE_KEY = update -> KEY;

  private transient ValueState<TokenizerUpdate> newest;

  @Override
  public void initializeState(StateInitializationContext context) throws Exception {
    super.initializeState(context);
    newest =
        context
            .getKeyedStateStore()
            .getState(new ValueStateDescriptor<>("newest", Records.type(TokenizerUpdate.class)));
  }

  @Override
  public void open() throws Exception {
    super.open();
    int parallelism = getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks();
    if (parallelism != 1) {
      throw new IllegalStateException(
          "Newest tokenizer runs with parallelism " + parallelism + ": set it to 1");
    }
    // As a mail, because nothing may be emitted before all operators of the task are open.
    MailboxExecutor mailbox =
        getContainingTask()
            .getMailboxExecutorFactory()
            .createExecutor(getOperatorConfig().getChainIndex());
    mailbox.execute(this::handOutAgain, "hand out the newest tokenizer");
  }

  private void handOutAgain() throws Exception {
    setCurrentKey(KEY);
    TokenizerUpdate update = newest.value();
    if (update != null) {
      output.collect(new StreamRecord<>(update));
    }
  }

  @Override
  public void processElement(StreamRecord<TokenizerUpdate> element) throws Exception {
    newest.update(element.getValue());
    output.collect(element);
  }
}
