package io.sidstream.job;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.embed.EmbedOperator;
import io.sidstream.job.embed.EmbeddedItem;
import io.sidstream.job.ingest.DeadLetterRecord;
import io.sidstream.job.ingest.IngestInteractions;
import io.sidstream.job.ingest.IngestItems;
import io.sidstream.job.ingest.Interaction;
import io.sidstream.job.ingest.Item;
import io.sidstream.job.ingest.RawRecord;
import io.sidstream.job.kafka.OutRecord;
import io.sidstream.job.kafka.Records;
import io.sidstream.job.kafka.SinkWitness;
import io.sidstream.job.kafka.Sinks;
import io.sidstream.job.kafka.Sources;
import io.sidstream.job.kafka.Topics;
import io.sidstream.job.publish.CommitOperator;
import io.sidstream.job.publish.PublishOperator;
import io.sidstream.job.publish.RepublishMessages;
import io.sidstream.job.publish.TokenRow;
import io.sidstream.job.publish.VersionRow;
import io.sidstream.job.resolve.ResolveFunction;
import io.sidstream.job.resolve.Resolved;
import io.sidstream.job.sequence.SequenceFunction;
import io.sidstream.job.sequence.TrainingWindow;
import io.sidstream.job.tokenize.Claim;
import io.sidstream.job.tokenize.TokenizeOperator;
import io.sidstream.job.train.CommittedVersions;
import io.sidstream.job.train.ControlMessages;
import io.sidstream.job.train.TokenizerUpdate;
import io.sidstream.job.train.TrainEvent;
import io.sidstream.job.train.TrainOperator;
import io.sidstream.job.versions.VersionLedger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.datastream.DataStreamSink;
import org.apache.flink.streaming.api.datastream.SingleOutputStreamOperator;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/**
 * The job, top to bottom as a record goes through it.
 *
 * <p>As a jar: {@code flink run -c io.sidstream.job.SidstreamJob sidstream-job.jar --conf job.yaml
 * --set parallelism=4}.
 */
public final class SidstreamJob {
  private SidstreamJob() {}

  /** Submits the job. Arguments: {@code [--conf FILE] [--set key=value]...}. */
  public static void main(String[] args) throws Exception {
    Path conf = null;
    List<String> sets = new ArrayList<>();
    for (int i = 0; i < args.length; i++) {
      if (i + 1 == args.length || !(args[i].equals("--conf") || args[i].equals("--set"))) {
        throw new IllegalArgumentException(
            "argument "
                + args[i]
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
    JobEnvironment.requireCheckpointFolder(env.getConfiguration());
    Topics.create(config);
    build(env, config);
    env.execute("sidstream");
  }

  /** Adds the whole job to an environment made with {@link JobEnvironment#flink}. */
  public static void build(StreamExecutionEnvironment env, JobConfig config) {
    int parallelism = config.get(JobOptions.PARALLELISM);
    env.setParallelism(parallelism);
    env.setMaxParallelism(config.get(JobOptions.MAX_PARALLELISM));

    DataStream<RawRecord> rawItems = read(env, config, Topics.items(config), "items");
    DataStream<RawRecord> rawInteractions =
        read(env, config, Topics.interactions(config), "interactions");
    DataStream<RawRecord> rawVersions = read(env, config, Topics.versions(config), "versions");

    DataStream<RawRecord> rawControl = read(env, config, Topics.control(config), "control");

    SingleOutputStreamOperator<Item> items =
        named(rawItems.process(new IngestItems(config)), "ingest-items", "Ingest items");
    SingleOutputStreamOperator<Interaction> interactions =
        named(
            rawInteractions.process(new IngestInteractions(config)),
            "ingest-interactions",
            "Ingest interactions");

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
            "Embed");

    SingleOutputStreamOperator<TrainingWindow> windows =
        named(
            interactions.keyBy(i -> i.user).process(new SequenceFunction(config)),
            "sequence",
            "Sequence");

    SingleOutputStreamOperator<TrainEvent> committed =
        named(
            rawVersions.process(new CommittedVersions(config)).forceNonParallel(),
            "committed-versions",
            "Committed versions");
    SingleOutputStreamOperator<TrainEvent> control =
        named(
            rawControl.process(new ControlMessages(config)).forceNonParallel(),
            "control-messages",
            "Control messages");
    SingleOutputStreamOperator<TokenizerUpdate> trained =
        named(
            embedded
                .map(TrainEvent::of)
                .name("Items to train")
                .uid("items-to-train")
                .union(
                    windows.map(TrainEvent::of).name("Windows to train").uid("windows-to-train"),
                    committed,
                    control)
                .keyBy(TrainEvent::shard)
                .transform("Train", Records.type(TokenizerUpdate.class), new TrainOperator(config))
                .setParallelism(1),
            "train",
            "Train");

    SingleOutputStreamOperator<Claim> claims =
        named(
            embedded
                .keyBy(i -> i.item)
                .connect(trained.broadcast())
                .transform(
                    "Tokenize",
                    Records.type(Claim.class),
                    new TokenizeOperator(
                        config.get(JobOptions.TOKENIZE_BATCH),
                        config.get(JobOptions.TOKENIZE_LINGER).toMillis(),
                        config.get(JobOptions.TOKENIZE_SCAN_SLICE),
                        Topics.items(config))),
            "tokenize",
            "Tokenize");

    SingleOutputStreamOperator<Resolved> resolved =
        named(
            claims
                .keyBy(ResolveFunction.BY_PREFIX)
                .process(
                    new ResolveFunction(
                        config.get(JobOptions.RESOLVE_STRATEGY),
                        config.get(JobOptions.RESOLVE_QUARANTINE))),
            "resolve",
            "Resolve");

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
            "Publish");

    SingleOutputStreamOperator<VersionRow> commits =
        named(
            rows.getSideOutput(PublishOperator.PARTS)
                .transform("Commit", Records.type(VersionRow.class), new CommitOperator())
                .forceNonParallel(),
            "commit",
            "Commit");

    DataStream<DeadLetterRecord> deadLetters =
        items
            .getSideOutput(DeadLetterRecord.DEAD_LETTERS)
            .union(
                interactions.getSideOutput(DeadLetterRecord.DEAD_LETTERS),
                committed.getSideOutput(DeadLetterRecord.DEAD_LETTERS),
                control.getSideOutput(DeadLetterRecord.DEAD_LETTERS),
                embedded.getSideOutput(DeadLetterRecord.DEAD_LETTERS),
                claims.getSideOutput(DeadLetterRecord.DEAD_LETTERS));

    write(
        named(rows.map(Records::of), "token-records", "Token records"),
        config,
        Topics.tokens(config),
        "tokens");
    // What Train and Commit say has an order (of versions; of the embeddings of one item): one
    // writer keeps it, where several would race.
    SingleOutputStreamOperator<OutRecord> said =
        named(
            named(commits.map(Records::of).forceNonParallel(), "commit-records", "Commit records")
                .union(trained.getSideOutput(TrainOperator.VERSIONS))
                .connect(rawVersions)
                .transform(
                    "Version ledger", Records.type(OutRecord.class), new VersionLedger(config))
                .forceNonParallel(),
            "version-ledger",
            "Version ledger");
    sink(said, config, Topics.versions(config), "versions").setParallelism(1).setMaxParallelism(1);
    writeInOrder(
        trained.getSideOutput(TrainOperator.MODELS), config, Topics.models(config), "models");
    writeInOrder(
        trained.getSideOutput(TrainOperator.ID_EMBEDDINGS),
        config,
        Topics.idEmbeddings(config),
        "id-embeddings");
    write(
        named(deadLetters.map(Records::of), "dead-letter-records", "Dead-letter records"),
        config,
        Topics.deadLetters(config),
        "dead-letters");
  }

  private static DataStream<RawRecord> read(
      StreamExecutionEnvironment env, JobConfig config, String topic, String name) {
    return named(
        env.fromSource(Sources.raw(config, topic), WatermarkStrategy.noWatermarks(), name),
        "source-" + name,
        "Read " + name);
  }

  private static DataStreamSink<OutRecord> write(
      DataStream<OutRecord> records, JobConfig config, String topic, String name) {
    return sink(witness(records, config, topic, name), config, topic, name);
  }

  /** By one subtask. */
  private static void writeInOrder(
      DataStream<OutRecord> records, JobConfig config, String topic, String name) {
    sink(witness(records, config, topic, name).forceNonParallel(), config, topic, name)
        .setParallelism(1)
        .setMaxParallelism(1);
  }

  private static SingleOutputStreamOperator<OutRecord> witness(
      DataStream<OutRecord> records, JobConfig config, String topic, String name) {
    boolean repairable = !topic.equals(Topics.deadLetters(config));
    return named(
        records.transform(
            "Witness of " + name,
            Records.type(OutRecord.class),
            new SinkWitness(config, topic, repairable)),
        "witness-" + name,
        "Witness of " + name);
  }

  private static DataStreamSink<OutRecord> sink(
      DataStream<OutRecord> records, JobConfig config, String topic, String name) {
    return records
        .sinkTo(Sinks.exactlyOnce(config, topic))
        .uid("sink-" + name)
        .name("Write " + name);
  }

  private static <T> SingleOutputStreamOperator<T> named(
      SingleOutputStreamOperator<T> operator, String uid, String name) {
    return operator.uid(uid).name(name);
  }
}
