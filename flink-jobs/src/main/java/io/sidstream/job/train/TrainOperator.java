package io.sidstream.job.train;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.embed.EmbeddedItem;
import io.sidstream.job.kafka.OutRecord;
import io.sidstream.job.kafka.Records;
import io.sidstream.job.sequence.TrainingWindow;
import io.sidstream.job.train.TrainProgress.Phase;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Map;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.util.OutputTag;

/**
 * Trains the joint model on the stream, in rounds, between other work of its thread.
 *
 * <p>What arrives is put aside in state at once, so that the branch that gives tokens never waits for training. Windows are
 * consumed in order of arrival: each is first predicted with the model as it then stands, then learnt from. A round begins
 * when {@code train.round-interactions} have been consumed since the last one, so where rounds begin depends on the stream
 * alone, not on the clock; only when the stream pauses does {@code train.round-interval} begin one. During a round nothing
 * is consumed. A step is one timer; after a step of d ms the next one comes d (1 - duty) / duty ms later, and barriers and
 * records pass in between.
 *
 * <p>Keyed state is the whole truth: rows of items and users as they change, the model after steps, and {@link
 * TrainProgress}. All of it is written before the barrier, so that a restart goes on with the very next step.
 */
public class TrainOperator extends AbstractStreamOperator<TokenizerUpdate>
    implements OneInputStreamOperator<TrainEvent, TokenizerUpdate> {

  /** Pieces of the model, for the models topic. */
  public static final OutputTag<OutRecord> MODELS =
      new OutputTag<>("models", Records.type(OutRecord.class));

  /** ID embeddings that a round changed. */
  public static final OutputTag<OutRecord> ID_EMBEDDINGS =
      new OutputTag<>("id-embeddings", Records.type(OutRecord.class));

  /** BEGIN, HELD and REVISION records. */
  public static final OutputTag<OutRecord> VERSIONS =
      new OutputTag<>("versions", Records.type(OutRecord.class));

  /** There is one shard. */
  private static final Integer SHARD = 0;

  /** Size of a piece of the model in state, bytes: RocksDB dislikes values of many MiB. */
  private static final int STATE_PIECE = 1 << 20;

  /** Windows consumed in one go: one forward pass of the recommender. */
  private static final int CONSUME_BATCH = 256;

  private final JobConfig config;

  private transient MapState<Long, TrainingWindow> pending;
  private transient MapState<String, byte[]> itemRows;
  private transient MapState<String, byte[]> userRows;
  private transient MapState<Integer, byte[]> modelPieces;
  private transient ValueState<TrainProgress> progressState;

  private transient Learner learner;
  private transient TrainProgress progress;
  private transient boolean modelChanged;
  private transient long scheduledAt;

  public TrainOperator(JobConfig config) {
    this.config = config;
  }
}
