package io.sidstream.lab.bench;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.ingest.IngestInteractions;
import io.sidstream.job.ingest.IngestItems;
import io.sidstream.job.kafka.Sinks;
import io.sidstream.job.kafka.Sources;
import io.sidstream.job.kafka.TokenSerializer;
import io.sidstream.job.kafka.Topics;
import io.sidstream.job.record.Item;
import io.sidstream.job.record.Records;
import io.sidstream.job.record.TokenRow;
import io.sidstream.job.sequence.SequenceFunction;
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
 * and one an interaction, where the job has four and two.
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
        .process(new KeepItem(), Records.type(TokenRow.class))
        .uid("keep-item")
        .sinkTo(Sinks.exactlyOnce(config, new TokenSerializer(Topics.tokens(config))))
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
  private static final class KeepItem extends KeyedProcessFunction<String, Item, TokenRow> {
    private transient ValueState<float[]> vector;

    @Override
    public void open(OpenContext context) {
      vector =
          getRuntimeContext()
              .getState(
                  new ValueStateDescriptor<>(
                      "vector", PrimitiveArrayTypeInfo.FLOAT_PRIMITIVE_ARRAY_TYPE_INFO));
    }

    @Override
    public void processElement(Item item, Context context, Collector<TokenRow> out)
        throws Exception {
      // As the job does, to find out whether it changed.
      float[] known = vector.value();
      vector.update(item.vector);
      TokenRow row = new TokenRow();
      row.item = item.item;
      row.version = known == null ? 1 : 2;
      row.commit = 2;
      row.revision = 1;
      row.codes = new int[] {100, 150, 200};
      row.nearest = new int[] {100, 150, 200};
      row.distances = new float[] {.1f, .2f, .3f};
      row.margins = new float[] {.1f, .2f, .3f};
      row.time = item.time;
      out.collect(row);
    }
  }
}
