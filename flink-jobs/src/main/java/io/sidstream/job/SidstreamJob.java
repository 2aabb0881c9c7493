package io.sidstream.job;

import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.embed.EmbedOperator;
import io.sidstream.job.embed.TextModel;
import io.sidstream.job.ingest.IngestInteractions;
import io.sidstream.job.ingest.IngestItems;
import io.sidstream.job.kafka.DeadLetterSerializer;
import io.sidstream.job.kafka.GroupOffsets;
import io.sidstream.job.kafka.IdEmbeddingSerializer;
import io.sidstream.job.kafka.ModelPartSerializer;
import io.sidstream.job.kafka.SinkWitness;
import io.sidstream.job.kafka.Sinks;
import io.sidstream.job.kafka.Sources;
import io.sidstream.job.kafka.TokenSerializer;
import io.sidstream.job.kafka.Topics;
import io.sidstream.job.kafka.VersionSerializer;
import io.sidstream.job.kafka.WireSerializer;
import io.sidstream.job.learn.CommittedVersions;
import io.sidstream.job.learn.ControlMessages;
import io.sidstream.job.learn.LearnOperator;
import io.sidstream.job.learn.MergeOperator;
import io.sidstream.job.learn.MergedRounds;
import io.sidstream.job.learn.ShardKeys;
import io.sidstream.job.learn.ToShards;
import io.sidstream.job.publish.CommitOperator;
import io.sidstream.job.publish.PublishOperator;
import io.sidstream.job.publish.RepublishMessages;
import io.sidstream.job.record.Claim;
import io.sidstream.job.record.DeadLetterRecord;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.Interaction;
import io.sidstream.job.record.Item;
import io.sidstream.job.record.LearnInput;
import io.sidstream.job.record.MergeInput;
import io.sidstream.job.record.RawRecord;
import io.sidstream.job.record.Records;
import io.sidstream.job.record.Resolved;
import io.sidstream.job.record.RoundPiece;
import io.sidstream.job.record.SequencedEvent;
import io.sidstream.job.record.TokenRow;
import io.sidstream.job.record.TokenizerUpdate;
import io.sidstream.job.resolve.ResolveFunction;
import io.sidstream.job.sequence.SequenceFunction;
import io.sidstream.job.tokenize.NewestTokenizer;
import io.sidstream.job.tokenize.TokenizeOperator;
import io.sidstream.job.versions.RunFence;
import io.sidstream.job.versions.VersionLedger;
import io.sidstream.schemas.VersionRecord;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.streaming.api.datastream.DataStreamUtils;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The job, top to bottom as a record goes through it.
 *
 * <p>As a jar: {@code flink run -c io.sidstream.job.SidstreamJob sidstream-job.jar --conf job.yaml
 * --set parallelism=4}.
 */
public final class SidstreamJob {
  private static final Logger LOG = LoggerFactory.getLogger(SidstreamJob.class);

  private static final String DEAD_LETTERS = "dead-letters";

  private SidstreamJob() {}

  /** Submits the job. Arguments: {@code [--conf FILE] [--set key=value]...}. */
  public static void main(String[] args) throws Exception {
    Path conf = null;
    List<String> sets = new ArrayList<>();
    for (int i = 0; i < args.length; i++) {
      if (i + 1 == args.length || !(args[i].equals("--conf") || args[i].equals("--set"))) {
        // What stands at no option's place may be the rest of a secret that a shell took apart.
        throw new ConfigException(
            "argument "
                + (args[i].matches("--?[a-z-]+") ? args[i] : "number " + (i + 1))
                + " is not known or has no value; allowed: --conf FILE, --set key=value");
      }
      if (args[i].equals("--conf")) {
        conf = Path.of(args[++i]);
      } else {
        sets.add(args[++i]);
      }
    }
    JobConfig loaded = JobConfig.load(conf, sets);
    StreamExecutionEnvironment env =
        StreamExecutionEnvironment.getExecutionEnvironment(JobEnvironment.flink(loaded));
    JobConfig config = JobEnvironment.withParallelismOf(env.getConfiguration(), loaded);
    System.out.println(config.describe());
    config.secretsInClear().forEach(key -> LOG.warn(JobConfig.IN_CLEAR, key));
    JobEnvironment.requireCheckpointFolder(env.getConfiguration());
    Topics.create(config);
    build(env, config);
    env.execute("sidstream");
  }

  /** Adds the whole job to an environment made with {@link JobEnvironment#flink}. */
  public static void build(StreamExecutionEnvironment env, JobConfig config) {
    TextModel.check(config);
    int parallelism = config.get(JobOptions.PARALLELISM);
    env.setParallelism(parallelism);
    env.setMaxParallelism(config.get(JobOptions.MAX_PARALLELISM));

    DataStream<RawRecord> rawItems = read(env, config, Topics.items(config), "items");
    DataStream<RawRecord> rawInteractions =
        read(env, config, Topics.interactions(config), "interactions");
    DataStream<RawRecord> rawVersions =
        readInOrder(env, config, Topics.versions(config), "versions");
    DataStream<RawRecord> rawModels = readInOrder(env, config, Topics.models(config), "models");
    String run = UUID.randomUUID().toString();
    DataStream<RawRecord> rawControl =
        named(
            readInOrder(env, config, Topics.control(config), "control")
                .process(new RunFence(config, run))
                .forceNonParallel(),
            "run-fence",
            "Run fence",
            "Ends this run where a later one has taken the topics over.");

    SingleOutputStreamOperator<Item> items =
        named(
            rawItems.process(new IngestItems(config)),
            "ingest-items",
            "Ingest items",
            "Checks item events; what breaks a rule goes to the dead letters.");
    SingleOutputStreamOperator<Interaction> interactions =
        named(
            rawInteractions.process(new IngestInteractions(config)),
            "ingest-interactions",
            "Ingest interactions",
            "Checks interaction events; what breaks a rule goes to the dead letters.");

    DataStream<Item> signsOfLife = items;
    if (!config.get(JobOptions.ITEMS_RETENTION).isZero()) {
      signsOfLife =
          items.union(named(interactions.map(Item::touch), "touched-items", "Touched items"));
    }

    SingleOutputStreamOperator<EmbeddedItem> embedded =
        named(
            signsOfLife
                .keyBy(i -> i.item)
                .transform("Embed", Records.type(EmbeddedItem.class), new EmbedOperator(config)),
            "embed",
            "Embed",
            "Content vectors, by item: as sent, or of the text. The dearest step of an item that comes as text.");

    SingleOutputStreamOperator<SequencedEvent> sequenced =
        named(
            interactions.keyBy(i -> i.user).process(new SequenceFunction(config)),
            "sequence",
            "Sequence",
            "The newest interactions of each user, in their order.");

    int[] shards =
        ShardKeys.of(config.get(JobOptions.LEARN_SHARDS), config.get(JobOptions.MAX_PARALLELISM));
    SingleOutputStreamOperator<LearnInput> merged =
        named(
            rawModels.process(new MergedRounds(config)).forceNonParallel(),
            "merged-rounds",
            "Merged rounds",
            "Feedback: what Merge made of a round comes back to Learn through the topic of models, once committed.");
    SingleOutputStreamOperator<RoundPiece> rounds =
        named(
            embedded
                .flatMap(new ToShards.OfItems(shards))
                .name("Items to shards")
                .uid("items-to-shards")
                .union(
                    sequenced
                        .map(new ToShards.OfEvents(shards))
                        .name("Events to shards")
                        .uid("events-to-shards"),
                    merged)
                .keyBy(i -> i.shardKey)
                .transform("Learn", Records.type(RoundPiece.class), new LearnOperator(config))
                .setParallelism(Math.min(parallelism, shards.length)),
            "learn",
            "Learn",
            "Rounds of training, a shard a key. They run on a thread of their own, which busy time does not count: roundSteps, stepsLeft and stepTimeMs tell of it.");

    SingleOutputStreamOperator<MergeInput> committed =
        named(
            rawVersions.process(new CommittedVersions(config)).forceNonParallel(),
            "committed-versions",
            "Committed versions",
            "Feedback: that readers see a version committed comes back to Merge through the topic of versions.");
    SingleOutputStreamOperator<MergeInput> control =
        named(
            rawControl.process(new ControlMessages(config)).forceNonParallel(),
            "control-messages",
            "Control messages",
            "HOLD, FORCE and RELEASE of the gate, for Merge.");
    SingleOutputStreamOperator<TokenizerUpdate> learnt =
        named(
            rounds
                .map(MergeInput::of)
                .returns(Records.type(MergeInput.class))
                .name("Rounds to merge")
                .uid("rounds-to-merge")
                .setParallelism(Math.min(parallelism, shards.length))
                .union(committed, control)
                .keyBy(MergeInput::key)
                .transform("Merge", Records.type(TokenizerUpdate.class), new MergeOperator(config))
                .forceNonParallel(),
            "merge",
            "Merge",
            "Makes one model of the shards, asks the gate, says versions and revisions, publishes models.");

    SingleOutputStreamOperator<TokenizerUpdate> tokenizers =
        named(
            learnt
                .keyBy(NewestTokenizer.BY_ONE_KEY)
                .transform(
                    "Newest tokenizer", Records.type(TokenizerUpdate.class), new NewestTokenizer())
                .forceNonParallel(),
            "newest-tokenizer",
            "Newest tokenizer",
            "Keeps the tokenizer in use, for every subtask of Tokenize.");

    SingleOutputStreamOperator<Claim> claims =
        named(
            // The key is still that of Embed, so the vector does not go through the network again.
            DataStreamUtils.reinterpretAsKeyedStream(embedded, i -> i.item)
                .connect(tokenizers.broadcast())
                .transform(
                    "Tokenize",
                    Records.type(Claim.class),
                    new TokenizeOperator(
                        config.get(JobOptions.TOKENIZE_BATCH),
                        config.get(JobOptions.TOKENIZE_LINGER).toMillis(),
                        config.get(JobOptions.TOKENIZE_SCAN_SLICE),
                        Topics.items(config))),
            "tokenize",
            "Tokenize",
            "Codes of each item; with a new version it goes through all items, a slice at a time.");

    SingleOutputStreamOperator<Resolved> resolved =
        named(
            claims
                .keyBy(ResolveFunction.BY_PREFIX)
                .process(
                    new ResolveFunction(
                        config.get(JobOptions.RESOLVE_STRATEGY),
                        config.get(JobOptions.RESOLVE_QUARANTINE))),
            "resolve",
            "Resolve",
            "By prefix: no two items have one token.");

    SingleOutputStreamOperator<TokenRow> rows =
        named(
            resolved
                .keyBy(r -> r.item)
                .connect(
                    named(
                            rawControl.process(new RepublishMessages()),
                            "republish-messages",
                            "Republish messages")
                        .forceNonParallel()
                        .broadcast())
                .transform(
                    "Publish",
                    Records.type(TokenRow.class),
                    new PublishOperator(config.get(JobOptions.QUANTIZER_LEVELS))),
            "publish",
            "Publish",
            "Rows that differ from what was published, by item.");

    SingleOutputStreamOperator<VersionRecord> commits =
        named(
            rows.getSideOutput(PublishOperator.PARTS)
                .transform("Commit", Records.type(VersionRecord.class), new CommitOperator())
                // Of a job without parallelism it would be chained to Publish and take on its
                // greatest parallelism, and no state of it could go into a job with parallelism.
                .startNewChain()
                .forceNonParallel(),
            "commit",
            "Commit",
            "Counts a version's rows over all subtasks of Publish and says COMMIT.");

    DataStream<DeadLetterRecord> deadLetters =
        items
            .getSideOutput(DeadLetterRecord.DEAD_LETTERS)
            .union(
                interactions.getSideOutput(DeadLetterRecord.DEAD_LETTERS),
                committed.getSideOutput(DeadLetterRecord.DEAD_LETTERS),
                control.getSideOutput(DeadLetterRecord.DEAD_LETTERS),
                merged.getSideOutput(DeadLetterRecord.DEAD_LETTERS),
                embedded.getSideOutput(DeadLetterRecord.DEAD_LETTERS),
                claims.getSideOutput(DeadLetterRecord.DEAD_LETTERS));

    Outputs outputs = new Outputs(config, run);
    outputs.write(rows, new TokenSerializer(Topics.tokens(config)), "tokens");
    // What Merge and Commit say has an order (of versions; of the embeddings of one item): one
    // writer keeps it, where several would race.
    SingleOutputStreamOperator<VersionRecord> said =
        named(
            commits
                .union(learnt.getSideOutput(MergeOperator.VERSIONS))
                .connect(rawVersions)
                .transform(
                    "Version ledger",
                    Records.type(VersionRecord.class),
                    new VersionLedger(config, run))
                .forceNonParallel(),
            "version-ledger",
            "Version ledger",
            "Says each version record once, compared with what the topic has.");
    // In a task of its own: a sink waits until the ledger has taken the topics for this run, which
    // in one task would come after it.
    inOrder(outputs.sink(said.global(), new VersionSerializer(config), "versions"));
    outputs.writeInOrder(
        learnt.getSideOutput(MergeOperator.MODELS),
        new ModelPartSerializer(Topics.models(config)),
        "models");
    outputs.writeInOrder(
        learnt.getSideOutput(MergeOperator.ID_EMBEDDINGS),
        new IdEmbeddingSerializer(Topics.idEmbeddings(config)),
        "id-embeddings");
    outputs.write(deadLetters, new DeadLetterSerializer(Topics.deadLetters(config)), DEAD_LETTERS);
  }

  private static DataStream<RawRecord> read(
      StreamExecutionEnvironment env, JobConfig config, String topic, String name) {
    return offsets(source(env, config, topic, name), config, topic, name);
  }

  /** By one subtask, which what follows is chained to at any parallelism of the job. */
  private static DataStream<RawRecord> readInOrder(
      StreamExecutionEnvironment env, JobConfig config, String topic, String name) {
    return offsets(source(env, config, topic, name).forceNonParallel(), config, topic, name)
        .forceNonParallel();
  }

  private static SingleOutputStreamOperator<RawRecord> source(
      StreamExecutionEnvironment env, JobConfig config, String topic, String name) {
    return named(
        env.fromSource(Sources.raw(config, topic), WatermarkStrategy.noWatermarks(), name),
        "source-" + name,
        "Read " + name);
  }

  private static SingleOutputStreamOperator<RawRecord> offsets(
      DataStream<RawRecord> records, JobConfig config, String topic, String name) {
    return named(
        records.transform(
            "Group offsets of " + name, records.getType(), new GroupOffsets(config, topic)),
        "offsets-" + name,
        "Group offsets of " + name);
  }

  private static void inOrder(DataStreamSink<?> sink) {
    sink.setParallelism(1).setMaxParallelism(1);
  }

  /**
   * What a run writes.
   *
   * @param run its identifier
   */
  private record Outputs(JobConfig config, String run) {
    <T> void write(DataStream<T> records, WireSerializer<T> serializer, String name) {
      sink(witness(records, serializer, name), serializer, name);
    }

    /** By one subtask. */
    <T> void writeInOrder(DataStream<T> records, WireSerializer<T> serializer, String name) {
      inOrder(sink(witness(records, serializer, name).forceNonParallel(), serializer, name));
    }

    <T> SingleOutputStreamOperator<T> witness(
        DataStream<T> records, WireSerializer<T> serializer, String name) {
      boolean repairable = !name.equals(DEAD_LETTERS);
      return named(
          records.transform(
              "Witness of " + name,
              records.getType(),
              new SinkWitness<>(config, serializer, repairable)),
          "witness-" + name,
          "Witness of " + name);
    }

    <T> DataStreamSink<T> sink(DataStream<T> records, WireSerializer<T> serializer, String name) {
      return records
          .sinkTo(Sinks.exactlyOnce(config, serializer, run))
          .uid("sink-" + name)
          .name("Write " + name);
    }
  }

  private static <T> SingleOutputStreamOperator<T> named(
      SingleOutputStreamOperator<T> operator, String uid, String name) {
    return operator.uid(uid).name(name);
  }

  /** With what the page of the job says of it beside its name. */
  private static <T> SingleOutputStreamOperator<T> named(
      SingleOutputStreamOperator<T> operator, String uid, String name, String description) {
    return named(operator, uid, name).setDescription(description);
  }
}
