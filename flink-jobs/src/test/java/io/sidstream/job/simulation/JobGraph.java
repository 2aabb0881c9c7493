package io.sidstream.job.simulation;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.embed.EmbedOperator;
import io.sidstream.job.kafka.Backlog;
import io.sidstream.job.kafka.IdEmbeddingSerializer;
import io.sidstream.job.kafka.ModelPartSerializer;
import io.sidstream.job.kafka.SimulatedWitness;
import io.sidstream.job.kafka.TokenSerializer;
import io.sidstream.job.kafka.WireSerializer;
import io.sidstream.job.learn.CommittedVersions;
import io.sidstream.job.learn.ControlMessages;
import io.sidstream.job.learn.MergeOperator;
import io.sidstream.job.learn.MergedRounds;
import io.sidstream.job.learn.ShardKeys;
import io.sidstream.job.learn.SimulatedLearning;
import io.sidstream.job.learn.ToShards;
import io.sidstream.job.publish.CommitOperator;
import io.sidstream.job.publish.PublishOperator;
import io.sidstream.job.publish.RepublishMessages;
import io.sidstream.job.record.Claim;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.Interaction;
import io.sidstream.job.record.Item;
import io.sidstream.job.record.LearnInput;
import io.sidstream.job.record.MergeInput;
import io.sidstream.job.record.Resolved;
import io.sidstream.job.record.RoundPiece;
import io.sidstream.job.record.SequencedEvent;
import io.sidstream.job.record.TokenRow;
import io.sidstream.job.resolve.ResolveFunction;
import io.sidstream.job.sequence.SequenceFunction;
import io.sidstream.job.simulation.StatelessNode.Shared;
import io.sidstream.job.simulation.SubtaskHarness.Keys;
import io.sidstream.job.tokenize.NewestTokenizer;
import io.sidstream.job.tokenize.SimulatedTokenize;
import io.sidstream.job.versions.RunFence;
import io.sidstream.job.versions.SimulatedLedger;
import io.sidstream.schemas.IdEmbedding;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.VersionRecord;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.flink.api.common.functions.util.ListCollector;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.functions.KeySelector;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.api.operators.ProcessOperator;
import org.apache.flink.streaming.api.operators.StreamOperator;

/** The job's operators with the edges that SidstreamJob gives them, of a parallelism. */
final class JobGraph {
  /** What the graph needs of the world. */
  interface World {
    Topics topics();

    long now();

    /** Threads and a stop watch for an operator. */
    Workshop workshop();

    Backlog backlog();

    SimulatedLedger.Topics ledger();

    <T> SimulatedWitness.Topic<T> witnessed(Log<T> log);

    /** A number below a bound. */
    int draw(int bound);
  }

  /** By name and shards; of each thread its own. */
  private static final ThreadLocal<Map<String, Shared>> STATELESS =
      ThreadLocal.withInitial(HashMap::new);

  final List<Stage> stages = new ArrayList<>();

  private final JobConfig config;
  private final World world;
  final int parallelism;
  private final int max;

  JobGraph(JobConfig config, int parallelism, String run, World world) {
    this.config = config;
    this.world = world;
    this.parallelism = parallelism;
    max = config.get(JobOptions.MAX_PARALLELISM);
    build(run);
  }

  private void build(String run) {
    Topics topics = world.topics();
    Stage items = source("source-items", parallelism, topics.items, r -> r);
    Stage interactions = source("source-interactions", parallelism, topics.interactions, r -> r);
    Stage versions =
        source("source-versions", 1, topics.versions, r -> topics.raw((VersionRecord) r));
    Stage models = source("source-models", 1, topics.models, r -> topics.raw((ModelPart) r));
    Stage control = source("source-control", 1, topics.control, r -> r);
    Stage fence =
        operator("run-fence", 1, 1, null, w -> new ProcessOperator<>(new RunFence(config, run)));
    Stage embed =
        keyed(
            "embed",
            parallelism,
            max,
            w -> new EmbedOperator(config),
            (Item i) -> i.item,
            Types.STRING);
    Stage sequence =
        keyed(
            "sequence",
            parallelism,
            max,
            w -> new KeyedProcessOperator<>(new SequenceFunction(config)),
            (Interaction i) -> i.user,
            Types.STRING);
    int[] shards = ShardKeys.of(config.get(JobOptions.LEARN_SHARDS), max);
    Stage mergedRounds = stateless("merged-rounds", () -> new MergedRounds(config));
    Stage committed = stateless("committed-versions", () -> new CommittedVersions(config));
    Stage messages = stateless("control-messages", () -> new ControlMessages(config));
    Stage republish = stateless("republish-messages", RepublishMessages::new);
    Stage learn =
        keyed(
            "learn",
            Math.min(parallelism, shards.length),
            max,
            w -> SimulatedLearning.learn(config, world.backlog(), w),
            (LearnInput i) -> i.shardKey,
            Types.INT);
    Stage merge =
        keyed("merge", 1, 1, w -> SimulatedLearning.merge(config, w), MergeInput::key, Types.INT);
    Stage newest =
        keyed("newest", 1, 1, w -> new NewestTokenizer(), NewestTokenizer.BY_ONE_KEY, Types.INT);
    Stage tokenize = tokenize();
    Stage resolve =
        keyed(
            "resolve",
            parallelism,
            max,
            w ->
                new KeyedProcessOperator<>(
                    new ResolveFunction(
                        config.get(JobOptions.RESOLVE_STRATEGY),
                        config.get(JobOptions.RESOLVE_QUARANTINE))),
            ResolveFunction.BY_PREFIX,
            Types.STRING);
    Stage publish =
        keyed(
            "publish",
            parallelism,
            max,
            w -> new PublishOperator(config.get(JobOptions.QUANTIZER_LEVELS)),
            (Resolved r) -> r.item,
            Types.STRING);
    Stage commit = operator("commit", 1, 1, null, w -> new CommitOperator());
    Stage ledger =
        operator("ledger", 1, 1, null, w -> SimulatedLedger.of(config, run, world.ledger(), w));
    Stage writtenTokens =
        written("tokens", parallelism, new TokenSerializer("tokens"), topics.tokens);
    Stage writtenModels = written("models", 1, new ModelPartSerializer("models"), topics.models);
    Stage writtenEmbeddings =
        written("embeddings", 1, new IdEmbeddingSerializer("embeddings"), topics.embeddings);
    Stage saidVersions =
        sink("versions", 1, (r, time) -> topics.versions.add(0, (VersionRecord) r, time));

    items.keyed(null, embed, 1, r -> ((Item) r).item);
    interactions.keyed(null, sequence, 1, r -> ((Interaction) r).user);
    versions.single(null, committed, 1).single(null, ledger, 2);
    models.single(null, mergedRounds, 1);
    control.single(null, fence, 1);
    fence.single(null, messages, 1).single(null, republish, 1);
    ToShards.OfItems ofItems = new ToShards.OfItems(shards);
    ToShards.OfEvents ofEvents = new ToShards.OfEvents(shards);
    embed
        .forward(null, tokenize)
        .edge(
            null,
            learn,
            1,
            item -> {
              List<LearnInput> all = new ArrayList<>();
              ofItems.flatMap((EmbeddedItem) item, new ListCollector<>(all));
              return all;
            },
            Stage.select(learn, i -> ((LearnInput) i).shardKey));
    sequence.edge(
        null,
        learn,
        1,
        event -> List.of(ofEvents.map((SequencedEvent) event)),
        Stage.select(learn, i -> ((LearnInput) i).shardKey));
    mergedRounds.keyed(null, learn, 1, i -> ((LearnInput) i).shardKey);
    learn.edge(null, merge, 1, p -> List.of(MergeInput.of((RoundPiece) p)), (value, n) -> 0);
    committed.single(null, merge, 1);
    messages.single(null, merge, 1);
    merge
        .single(null, newest, 1)
        .single(MergeOperator.VERSIONS, ledger, 1)
        .single(MergeOperator.MODELS, writtenModels, 1)
        .single(MergeOperator.ID_EMBEDDINGS, writtenEmbeddings, 1);
    newest.broadcast(tokenize, 2);
    tokenize.edge(
        null,
        resolve,
        1,
        List::of,
        Stage.select(resolve, c -> key(ResolveFunction.BY_PREFIX, (Claim) c)));
    resolve.keyed(null, publish, 1, r -> ((Resolved) r).item);
    republish.broadcast(publish, 2);
    publish.forward(null, writtenTokens).single(PublishOperator.PARTS, commit, 1);
    commit.single(null, ledger, 1);
    ledger.single(null, saidVersions, 1);
  }

  private static <T, K> K key(KeySelector<T, K> selector, T value) {
    try {
      return selector.getKey(value);
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  // ---- kinds of stages

  private Stage add(Stage stage) {
    stages.add(stage);
    return stage;
  }

  private Stage source(String name, int count, Log<?> log, Function<Object, Object> read) {
    return add(new Stage(name, count, max, (s, i) -> new SourceNode(s, i, log, read)));
  }

  private Stage sink(String name, int count, SinkNode.Target target) {
    return add(
        new Stage("sink-" + name, count, max, (s, i) -> new SinkNode(s, i, target, world::now)));
  }

  /** Makes an operator, whose threads and stop watch are the workshop's. */
  private interface Made {
    StreamOperator<?> by(Workshop workshop);
  }

  private Stage operator(String name, int count, int maxCount, Keys keys, Made made) {
    return add(
        new Stage(
            name,
            count,
            maxCount,
            (s, i) -> {
              Workshop workshop = world.workshop();
              return new OperatorNode(s, i, made.by(workshop), keys, workshop);
            }));
  }

  private Stage stateless(String name, Supplier<ProcessFunction<?, ?>> function) {
    return add(
        new Stage(
            name,
            1,
            1,
            (stage, i) -> {
              String key = name + config.get(JobOptions.LEARN_SHARDS);
              Shared shared = STATELESS.get().get(key);
              if (shared == null) {
                shared = new Shared(new ProcessOperator<>(function.get()));
                STATELESS.get().put(key, shared);
              }
              return new StatelessNode(stage, i, shared);
            }));
  }

  private <I, K> Stage keyed(
      String name,
      int count,
      int maxCount,
      Made made,
      KeySelector<I, K> key,
      TypeInformation<K> type) {
    return operator(name, count, maxCount, new Keys(key, null, type), made);
  }

  private Stage tokenize() {
    int batch = 1 + world.draw(4);
    int slice = 1 + world.draw(6);
    return keyed(
        "tokenize",
        parallelism,
        max,
        w -> new SimulatedTokenize(batch, 5, slice, w),
        (EmbeddedItem e) -> e.item,
        Types.STRING);
  }

  /** A witness and the sink behind it. */
  private <T> Stage written(String name, int count, WireSerializer<T> serializer, Log<T> log) {
    Stage witness =
        operator(
            "witness-" + name,
            count,
            max,
            null,
            w -> SimulatedWitness.of(config, serializer, world.witnessed(log), w));
    Topics topics = world.topics();
    witness.forward(
        null,
        sink(
            name,
            count,
            (r, time) -> {
              if (r instanceof TokenRow row) {
                topics.token(row, time);
              } else if (r instanceof ModelPart part) {
                topics.models.add(0, part, time);
              } else {
                topics.embeddings.add(0, (IdEmbedding) r, time);
              }
            }));
    return witness;
  }

  /** Makes the subtasks and the channels between them. */
  void start() throws Exception {
    for (Stage stage : stages) {
      for (int i = 0; i < stage.parallelism; i++) {
        stage.nodes.add(stage.maker.make(stage, i));
      }
    }
    for (Stage stage : stages) {
      for (Edge edge : stage.edges) {
        for (Node node : stage.nodes) {
          node.outputs.add(edge.channels(node.subtask));
        }
      }
    }
  }

  List<Node> nodes() {
    List<Node> all = new ArrayList<>();
    stages.forEach(stage -> all.addAll(stage.nodes));
    return Collections.unmodifiableList(all);
  }
}
