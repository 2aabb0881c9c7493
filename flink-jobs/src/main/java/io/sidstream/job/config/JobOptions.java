package io.sidstream.job.config;

import java.io.File;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.ConfigOptions;
import org.apache.flink.util.TimeUtils;

/**
 * Every key of the job's configuration. Read a value with {@link JobConfig#get(ConfigOption)}.
 *
 * <p>Two groups of keys are open: {@code kafka.properties.*} goes to every Kafka client, {@code
 * flink.*} goes to Flink, each with the prefix removed.
 */
public final class JobOptions {
  private static final Map<String, Setting<?>> SETTINGS = new LinkedHashMap<>();

  /** Keys with this prefix go to every Kafka client, without the prefix. */
  public static final String KAFKA_PREFIX = "kafka.properties.";

  /** Keys with this prefix go to Flink's configuration, without the prefix. */
  public static final String FLINK_PREFIX = "flink.";

  /**
   * Names of the text models that come with the job: all-MiniLM-L6-v2 in 32-bit floats, and with
   * 8-bit weights.
   */
  public static final List<String> BUNDLED_TEXT_MODELS = List.of("minilm", "minilm-quantized");

  /** Length of their vectors. */
  public static final int BUNDLED_TEXT_DIM = 384;

  /** How a text's vector comes from the output of the user's own text model. */
  public enum EmbedPooling {
    /** The mean of the last layer over the text's word pieces. */
    MEAN,
    /** The last layer of the first word piece, [CLS]. */
    CLS,
    /** The model's output is the vector. */
    NONE
  }

  /** Where keyed state lives. */
  public enum StateBackend {
    /** On local disk, checkpointed incrementally. */
    ROCKSDB,
    /** On the heap. */
    HASHMAP
  }

  /** How two items with the same codes are told apart. */
  public enum ResolveStrategy {
    /** The nearest last code that is free; a suffix where the prefix is full. */
    NEAREST_FREE,
    /** A suffix. */
    SUFFIX,
    /** Not at all: tokens may repeat. */
    NONE
  }

  // Kafka and topics

  public static final ConfigOption<String> KAFKA_BOOTSTRAP =
      text("kafka.bootstrap", "localhost:9092", "Kafka brokers, host:port, separated by commas.");
  public static final ConfigOption<String> KAFKA_GROUP =
      text(
          "kafka.group",
          "sidstream",
          "Consumer group, and prefix of the transactional ids: two jobs on one Kafka need two of them.");
  public static final ConfigOption<Duration> KAFKA_TRANSACTION_TIMEOUT =
      duration(
          "kafka.transaction-timeout",
          Duration.ofMinutes(15),
          Duration.ofSeconds(10),
          Duration.ofDays(1),
          "Time after which the broker aborts an open transaction; not above the broker's transaction.max.timeout.ms, and"
              + " longer than the longest outage of the job.");
  public static final ConfigOption<String> TOPICS_PREFIX =
      checkedText(
          "topics.prefix",
          "sidstream.",
          s -> s.matches("[a-zA-Z0-9._-]{0,200}"),
          "up to 200 of a-z A-Z 0-9 . _ -",
          "What the names of all topics begin with.");
  public static final ConfigOption<Integer> TOPICS_PARTITIONS =
      integer("topics.partitions", 4, 1, 10_000, "Partitions of a topic that the job creates.");
  public static final ConfigOption<Integer> TOPICS_REPLICATION =
      register(
          ConfigOptions.key("topics.replication")
              .intType()
              .defaultValue(-1)
              .withDescription(
                  "Replicas of a topic that the job creates; -1: as the broker's default.replication.factor says."),
          Integer::valueOf,
          String::valueOf,
          v -> v == -1 || v >= 1 && v <= 100,
          "-1, or an integer from 1 to 100");

  public static final ConfigOption<Boolean> TOPICS_ACCEPT_NEW =
      register(
          ConfigOptions.key("topics.accept-new")
              .booleanType()
              .defaultValue(false)
              .withDescription(
                  "Whether a job with state goes on where a topic that it writes was deleted and made again: it then writes all that it holds again. To be set for one start."),
          JobOptions::parseBoolean,
          String::valueOf,
          v -> true,
          "true or false");

  public static final ConfigOption<Integer> TOPICS_KEPT_RECORDS =
      integer(
          "topics.kept-records",
          10_000,
          16,
          100_000_000,
          "Records of each state (BEGIN, COMMIT, HELD, REVISION) that stay on the versions topic: the newest; older ones are compacted away.");
  public static final ConfigOption<Integer> TOPICS_KEPT_CODEBOOKS =
      integer(
          "topics.kept-codebooks",
          100,
          2,
          100_000_000,
          "Committed token versions whose codebooks stay on the models topic: the newest; those of older ones are removed.");

  // The job

  public static final ConfigOption<Long> SEED =
      longInteger(
          "seed",
          42,
          Long.MIN_VALUE,
          Long.MAX_VALUE,
          "Where every random draw comes from. Fixed once a job has state.");
  public static final ConfigOption<Integer> PARALLELISM =
      integer(
          "parallelism",
          2,
          1,
          32_768,
          "Subtasks of the keyed operators. Not set: what the job is submitted with (flink run -p, or the cluster's parallelism.default) wins over the default.");
  public static final ConfigOption<Integer> MAX_PARALLELISM =
      integer(
          "max-parallelism",
          128,
          1,
          32_768,
          "Key groups: the limit of parallelism for ever; fixed once a job has state.");
  public static final ConfigOption<Duration> CHECKPOINT_INTERVAL =
      duration(
          "checkpoint.interval",
          Duration.ofSeconds(1),
          Duration.ofMillis(10),
          Duration.ofHours(1),
          "Time between checkpoints: how long a token waits before a reader of committed records sees it.");
  public static final ConfigOption<Duration> CHECKPOINT_TIMEOUT =
      register(
          ConfigOptions.key("checkpoint.timeout")
              .durationType()
              .noDefaultValue()
              .withDescription(
                  "Time after which a checkpoint that is not complete is given up; not set: a third of kafka.transaction-timeout, 10 min at most. A transaction is open until the checkpoint that closes it is complete, so that checkpoint.interval and this together must not exceed kafka.transaction-timeout."),
          TimeUtils::parseDuration,
          JobOptions::show,
          v -> v.compareTo(Duration.ofMillis(100)) >= 0 && v.compareTo(Duration.ofDays(1)) <= 0,
          "a duration from 100 ms to 1 d, such as '30 s', '5 min'");
  public static final ConfigOption<String> CHECKPOINT_DIR =
      noDefault(
          "checkpoint.dir",
          "URI of the folder that checkpoints go to; not set: Flink's own execution.checkpointing.dir, or --state of sidstream job. A submitted job does not start without any.");
  public static final ConfigOption<StateBackend> STATE_BACKEND =
      choice("state.backend", StateBackend.class, StateBackend.ROCKSDB, "Where keyed state lives.");

  // Content

  public static final ConfigOption<Integer> CONTENT_DIM =
      integer(
          "content.dim",
          384,
          1,
          16_384,
          "Length of a content vector; text can be embedded only where it is 384, or what a model of your own gives. Fixed once a job has state.");

  // Ingest

  public static final ConfigOption<Integer> INGEST_MAX_TEXT_BYTES =
      integer(
          "ingest.max-text-bytes",
          65_536,
          1,
          16_777_216,
          "Longest text of an item, bytes of UTF-8.");
  public static final ConfigOption<Integer> INGEST_MAX_ID_BYTES =
      integer("ingest.max-id-bytes", 512, 1, 65_535, "Longest identifier, bytes of UTF-8.");
  public static final ConfigOption<Double> INGEST_MAX_VECTOR_NORM =
      real(
          "ingest.max-vector-norm",
          1_000,
          1e-3,
          1e9,
          "Greatest Euclidean norm of a content vector: one far beyond the others would weigh more than all of them in training.");
  public static final ConfigOption<Duration> INGEST_MAX_FUTURE =
      duration(
          "ingest.max-future",
          Duration.ofDays(1),
          Duration.ZERO,
          Duration.ofDays(36_500),
          "How far an event time may lie ahead of now; one that does counts as of its arrival.");
  public static final ConfigOption<String> INGEST_MIN_TIME =
      checkedText(
          "ingest.min-time",
          "1990-01-01",
          s -> parseTime(s) != null,
          "a day (1990-01-01) or an instant (1990-01-01T00:00:00Z)",
          "Earliest event time.");

  public static final ConfigOption<Integer> DEAD_LETTERS_MAX_BYTES =
      integer(
          "dead-letters.max-bytes",
          900_000,
          0,
          // Topics.MAX_MESSAGE_BYTES less what a dead letter says of the record.
          16_000_000,
          "Most bytes of a rejected record that its dead letter keeps; below the broker's message.max.bytes.");

  // Items

  public static final ConfigOption<Duration> ITEMS_RETENTION =
      durationOrNever(
          "items.retention",
          Duration.ofSeconds(1),
          Duration.ofDays(36_500),
          "Processing time without an event of the item or an interaction with it after which an item is evicted: it gets a tombstone, as if deleted.");

  // Embed

  public static final ConfigOption<String> EMBED_MODEL =
      checkedText(
          "embed.model",
          "minilm",
          s -> BUNDLED_TEXT_MODELS.contains(s) || s.contains("/") || s.contains(File.separator),
          "minilm, minilm-quantized, or the path of a folder, with a / in it",
          "Model that embeds the text of items: all-MiniLM-L6-v2, the same with 8-bit weights (faster, cosine to the other .98), or a model of your own: a folder with model.onnx and tokenizer.json, on every machine of the job. Fixed once a job has state.");
  public static final ConfigOption<EmbedPooling> EMBED_POOLING =
      choice(
          "embed.pooling",
          EmbedPooling.class,
          EmbedPooling.MEAN,
          "How a model of your own makes a text's vector: mean of its word pieces' states, state of the first ([CLS]), or none where its output is the vector. The vector gets norm 1.");
  public static final ConfigOption<Integer> EMBED_BATCH =
      integer("embed.batch", 16, 1, 4_096, "Texts embedded together at most.");
  public static final ConfigOption<Duration> EMBED_LINGER =
      duration(
          "embed.linger",
          Duration.ofMillis(20),
          Duration.ZERO,
          Duration.ofMinutes(1),
          "Longest time a text waits for others to be embedded with.");
  public static final ConfigOption<Integer> EMBED_MAX_TOKENS =
      integer(
          "embed.max-tokens",
          128,
          3,
          512,
          "Word pieces of a text that the model reads, [CLS] and [SEP] included. Fixed once a job has state.");
  public static final ConfigOption<Integer> EMBED_THREADS =
      integer("embed.threads", 1, 1, 256, "Threads of the text model in one subtask.");

  // Sequence

  public static final ConfigOption<Duration> SEQUENCE_RETENTION =
      duration(
          "sequence.retention",
          Duration.ofDays(400),
          Duration.ofSeconds(1),
          Duration.ofDays(36_500),
          "Processing time without an event after which a user is forgotten.");

  // Tokenize

  public static final ConfigOption<Integer> TOKENIZE_BATCH =
      integer("tokenize.batch", 64, 1, 65_536, "Items encoded together at most.");
  public static final ConfigOption<Duration> TOKENIZE_LINGER =
      duration(
          "tokenize.linger",
          Duration.ofMillis(5),
          Duration.ZERO,
          Duration.ofMinutes(1),
          "Longest time an item waits for others to be encoded with.");
  public static final ConfigOption<Integer> TOKENIZE_SCAN_SLICE =
      integer(
          "tokenize.scan-slice",
          512,
          1,
          1_000_000,
          "Items re-encoded for a new version before new items and barriers get their turn.");

  // The quantizer

  public static final ConfigOption<Integer> QUANTIZER_LEVELS =
      integer("quantizer.levels", 3, 2, 16, "Codes of a token. Fixed once a job has state.");
  public static final ConfigOption<Integer> QUANTIZER_CODEBOOK_SIZE =
      integer(
          "quantizer.codebook-size",
          256,
          2,
          16_384,
          "Codewords of a level; every claim of an item carries 4 bytes for each. Fixed once a job has state.");
  public static final ConfigOption<List<String>> QUANTIZER_METRICS =
      register(
          ConfigOptions.key("quantizer.metrics")
              .stringType()
              .asList()
              .defaultValues("cosine", "cosine", "euclidean")
              .withDescription(
                  "How each level measures distance, first level first. Fixed once a job has state."),
          s -> split(s, x -> x.toLowerCase(Locale.ROOT)),
          v -> String.join(",", v),
          v ->
              !v.isEmpty() && v.stream().allMatch(m -> m.equals("cosine") || m.equals("euclidean")),
          "cosine or euclidean for each of quantizer.levels levels, separated by commas");
  public static final ConfigOption<Integer> QUANTIZER_DIM =
      integer(
          "quantizer.dim",
          64,
          1,
          4_096,
          "Length of a codeword, and of the semantic part of an item's vector. Fixed once a job has state.");
  public static final ConfigOption<Integer> ID_DIM =
      integer(
          "id.dim",
          64,
          0,
          4_096,
          "Length of an item's ID embedding; 0 for none. Fixed once a job has state.");
  public static final ConfigOption<Double> ID_DROPOUT =
      real(
          "id.dropout",
          .3,
          0,
          .99,
          "Share of the items of a training step that are shown without their ID embedding, so that items without one work.");
  public static final ConfigOption<Double> ID_LEARNING_RATE =
      real("id.learning-rate", 3e-3, 1e-9, 1, "Adam's learning rate of the ID embeddings.");
  public static final ConfigOption<List<Integer>> ENCODER_HIDDEN =
      register(
          ConfigOptions.key("encoder.hidden")
              .intType()
              .asList()
              .defaultValues(512, 256)
              .withDescription(
                  "Widths of the encoder's hidden layers; the decoder mirrors them. Fixed once a job has state."),
          s -> split(s, Integer::valueOf),
          v -> v.stream().map(String::valueOf).collect(Collectors.joining(",")),
          v -> !v.isEmpty() && v.stream().allMatch(n -> n >= 1 && n <= 65_536),
          "integers from 1 to 65536, separated by commas");
  public static final ConfigOption<Integer> QUANTIZER_ROUND_EVERY =
      integer(
          "quantizer.round-every",
          8,
          1,
          1_000_000,
          "Recommender rounds between two rounds of the quantizer: the slow clock, on which tokens may change.");
  public static final ConfigOption<Integer> QUANTIZER_STEPS =
      integer("quantizer.steps", 60, 1, 1_000_000, "Optimizer steps of a round of the quantizer.");
  public static final ConfigOption<Double> QUANTIZER_LEARNING_RATE =
      real(
          "quantizer.learning-rate",
          5e-5,
          1e-9,
          1,
          "Adam's learning rate in a round of the quantizer.");
  public static final ConfigOption<Double> QUANTIZER_DECAY =
      real(
          "quantizer.decay",
          .999,
          1e-9,
          .999999,
          "Decay of the codebooks' moving averages in a round of the quantizer.");
  public static final ConfigOption<Double> QUANTIZER_CHURN_BUDGET =
      real(
          "quantizer.churn-budget",
          .05,
          0,
          1,
          "Share of old items whose token a new version may change.");

  // The recommender

  public static final ConfigOption<Integer> RECOMMENDER_LAYERS =
      integer("recommender.layers", 2, 1, 64, "Transformer blocks. Fixed once a job has state.");
  public static final ConfigOption<Integer> RECOMMENDER_HEADS =
      integer(
          "recommender.heads",
          2,
          1,
          64,
          "Attention heads; they divide quantizer.dim + id.dim. Fixed once a job has state.");
  public static final ConfigOption<Double> RECOMMENDER_DROPOUT =
      real("recommender.dropout", .5, 0, .99, "Dropout in training.");
  public static final ConfigOption<Double> RECOMMENDER_SEMANTIC_DROPOUT =
      real(
          "recommender.semantic-dropout",
          .5,
          0,
          .99,
          "Share of the training steps that see ID embeddings alone, without the semantic part, so that ID embeddings learn by themselves.");
  public static final ConfigOption<Double> RECOMMENDER_SEMANTIC_SHARE =
      real(
          "recommender.semantic-share",
          .3,
          0,
          .99,
          "Share, in a ranking's probabilities, of a second recommender that reads the semantic part alone and learns beside the first; 0 for none. It ranks new items better.");
  public static final ConfigOption<Integer> RECOMMENDER_MAX_LENGTH =
      integer(
          "recommender.max-length",
          50,
          1,
          1_999,
          "Events of a user that the recommender reads. Fixed once a job has state.");
  public static final ConfigOption<Integer> RECOMMENDER_NEGATIVES =
      integer(
          "recommender.negatives",
          1_024,
          1,
          1_000_000,
          "Negatives that the users of a batch share.");
  public static final ConfigOption<Double> RECOMMENDER_LEARNING_RATE =
      real("recommender.learning-rate", 1e-3, 1e-9, 1, "Adam's learning rate of the recommender.");

  // Learning

  public static final ConfigOption<Integer> LEARN_SHARDS =
      integer(
          "learn.shards",
          1,
          1,
          1_024,
          "Learners that share the users, each with a model of its own; what they learn is merged after every round. More of them learn more events a second, on more subtasks. Fixed once a job has state.");
  public static final ConfigOption<Integer> LEARN_ROUND_INTERACTIONS =
      integer(
          "learn.round-interactions",
          5_000,
          1,
          100_000_000,
          "New interactions that start a round, over all shards.");
  public static final ConfigOption<Duration> LEARN_ROUND_INTERVAL =
      duration(
          "learn.round-interval",
          Duration.ofSeconds(30),
          Duration.ofMillis(1),
          Duration.ofDays(365),
          "Time after which a round starts with whatever is new.");
  public static final ConfigOption<Integer> LEARN_PUBLISH_EVERY =
      integer(
          "learn.publish-every",
          1,
          1,
          100_000,
          "Rounds from one publication of the recommenders and ID embeddings to the next; a round that begins a token version publishes, too. More of them write less: an item's embedding once a publication, not once a round that changes it.");
  public static final ConfigOption<Integer> LEARN_ROUND_STEPS =
      integer(
          "learn.round-steps",
          60,
          1,
          1_000_000,
          "Optimizer steps of a recommender round; shards share the positions of each.");
  public static final ConfigOption<Integer> LEARN_STEP_POSITIONS =
      integer(
          "learn.step-positions",
          1_024,
          1,
          1_000_000,
          "Events that a training step learns from, about, whatever the length of the sequences.");
  public static final ConfigOption<Integer> LEARN_STEP_TARGETS =
      integer(
          "learn.step-targets",
          1_024,
          1,
          1_000_000,
          "Targets of a step that are candidates of all its events, at most; beyond it a sample of them stands for all (softmax).");
  public static final ConfigOption<Double> LEARN_DUTY_CYCLE =
      real(
          "learn.duty-cycle",
          .8,
          .01,
          1,
          "Share of its thread's time that a shard's rounds may take; the first training takes all.");
  public static final ConfigOption<Integer> LEARN_PENDING_MAX =
      integer(
          "learn.pending-max",
          500_000,
          1,
          Integer.MAX_VALUE,
          "Interactions that may wait for a round, over all shards; beyond it rounds take eight times as many, up to 100,000 a shard.");
  public static final ConfigOption<Integer> LEARN_UNKNOWN_MAX =
      integer(
          "learn.unknown-max",
          100_000,
          1,
          Integer.MAX_VALUE,
          "Interactions that wait for an item that has not come, in a shard, at most; beyond it the oldest is dropped and counted.");
  public static final ConfigOption<Duration> LEARN_UNKNOWN_RETENTION =
      duration(
          "learn.unknown-retention",
          Duration.ofDays(1),
          Duration.ofMillis(1),
          Duration.ofDays(36_500),
          "Processing time after which an interaction whose item has not come is dropped and counted.");

  // Bootstrap

  public static final ConfigOption<Integer> BOOTSTRAP_ITEMS =
      integer(
          "bootstrap.items", 2_000, 1, Integer.MAX_VALUE, "Items that the first model waits for.");
  public static final ConfigOption<Integer> BOOTSTRAP_INTERACTIONS =
      integer(
          "bootstrap.interactions",
          40_000,
          0,
          Integer.MAX_VALUE,
          "Interactions that the first model waits for. It also waits until what was in the topics at the start is read, and learns from all of it.");
  public static final ConfigOption<Duration> BOOTSTRAP_TIMEOUT =
      duration(
          "bootstrap.timeout",
          Duration.ofSeconds(60),
          Duration.ZERO,
          Duration.ofDays(365),
          "Time after which the first model is made from what is there.");
  public static final ConfigOption<Duration> BOOTSTRAP_BACKLOG_TIMEOUT =
      duration(
          "bootstrap.backlog-timeout",
          Duration.ofMinutes(30),
          Duration.ZERO,
          Duration.ofDays(365),
          "Time after which the first model no longer waits for what was in the topics at the start.");
  public static final ConfigOption<Integer> BOOTSTRAP_PASSES =
      integer(
          "bootstrap.passes",
          20,
          1,
          1_000_000,
          "Times that the first training goes over what has arrived.");
  public static final ConfigOption<Integer> BOOTSTRAP_MAX_STEPS =
      integer(
          "bootstrap.max-steps",
          900,
          1,
          10_000_000,
          "Optimizer steps of the first training, at most, over all shards.");

  // The gate

  public static final ConfigOption<Boolean> GATE_ENABLED =
      register(
          ConfigOptions.key("gate.enabled")
              .booleanType()
              .defaultValue(true)
              .withDescription("Whether a candidate that fails a rule below is held back."),
          JobOptions::parseBoolean,
          String::valueOf,
          v -> true,
          "true or false");
  public static final ConfigOption<Double> GATE_HOLDOUT =
      real(
          "gate.holdout",
          .02,
          0,
          .5,
          "Share of users whose windows the gate ranks and training never sees. Fixed once a job has state.");
  public static final ConfigOption<Double> GATE_MIN_UTILISATION =
      real("gate.min-utilisation", .3, 0, 1, "Least share of codewords in use at every level.");
  public static final ConfigOption<Double> GATE_MIN_ALONE =
      real(
          "gate.min-alone",
          .5,
          0,
          1,
          "Least share of items whose nearest tuple no other item has.");
  public static final ConfigOption<Double> GATE_MAX_RECONSTRUCTION_GROWTH =
      real(
          "gate.max-reconstruction-growth",
          .2,
          0,
          1_000,
          "Most growth of the reconstruction error against the version in use, relative.");
  public static final ConfigOption<Double> GATE_MAX_HR_DROP =
      real(
          "gate.max-hr-drop",
          .1,
          0,
          1,
          "Most fall of the prequential HR@10 against the version in use, relative.");

  // Resolve

  public static final ConfigOption<ResolveStrategy> RESOLVE_STRATEGY =
      choice(
          "resolve.strategy",
          ResolveStrategy.class,
          ResolveStrategy.NEAREST_FREE,
          "How items with the same codes are told apart. Whether they are (none or one of the others) is fixed once a job has state.");
  public static final ConfigOption<Integer> RESOLVE_QUARANTINE =
      integer(
          "resolve.quarantine",
          1,
          1,
          1_000_000,
          "Token versions for which a token that was given up is not given again; without any, two items could have it in one committed table.");

  /** The ten settings that one touches first, in the order in which they are to be looked at. */
  public static final List<ConfigOption<?>> FIRST =
      List.of(
          KAFKA_BOOTSTRAP,
          TOPICS_PREFIX,
          PARALLELISM,
          EMBED_MODEL,
          CONTENT_DIM,
          QUANTIZER_LEVELS,
          QUANTIZER_CODEBOOK_SIZE,
          BOOTSTRAP_ITEMS,
          BOOTSTRAP_INTERACTIONS,
          LEARN_ROUND_INTERACTIONS);

  private JobOptions() {}

  /** Every setting by its key, in the order of this page. */
  static Map<String, Setting<?>> settings() {
    return Collections.unmodifiableMap(SETTINGS);
  }

  /** A day or an instant, or null where the text is neither. */
  static Instant parseTime(String text) {
    try {
      return text.contains("T")
          ? Instant.parse(text)
          : LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant();
    } catch (RuntimeException e) {
      return null;
    }
  }

  private static <T> ConfigOption<T> register(
      ConfigOption<T> option,
      Function<String, T> parse,
      Function<T, String> show,
      Predicate<T> inRange,
      String allowed) {
    SETTINGS.put(option.key(), new Setting<>(option, parse, show, inRange, allowed));
    return option;
  }

  private static ConfigOption<Integer> integer(
      String key, int value, int min, int max, String about) {
    return register(
        ConfigOptions.key(key).intType().defaultValue(value).withDescription(about),
        Integer::valueOf,
        String::valueOf,
        v -> v >= min && v <= max,
        "an integer from " + min + " to " + max);
  }

  private static ConfigOption<Long> longInteger(
      String key, long value, long min, long max, String about) {
    return register(
        ConfigOptions.key(key).longType().defaultValue(value).withDescription(about),
        Long::valueOf,
        String::valueOf,
        v -> v >= min && v <= max,
        "an integer from " + min + " to " + max);
  }

  private static ConfigOption<Double> real(
      String key, double value, double min, double max, String about) {
    return register(
        ConfigOptions.key(key).doubleType().defaultValue(value).withDescription(about),
        Double::valueOf,
        String::valueOf,
        v -> v >= min && v <= max,
        "a number from " + number(min) + " to " + number(max));
  }

  private static String number(double v) {
    return v == Math.rint(v) ? Long.toString((long) v) : Double.toString(v);
  }

  private static ConfigOption<Duration> duration(
      String key, Duration value, Duration min, Duration max, String about) {
    return register(
        ConfigOptions.key(key).durationType().defaultValue(value).withDescription(about),
        TimeUtils::parseDuration,
        JobOptions::show,
        v -> v.compareTo(min) >= 0 && v.compareTo(max) <= 0,
        "a duration from "
            + show(min)
            + " to "
            + show(max)
            + ", such as '20 ms', '5 s', '2 min', '1 d'");
  }

  /** A duration that is {@link Duration#ZERO}, the default, for {@code never}. */
  private static ConfigOption<Duration> durationOrNever(
      String key, Duration min, Duration max, String about) {
    return register(
        ConfigOptions.key(key).durationType().defaultValue(Duration.ZERO).withDescription(about),
        s -> s.equalsIgnoreCase("never") ? Duration.ZERO : atLeast(min, TimeUtils.parseDuration(s)),
        v -> v.isZero() ? "never" : show(v),
        v -> v.compareTo(max) <= 0,
        "never, or a duration from " + show(min) + " to " + show(max) + ", such as '12 h', '90 d'");
  }

  private static Duration atLeast(Duration min, Duration v) {
    if (v.compareTo(min) < 0) {
      throw new IllegalArgumentException(v + " is below " + min);
    }
    return v;
  }

  private static String show(Duration v) {
    return v.isZero() ? "0 ms" : TimeUtils.formatWithHighestUnit(v);
  }

  private static <E extends Enum<E>> ConfigOption<E> choice(
      String key, Class<E> type, E value, String about) {
    return register(
        ConfigOptions.key(key).enumType(type).defaultValue(value).withDescription(about),
        s -> Enum.valueOf(type, s.toUpperCase(Locale.ROOT).replace('-', '_')),
        JobOptions::show,
        v -> true,
        Arrays.stream(type.getEnumConstants())
            .map(JobOptions::show)
            .collect(Collectors.joining(", ")));
  }

  private static <E extends Enum<E>> String show(E v) {
    return v.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  private static ConfigOption<String> text(String key, String value, String about) {
    return checkedText(key, value, s -> !s.isEmpty(), "a text that is not empty", about);
  }

  private static ConfigOption<String> checkedText(
      String key, String value, Predicate<String> inRange, String allowed, String about) {
    return register(
        ConfigOptions.key(key).stringType().defaultValue(value).withDescription(about),
        Function.identity(),
        Function.identity(),
        inRange,
        allowed);
  }

  private static ConfigOption<String> noDefault(String key, String about) {
    return register(
        ConfigOptions.key(key).stringType().noDefaultValue().withDescription(about),
        Function.identity(),
        Function.identity(),
        s -> !s.isEmpty(),
        "a text that is not empty");
  }

  private static Boolean parseBoolean(String text) {
    return switch (text.toLowerCase(Locale.ROOT)) {
      case "true" -> true;
      case "false" -> false;
      default -> throw new IllegalArgumentException(text);
    };
  }

  private static <T> List<T> split(String text, Function<String, T> parse) {
    return Arrays.stream(text.split("[,;]", -1)).map(String::trim).map(parse).toList();
  }
}
