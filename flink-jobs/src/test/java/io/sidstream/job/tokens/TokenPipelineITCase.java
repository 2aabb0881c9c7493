package io.sidstream.job.tokens;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobOptions.ResolveStrategy;
import io.sidstream.job.embed.EmbeddedItem;
import io.sidstream.job.publish.CommitOperator;
import io.sidstream.job.publish.PublishOperator;
import io.sidstream.job.publish.Republish;
import io.sidstream.job.publish.TokenRow;
import io.sidstream.job.publish.VersionRow;
import io.sidstream.job.resolve.ResolveFunction;
import io.sidstream.job.resolve.Resolved;
import io.sidstream.job.tokenize.Claim;
import io.sidstream.job.tokenize.TokenizeOperator;
import io.sidstream.job.train.TokenizerUpdate;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.TokenChecksum;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.WireFormat;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.CloseableIterator;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The four operators in a cluster: real mailboxes, channels, barriers, and both state backends. */
class TokenPipelineITCase {
  private static final int ITEMS = 1000;

  /**
   * One permit per commit, and one for the first half of the items: the trainer sends a version
   * after the one before is committed. It must not wait for what comes after the items' source: its
   * thread sends no barrier meanwhile, and one of the items' may hold them up until it does.
   */
  private static volatile Semaphore committed;

  @ParameterizedTest
  @ValueSource(strings = {"rocksdb", "hashmap"})
  void everyVersionIsCompleteAndUnique(String backend) throws Exception {
    committed = new Semaphore(0);
    Configuration configuration = new Configuration();
    configuration.set(StateBackendOptions.STATE_BACKEND, backend);
    configuration.set(PipelineOptions.GENERIC_TYPES, false);
    configuration.set(CheckpointingOptions.CHECKPOINTING_INTERVAL, Duration.ofMillis(200));
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.createLocalEnvironment(2, configuration);

    Random random = new Random(3);
    List<EmbeddedItem> items = new ArrayList<>();
    for (int i = 0; i < ITEMS; i++) {
      EmbeddedItem item = new EmbeddedItem();
      item.item = "i" + i;
      item.time = i;
      item.vector = new float[TinyTokenizer.DIMENSION];
      for (int j = 0; j < item.vector.length; j++) {
        item.vector[j] = (float) random.nextGaussian();
      }
      items.add(item);
    }
    List<TokenizerUpdate> updates = new ArrayList<>();
    for (int version = 1; version <= 3; version++) {
      updates.add(TinyTokenizer.update(9, version, 8, .1f));
    }

    SingleOutputStreamOperator<Claim> claims =
        env.fromData(items)
            .map(TokenPipelineITCase::halfBeforeTheFirstVersion)
            .setParallelism(1)
            .keyBy(item -> item.item)
            .connect(
                env.fromData(updates)
                    .map(TokenPipelineITCase::afterTheCommitBefore)
                    .setParallelism(1)
                    .broadcast())
            .transform(
                "tokenize",
                TypeInformation.of(Claim.class),
                new TokenizeOperator(64, 5, 100, "items"));
    SingleOutputStreamOperator<TokenRow> rows =
        claims
            .keyBy(ResolveFunction.BY_PREFIX)
            .process(new ResolveFunction(ResolveStrategy.NEAREST_FREE, 1))
            .returns(Resolved.class)
            .keyBy(resolved -> resolved.item)
            .connect(
                env.fromData(new Republish())
                    .map(TokenPipelineITCase::whenever)
                    .setParallelism(1)
                    .broadcast())
            .transform(
                "publish",
                TypeInformation.of(TokenRow.class),
                new PublishOperator(TinyTokenizer.LEVELS));
    DataStream<TokenRow> commits =
        rows.getSideOutput(PublishOperator.PARTS)
            .transform("commit", TypeInformation.of(VersionRow.class), new CommitOperator())
            .setParallelism(1)
            .map(TokenPipelineITCase::asRow)
            .setParallelism(1);

    WireFormat wire = new WireFormat();
    Map<Integer, VersionRecord> records = new TreeMap<>();
    Map<String, TreeMap<Integer, ItemToken>> tokens = new HashMap<>();
    CloseableIterator<TokenRow> all = rows.union(commits).executeAndCollect();
    all.forEachRemaining(
        row -> {
          if (row.item.isEmpty()) {
            VersionRecord record = wire.decode(row.value, VersionRecord.class);
            assertThat(records.put(row.version, record)).isNull();
          } else {
            ItemToken token = wire.decode(row.value, ItemToken.class);
            tokens.computeIfAbsent(row.item, k -> new TreeMap<>()).put(row.commit, token);
          }
        });
    all.close();

    assertThat(tokens).hasSize(ITEMS);
    assertThat(records).containsOnlyKeys(1, 2, 3);
    for (VersionRecord record : records.values()) {
      HashSet<List<Integer>> unique = new HashSet<>();
      long checksum = 0;
      for (Map.Entry<String, TreeMap<Integer, ItemToken>> e : tokens.entrySet()) {
        Map.Entry<Integer, ItemToken> entry = e.getValue().floorEntry(record.getVersion());
        if (entry != null) {
          ItemToken token = entry.getValue();
          List<Integer> key = new ArrayList<>(token.getCodes());
          key.add(token.getSuffix());
          unique.add(key);
          checksum += TokenChecksum.of(e.getKey(), token.getCodes(), token.getSuffix());
        }
      }
      assertThat((long) unique.size())
          .as("unique tokens of version " + record.getVersion())
          .isEqualTo(record.getItems());
      assertThat(checksum).isEqualTo(record.getTableChecksum());
    }
    assertThat(records.get(3).getMovedItems()).isPositive();
  }

  /** Rows that are written again change nothing. */
  private static Republish whenever(Republish republish) {
    return republish;
  }

  /** So that both outputs come in one stream: a row without an item. */
  private static TokenRow asRow(VersionRow version) {
    committed.release();
    TokenRow row = new TokenRow();
    row.item = "";
    row.version = version.version;
    row.value = version.value;
    return row;
  }

  /** Or the versions could be over before the items come, and version 3 have none to move. */
  private static EmbeddedItem halfBeforeTheFirstVersion(EmbeddedItem item) {
    if (item.time == ITEMS / 2) {
      committed.release();
    }
    return item;
  }

  private static TokenizerUpdate afterTheCommitBefore(TokenizerUpdate update)
      throws InterruptedException {
    committed.acquire();
    return update;
  }
}
