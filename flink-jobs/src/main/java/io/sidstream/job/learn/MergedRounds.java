package io.sidstream.job.learn;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.record.LearnInput;
import io.sidstream.job.record.RawRecord;
import io.sidstream.job.record.RoundPiece;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelParts;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.util.Collector;

/**
 * Tells every shard what the merge made of a round, as it comes back through the models topic.
 * Parts that readers rank with are passed over by their keys.
 *
 * <p>A merged round goes under token version {@value #MERGED}, a call to begin one under {@value
 * #CALL}: one of each stands on the topic at most, for the next comes only when every shard has
 * taken the last.
 */
public final class MergedRounds extends LearnerMessages<ModelPart, LearnInput> {
  private static final int MERGED = 0;
  private static final int CALL = 1;
  private static final byte[] MERGED_KEY = key(MERGED);
  private static final byte[] CALL_KEY = key(CALL);

  private transient int[] keys;

  /** With the shards of a configuration. */
  public MergedRounds(JobConfig config) {
    super(config, ModelPart.class, "a ModelPart, or a null value that removes one");
  }

  private static byte[] key(int version) {
    return (version + "/" + ModelPartKind.LEARNER + "/").getBytes(StandardCharsets.UTF_8);
  }

  /** A merged round as pieces for the models topic. */
  static List<ModelPart> merged(long round, byte[] whole, java.time.Instant time) {
    return ModelParts.split(MERGED, round, ModelPartKind.LEARNER, whole, time);
  }

  /** The call to begin a round that a shard has begun. */
  static ModelPart call(long round, java.time.Instant time) {
    return ModelParts.split(CALL, round, ModelPartKind.LEARNER, new byte[0], time).get(0);
  }

  @Override
  public void open(OpenContext context) {
    super.open(context);
    keys =
        ShardKeys.of(
            config().get(JobOptions.LEARN_SHARDS), config().get(JobOptions.MAX_PARALLELISM));
  }

  @Override
  public void processElement(RawRecord record, Context context, Collector<LearnInput> out) {
    if (record.value == null || !(begins(record.key, MERGED_KEY) || begins(record.key, CALL_KEY))) {
      return;
    }
    super.processElement(record, context, out);
  }

  private static boolean begins(byte[] key, byte[] with) {
    return key != null
        && key.length > with.length
        && java.util.Arrays.equals(key, 0, with.length, with, 0, with.length);
  }

  @Override
  void take(ModelPart part, RawRecord record, Context context, Collector<LearnInput> out) {
    RoundPiece piece = new RoundPiece();
    piece.shard = -1;
    piece.round = part.getRevision();
    piece.index = part.getIndex();
    piece.count = part.getVersion() == CALL ? 0 : part.getCount();
    ByteBuffer data = part.getData();
    piece.data = new byte[data.remaining()];
    data.duplicate().get(piece.data);
    for (int key : keys) {
      LearnInput input = new LearnInput();
      input.shardKey = key;
      input.merged = piece;
      out.collect(input);
    }
  }
}
