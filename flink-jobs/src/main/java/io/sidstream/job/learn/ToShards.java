package io.sidstream.job.learn;

import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.LearnInput;
import io.sidstream.job.record.SequencedEvent;
import org.apache.flink.api.common.functions.FlatMapFunction;
import org.apache.flink.api.common.functions.MapFunction;
import org.apache.flink.util.Collector;

/** Which shards are told of what arrives. */
public final class ToShards {
  private ToShards() {}

  /** An item reaches every shard. */
  public static final class OfItems implements FlatMapFunction<EmbeddedItem, LearnInput> {
    private final int[] keys;

    /** With the keys of the shards. */
    public OfItems(int[] keys) {
      this.keys = keys;
    }

    @Override
    public void flatMap(EmbeddedItem item, Collector<LearnInput> out) {
      for (int key : keys) {
        LearnInput input = new LearnInput();
        input.shardKey = key;
        input.item = item;
        out.collect(input);
      }
    }
  }

  /** An interaction reaches the shard of its user. */
  public static final class OfEvents implements MapFunction<SequencedEvent, LearnInput> {
    private final int[] keys;

    /** With the keys of the shards. */
    public OfEvents(int[] keys) {
      this.keys = keys;
    }

    @Override
    public LearnInput map(SequencedEvent event) {
      LearnInput input = new LearnInput();
      input.shardKey = ShardKeys.of(event.user, keys);
      input.event = event;
      return input;
    }
  }
}
