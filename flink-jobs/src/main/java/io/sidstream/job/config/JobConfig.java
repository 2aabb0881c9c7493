package io.sidstream.job.config;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.Configuration;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * The configuration of the job: immutable, complete and checked.
 *
 * <pre>{@code
 * JobConfig config = JobConfig.load(Path.of("job.yaml"), List.of("parallelism=4", "flink.web.port=8082"));
 * int batch = config.get(JobOptions.EMBED_BATCH);
 * }</pre>
 *
 * <p>Keys may be nested in YAML ({@code embed: {batch: 16}}) or written with dots ({@code
 * embed.batch: 16}). Lists are YAML lists or texts separated by commas. A {@code --set} wins over
 * the file. Anything that cannot be right stops with a {@link ConfigException}.
 */
public final class JobConfig implements Serializable {
  private static final long serialVersionUID = 1L;

  /** What is said of each of {@link #secretsInClear}, for a logger. */
  public static final String IN_CLEAR =
      "{} stands in clear in the configuration; ${env:NAME}, ${file:/path:key} or ${dir:/path:name} instead keeps it out of files and of the job's graph";

  /** Flink keys that a key of the job sets, so that the two cannot disagree. */
  private static final Map<String, ConfigOption<?>> OWNED_BY_JOB =
      Map.of(
          "parallelism.default", JobOptions.PARALLELISM,
          "pipeline.max-parallelism", JobOptions.MAX_PARALLELISM,
          "execution.checkpointing.interval", JobOptions.CHECKPOINT_INTERVAL,
          "execution.checkpointing.timeout", JobOptions.CHECKPOINT_TIMEOUT,
          "execution.checkpointing.dir", JobOptions.CHECKPOINT_DIR,
          "state.checkpoints.dir", JobOptions.CHECKPOINT_DIR,
          "state.backend.fs.checkpointdir", JobOptions.CHECKPOINT_DIR,
          "state.backend.type", JobOptions.STATE_BACKEND,
          "state.backend", JobOptions.STATE_BACKEND);

  private static final String ON_DISK =
      "checkpoints go to files; set checkpoint.dir to choose the folder";

  private static final String ALIGNED =
      "a token version is complete only under aligned checkpoints, which the job sets";

  /** Flink keys that the job's protocol depends on, and why they are as they are. */
  private static final Map<String, String> FIXED_FLINK =
      Map.of(
          "execution.checkpointing.storage",
          ON_DISK,
          "state.checkpoint-storage",
          ON_DISK,
          "execution.checkpointing.mode",
          "the job is exactly once",
          "execution.checkpointing.unaligned.enabled",
          ALIGNED,
          "execution.checkpointing.unaligned",
          ALIGNED,
          "execution.checkpointing.unaligned.forced",
          ALIGNED,
          "execution.checkpointing.aligned-checkpoint-timeout",
          ALIGNED,
          "execution.checkpointing.alignment-timeout",
          ALIGNED,
          "execution.runtime-mode",
          "the job is a stream");

  /** Kafka client keys that exactly-once delivery depends on, and what sets them. */
  private static final Map<String, String> OWNED_KAFKA =
      Map.of(
          "bootstrap.servers", "set kafka.bootstrap instead",
          "group.id", "set kafka.group instead",
          "transaction.timeout.ms", "set kafka.transaction-timeout instead",
          "transactional.id", "it is made from kafka.group",
          "isolation.level", "the job reads committed records",
          "enable.auto.commit", "offsets are committed with checkpoints",
          "enable.idempotence", "transactions need it",
          "partitioner.class", "records are looked for in the partition of their key",
          "partitioner.ignore.keys", "records are looked for in the partition of their key");

  private final Configuration values;

  /** Of Flink's keys what may be shown; what they are stays where the job is submitted. */
  private final TreeMap<String, String> flinkShown;

  private final transient Configuration flink;

  /** As written: Kafka's clients resolve references where they run. */
  private final TreeMap<String, String> kafka;

  /** Of the job's own keys that are given by reference, the text with the reference. */
  private final TreeMap<String, String> references;

  private JobConfig(Map<String, String> texts) {
    values = new Configuration();
    flink = new Configuration();
    flinkShown = new TreeMap<>();
    kafka = new TreeMap<>();
    references = new TreeMap<>();
    texts.forEach(this::put);
    check();
  }

  private <T> JobConfig(JobConfig from, ConfigOption<T> option, T value) {
    values = new Configuration(from.values);
    flink = new Configuration(from.flink);
    flinkShown = new TreeMap<>(from.flinkShown);
    kafka = new TreeMap<>(from.kafka);
    references = new TreeMap<>(from.references);
    references.remove(option.key());
    values.set(option, value);
    check();
  }

  /** The defaults. */
  public static JobConfig defaults() {
    return of(Map.of());
  }

  /**
   * From key to value, both as text.
   *
   * @throws ConfigException where a key is unknown, a value wrong, or values do not go together
   */
  public static JobConfig of(Map<String, String> values) {
    return new JobConfig(values);
  }

  /**
   * From a YAML file and settings that win over it.
   *
   * @param yaml a file, or null for none
   * @param sets {@code key=value} each
   * @throws ConfigException where the file cannot be read, a key is unknown, a value wrong, or
   *     values do not go together
   */
  public static JobConfig load(Path yaml, List<String> sets) {
    return new JobConfig(texts(yaml, sets));
  }

  /**
   * The settings of a YAML file and those that win over it, as they are written: from key to text,
   * references not resolved, nothing checked but the form.
   *
   * @param yaml a file, or null for none
   * @param sets {@code key=value} each
   * @throws ConfigException where the file cannot be read, or a setting has no key
   */
  public static Map<String, String> texts(Path yaml, List<String> sets) {
    Map<String, String> texts = new LinkedHashMap<>();
    if (yaml != null) {
      flatten("", readYaml(yaml), yaml, texts);
    }
    for (String set : sets) {
      int equals = set.indexOf('=');
      if (equals < 1) {
        // What has no key may be the rest of a secret that a shell took apart.
        String said = set.matches("[a-z0-9.-]+") ? set : Secrets.HIDDEN;
        throw new ConfigException("--set " + said + ": allowed: key=value, such as parallelism=4");
      }
      texts.put(set.substring(0, equals).trim(), set.substring(equals + 1).trim());
    }
    return texts;
  }

  private static Map<?, ?> readYaml(Path yaml) {
    Object root;
    try {
      root =
          new Load(LoadSettings.builder().setLabel(yaml.toString()).build())
              .loadFromString(Files.readString(yaml));
    } catch (IOException e) {
      throw new ConfigException("configuration file " + yaml + " cannot be read: " + e, e);
    } catch (YamlEngineException e) {
      // Its own message repeats the line, which may hold a secret.
      throw new ConfigException("configuration file " + yaml + " is not YAML: " + place(e));
    }
    if (root == null) {
      return Map.of();
    }
    if (root instanceof Map<?, ?> map) {
      return map;
    }
    throw new ConfigException(
        "configuration file " + yaml + " is a " + kind(root) + "; allowed: keys with values");
  }

  private static String place(YamlEngineException e) {
    if (e instanceof MarkedYamlEngineException marked && marked.getProblemMark().isPresent()) {
      Mark mark = marked.getProblemMark().get();
      return "line " + (mark.getLine() + 1) + ", column " + (mark.getColumn() + 1);
    }
    return e.getClass().getSimpleName();
  }

  private static void flatten(String prefix, Map<?, ?> map, Path yaml, Map<String, String> into) {
    map.forEach(
        (k, v) -> {
          String key = prefix + k;
          if (v instanceof Map<?, ?> nested) {
            flatten(key + ".", nested, yaml, into);
            return;
          }
          if (v == null) {
            throw new ConfigException(
                key + " in " + yaml + " has no value; give it one or remove the line");
          }
          String text =
              v instanceof List<?> list
                  ? list.stream().map(String::valueOf).collect(Collectors.joining(","))
                  : String.valueOf(v);
          if (into.put(key, text) != null) {
            throw new ConfigException(key + " stands twice in " + yaml + "; remove one");
          }
        });
  }

  private static String kind(Object value) {
    return value instanceof List ? "list" : "single value";
  }

  private void put(String key, String text) {
    if (key.startsWith(JobOptions.FLINK_PREFIX)) {
      String name = key.substring(JobOptions.FLINK_PREFIX.length());
      ConfigOption<?> owner = OWNED_BY_JOB.get(name);
      if (owner != null) {
        throw new ConfigException(is(key, text) + "; set " + owner.key() + " instead");
      }
      if (FIXED_FLINK.containsKey(name)) {
        throw new ConfigException(
            is(key, text) + "; not allowed: " + FIXED_FLINK.get(name) + "; remove the setting");
      }
      flink.setString(name, ConfigReferences.resolve(key, text));
      flinkShown.put(name, Secrets.shown(key, text));
      return;
    }
    if (key.startsWith(JobOptions.KAFKA_PREFIX)) {
      String name = key.substring(JobOptions.KAFKA_PREFIX.length());
      if (OWNED_KAFKA.containsKey(name)) {
        throw new ConfigException(is(key, text) + "; not allowed: " + OWNED_KAFKA.get(name));
      }
      // Told here, where a person looks; a client would pass the reference itself to the broker.
      ConfigReferences.resolve(key, text);
      kafka.put(name, text);
      return;
    }
    Setting<?> setting = JobOptions.settings().get(key);
    if (setting == null) {
      String nearest = nearest(key);
      // A key of ours that is misspelt holds no secret; of any other nobody knows.
      String value = edits(key, nearest) <= 2 ? " (value '" + text + "')" : "";
      throw new ConfigException("unknown key " + key + value + "; nearest known: " + nearest);
    }
    set(setting, text);
  }

  private <T> void set(Setting<T> setting, String text) {
    String key = setting.option().key();
    if (ConfigReferences.in(text)) {
      references.put(key, text);
      values.set(setting.option(), setting.read(ConfigReferences.resolve(key, text), text));
    } else {
      values.set(setting.option(), setting.read(text, Secrets.shown(key, text)));
    }
  }

  private static String is(String key, String text) {
    return key + " is '" + Secrets.shown(key, text) + "'";
  }

  private void check() {
    int levels = get(JobOptions.QUANTIZER_LEVELS);
    List<String> metrics = get(JobOptions.QUANTIZER_METRICS);
    if (metrics.size() != levels) {
      throw together(
          JobOptions.QUANTIZER_METRICS,
          JobOptions.QUANTIZER_LEVELS,
          "there must be one metric for each level");
    }
    if (get(JobOptions.PARALLELISM) > get(JobOptions.MAX_PARALLELISM)) {
      throw together(
          JobOptions.PARALLELISM,
          JobOptions.MAX_PARALLELISM,
          "the first must not exceed the second");
    }
    int width = get(JobOptions.QUANTIZER_DIM) + get(JobOptions.ID_DIM);
    if (width % get(JobOptions.RECOMMENDER_HEADS) != 0) {
      throw together(
          JobOptions.RECOMMENDER_HEADS,
          JobOptions.ID_DIM,
          "quantizer.dim + id.dim = " + width + " must be a multiple of recommender.heads");
    }
    if (get(JobOptions.RECOMMENDER_SEMANTIC_SHARE) > 0
        && get(JobOptions.QUANTIZER_DIM) % get(JobOptions.RECOMMENDER_HEADS) != 0) {
      throw together(
          JobOptions.QUANTIZER_DIM,
          JobOptions.RECOMMENDER_HEADS,
          "the first must be a multiple of the second, or recommender.semantic-share 0");
    }
    if (get(JobOptions.BOOTSTRAP_ITEMS) < get(JobOptions.QUANTIZER_CODEBOOK_SIZE)) {
      throw together(
          JobOptions.BOOTSTRAP_ITEMS,
          JobOptions.QUANTIZER_CODEBOOK_SIZE,
          "a codebook needs at least as many items as it has codewords");
    }
    if (get(JobOptions.LEARN_SHARDS) > get(JobOptions.MAX_PARALLELISM)) {
      throw together(
          JobOptions.LEARN_SHARDS,
          JobOptions.MAX_PARALLELISM,
          "the first must not exceed the second");
    }
    Duration interval = get(JobOptions.CHECKPOINT_INTERVAL);
    if (interval.multipliedBy(2).compareTo(get(JobOptions.KAFKA_TRANSACTION_TIMEOUT)) > 0) {
      throw together(
          JobOptions.CHECKPOINT_INTERVAL,
          JobOptions.KAFKA_TRANSACTION_TIMEOUT,
          "the first must be at most half of the second, or transactions are lost");
    }
    if (interval.plus(checkpointTimeout()).compareTo(get(JobOptions.KAFKA_TRANSACTION_TIMEOUT))
        > 0) {
      throw together(
          JobOptions.CHECKPOINT_TIMEOUT,
          JobOptions.KAFKA_TRANSACTION_TIMEOUT,
          "the first, with checkpoint.interval '"
              + shown(JobOptions.CHECKPOINT_INTERVAL.key())
              + "', must not exceed the second: a checkpoint that takes so long would be complete after the broker has given up its transactions");
    }
  }

  private ConfigException together(ConfigOption<?> a, ConfigOption<?> b, String rule) {
    return new ConfigException(
        a.key()
            + " is '"
            + shown(a.key())
            + "' and "
            + b.key()
            + " is '"
            + shown(b.key())
            + "'; "
            + rule);
  }

  /** The value of a key of {@link JobOptions}; null only where it has no default and is not set. */
  public <T> T get(ConfigOption<T> option) {
    return values.get(option);
  }

  /** Whether the value of a key was chosen, and is not its default. */
  public boolean isSet(ConfigOption<?> option) {
    return values.contains(option);
  }

  /** This configuration with another value of a key. */
  public <T> JobConfig with(ConfigOption<T> option, T value) {
    return new JobConfig(this, option, value);
  }

  /** Time after which a checkpoint is given up. */
  public Duration checkpointTimeout() {
    Duration chosen = get(JobOptions.CHECKPOINT_TIMEOUT);
    Duration third = get(JobOptions.KAFKA_TRANSACTION_TIMEOUT).dividedBy(3);
    Duration most = Duration.ofMinutes(10);
    return chosen != null ? chosen : third.compareTo(most) < 0 ? third : most;
  }

  /** Earliest event time allowed, ms since the epoch. */
  public long minTime() {
    return JobOptions.parseTime(get(JobOptions.INGEST_MIN_TIME)).toEpochMilli();
  }

  /**
   * Length of the vectors that the text model makes: 384 of those that come with the job; of the
   * user's own content.dim, as the job does not start otherwise.
   */
  public int textDim() {
    return JobOptions.BUNDLED_TEXT_MODELS.contains(get(JobOptions.EMBED_MODEL))
        ? JobOptions.BUNDLED_TEXT_DIM
        : get(JobOptions.CONTENT_DIM);
  }

  /**
   * What goes to every Kafka client; without brokers, group and isolation. References are in it as
   * written, with the providers by which a client resolves them. A new copy.
   */
  public Properties kafkaProperties() {
    Properties properties = new Properties();
    properties.putAll(kafka);
    ConfigReferences.enable(properties);
    return properties;
  }

  /**
   * What goes to Flink: the {@code flink.*} keys without their prefix. A new copy.
   *
   * @throws IllegalStateException in an operator: they do not travel with the job
   */
  public Configuration flinkConfiguration() {
    if (flink == null) {
      throw new IllegalStateException("flink.* keys are known only where the job is submitted");
    }
    return new Configuration(flink);
  }

  /**
   * Keys whose secret stands in the configuration itself. One of Kafka's then travels in the job's
   * graph, which Flink stores; a reference does not.
   */
  public List<String> secretsInClear() {
    List<String> keys = new ArrayList<>();
    kafka.forEach(
        (k, v) -> {
          if (!v.isEmpty()
              && Secrets.shown(JobOptions.KAFKA_PREFIX + k, v).equals(Secrets.HIDDEN)) {
            keys.add(JobOptions.KAFKA_PREFIX + k);
          }
        });
    flinkShown.forEach(
        (k, v) -> {
          if (v.equals(Secrets.HIDDEN)) {
            keys.add(JobOptions.FLINK_PREFIX + k);
          }
        });
    return keys;
  }

  /**
   * Every key in effect, one {@code key: value} a line, as a YAML file that gives this
   * configuration: references as written, secrets that stand in it hidden.
   */
  public String describe() {
    StringBuilder out = new StringBuilder();
    for (String key : JobOptions.settings().keySet()) {
      String value = shown(key);
      out.append(value == null ? "# " : "")
          .append(key)
          .append(": ")
          .append(value == null ? "(not set)" : quote(value));
      out.append('\n');
    }
    kafka.forEach(
        (k, v) -> {
          String key = JobOptions.KAFKA_PREFIX + k;
          line(out, key, Secrets.shown(key, v));
        });
    flinkShown.forEach((k, v) -> line(out, JobOptions.FLINK_PREFIX + k, v));
    return out.toString();
  }

  private static void line(StringBuilder out, String key, String shown) {
    out.append(key).append(": ").append(quote(shown)).append('\n');
  }

  private static String quote(String value) {
    return "'" + value.replace("'", "''") + "'";
  }

  @Override
  public String toString() {
    return describe();
  }

  /** The keys, their defaults, what is allowed and what they are for, as a Markdown table. */
  public static String markdownTable() {
    JobConfig defaults = defaults();
    StringBuilder out =
        new StringBuilder("| key | default | allowed | |\n| --- | --- | --- | --- |\n");
    JobOptions.settings()
        .forEach(
            (key, setting) -> {
              String value = defaults.shown(key);
              out.append("| `")
                  .append(key)
                  .append("` | ")
                  .append(value == null ? "not set" : "`" + value + "`");
              out.append(" | ")
                  .append(setting.allowed())
                  .append(" | ")
                  .append(about(setting))
                  .append(" |\n");
            });
    out.append(
        "| `kafka.properties.*` | | | Passed to every Kafka client without the prefix; security: security.md. |\n");
    out.append(
        "| `flink.*` | | | Passed to Flink without the prefix; but not what a setting above stands for, nor what exactly-once delivery and complete versions depend on (checkpointing mode, unaligned checkpoints, runtime mode). |\n");
    return out.toString();
  }

  private static String about(Setting<?> setting) {
    return new org.apache.flink.configuration.description.HtmlFormatter()
        .format(setting.option().description());
  }

  String shown(String key) {
    return shown(JobOptions.settings().get(key));
  }

  private <T> String shown(Setting<T> setting) {
    String key = setting.option().key();
    if (references.containsKey(key)) {
      return references.get(key);
    }
    T value = get(setting.option());
    return value == null ? null : Secrets.shown(key, setting.show().apply(value));
  }

  /** The known key with the fewest edits to the given one. */
  private static String nearest(String key) {
    String best = null;
    int least = Integer.MAX_VALUE;
    for (String known : JobOptions.settings().keySet()) {
      int edits = edits(key, known);
      if (edits < least) {
        least = edits;
        best = known;
      }
    }
    return best;
  }

  /** Levenshtein distance. */
  private static int edits(String a, String b) {
    int[] row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substituted = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(substituted, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[b.length()];
  }
}
