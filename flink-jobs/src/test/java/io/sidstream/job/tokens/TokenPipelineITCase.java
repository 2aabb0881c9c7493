package io.sidstream.job.tokens;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.config.JobOptions.ResolveStrategy;
import io.sidstream.job.publish.CommitOperator;
import io.sidstream.job.publish.PublishOperator;
import io.sidstream.job.record.Claim;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.Records;
import io.sidstream.job.record.Republish;
import io.sidstream.job.record.Resolved;
import io.sidstream.job.record.TokenRow;
import io.sidstream.job.record.TokenizerUpdate;
import io.sidstream.job.resolve.ResolveFunction;
import io.sidstream.job.tokenize.NewestTokenizer;
import io.sidstream.job.tokenize.TokenizeOperator;
import io.sidstream.schemas.TokenChecksum;
import io.sidstream.schemas.VersionRecord;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Semaphore;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.PipelineOptions;
import org.apache.flink.configuration.StateBackendOptions;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.functions.sink.v2.DiscardingSink;
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

  private static final List<VersionRecord> COMMITS = new CopyOnWriteArrayList<>();

  @ParameterizedTest
  @ValueSource(strings = {"rocksdb", "hashmap"})
  void everyVersionIsCompleteAndUnique(String backend) throws Exception {
    committed = new Semaphore(0);
    COMMITS.clear();
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
                    .keyBy(NewestTokenizer.BY_ONE_KEY)
                    .transform("newest", Records.type(TokenizerUpdate.class), new NewestTokenizer())
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
                    .filter(TokenPipelineITCase::never)
                    .setParallelism(1)
                    .broadcast())
            .transform(
                "publish",
                TypeInformation.of(TokenRow.class),
                new PublishOperator(TinyTokenizer.LEVELS));
    rows.getSideOutput(PublishOperator.PARTS)
        .transform("commit", Records.type(VersionRecord.class), new CommitOperator())
        .setParallelism(1)
        .map(TokenPipelineITCase::remember)
        .setParallelism(1)
        .sinkTo(new DiscardingSink<>())
        .setParallelism(1);

    Map<String, TreeMap<Integer, TokenRow>> tokens = new HashMap<>();
    CloseableIterator<TokenRow> all = rows.executeAndCollect();
    all.forEachRemaining(
        row -> tokens.computeIfAbsent(row.item, k -> new TreeMap<>()).put(row.commit, row));
    all.close();
    Map<Integer, VersionRecord> records = new TreeMap<>();
    for (VersionRecord record : COMMITS) {
      assertThat(records.put(record.getVersion(), record)).isNull();
    }

    assertThat(tokens).hasSize(ITEMS);
    assertThat(records).containsOnlyKeys(1, 2, 3);
    for (VersionRecord record : records.values()) {
      HashSet<String> unique = new HashSet<>();
      long checksum = 0;
      for (Map.Entry<String, TreeMap<Integer, TokenRow>> e : tokens.entrySet()) {
        Map.Entry<Integer, TokenRow> entry = e.getValue().floorEntry(record.getVersion());
        if (entry != null) {
          TokenRow token = entry.getValue();
          unique.add(Arrays.toString(token.codes) + token.suffix);
          checksum += TokenChecksum.of(e.getKey(), token.codes, token.suffix);
        }
      }
      assertThat((long) unique.size())
          .as("unique tokens of version " + record.getVersion())
          .isEqualTo(record.getItems());
      assertThat(checksum).isEqualTo(record.getTableChecksum());
    }
    assertThat(records.get(3).getMovedItems()).isPositive();
  }

  /** Nobody asks for the table again. */
  private static boolean never(Republish republish) {
    return false;
  }

  private static VersionRecord remember(VersionRecord commit) {
    COMMITS.add(commit);
    committed.release();
    return commit;
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
