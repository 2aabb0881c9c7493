package io.sidstream.lab.bench;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.ingest.IngestInteractions;
import io.sidstream.job.ingest.IngestItems;
import io.sidstream.job.kafka.Sinks;
import io.sidstream.job.kafka.Sources;
import io.sidstream.job.kafka.Topics;
import io.sidstream.job.record.Item;
import io.sidstream.job.record.OutRecord;
import io.sidstream.job.record.Records;
import io.sidstream.job.sequence.SequenceFunction;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.WireFormat;
import java.time.Instant;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.KeyedProcessFunction;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
import org.apache.flink.util.Collector;

/**
 * What any job would have to do with the same records, and nothing of the model: the same sources
 * and decoding, items keyed by item with their vector in state and a row of a token's size written
 * exactly once, interactions keyed by user with the user's history in state. One exchange an item
 * and one an interaction, where the job has five and two.
 */
final class PassThrough {
  /** The operator that interactions end in. */
  static final String HISTORY = "History";

  private PassThrough() {}

  static void build(StreamExecutionEnvironment env, JobConfig config) {
    env.setParallelism(config.get(JobOptions.PARALLELISM));
    env.setMaxParallelism(config.get(JobOptions.MAX_PARALLELISM));
    env.fromSource(
            Sources.raw(config, Topics.items(config)), WatermarkStrategy.noWatermarks(), "items")
        .uid("source-items")
        .process(new IngestItems(config))
        .uid("ingest-items")
        .keyBy(i -> i.item)
        .process(new KeepItem(), Records.type(OutRecord.class))
        .uid("keep-item")
        .sinkTo(Sinks.exactlyOnce(config, Topics.tokens(config)))
        .uid("sink-tokens");
    env.fromSource(
            Sources.raw(config, Topics.interactions(config)),
            WatermarkStrategy.noWatermarks(),
            "interactions")
        .uid("source-interactions")
        .process(new IngestInteractions(config))
        .uid("ingest-interactions")
        .keyBy(i -> i.user)
        .process(new SequenceFunction(config))
        .uid("sequence")
        .name(HISTORY)
        .sinkTo(new DiscardingSink<>())
        .uid("sink-windows");
  }

  /** Keeps the vector and writes a row. */
  private static final class KeepItem extends KeyedProcessFunction<String, Item, OutRecord> {
    private transient ValueState<float[]> vector;
    private transient WireFormat wire;

    @Override
    public void open(OpenContext context) {
      wire = new WireFormat();
      vector =
          getRuntimeContext()
              .getState(
                  new ValueStateDescriptor<>(
                      "vector", PrimitiveArrayTypeInfo.FLOAT_PRIMITIVE_ARRAY_TYPE_INFO));
    }

    @Override
    public void processElement(Item item, Context context, Collector<OutRecord> out)
        throws Exception {
      // As the job does, to find out whether it changed.
      float[] known = vector.value();
      vector.update(item.vector);
      ItemToken token = new ItemToken();
      token.setItem(item.item);
      token.setVersion(known == null ? 1 : 2);
      token.setCommit(2);
      token.setRevision(1L);
      token.setCodes(List.of(100, 150, 200));
      token.setNearest(List.of(100, 150, 200));
      token.setDistances(List.of(.1f, .2f, .3f));
      token.setMargins(List.of(.1f, .2f, .3f));
      token.setTime(Instant.ofEpochMilli(item.time));
      out.collect(OutRecord.of(Records.key(item.item), wire.encode(token)));
    }
  }
}
