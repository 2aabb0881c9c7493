package io.sidstream.client;

import io.sidstream.schemas.IdEmbedding;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.TokenHeaders;
import io.sidstream.schemas.TokenRef;
import io.sidstream.schemas.Vectors;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.consumer.Consumer;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.PartitionInfo;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.header.Header;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The table of semantic IDs, kept from Kafka: one complete, verified version at a time.
 *
 * <pre>{@code
 * try (TokenTable table =
 *     TokenTable.builder("localhost:9092").snapshots(Path.of("/var/lib/app")).open()) {
 *   table.await(1, Duration.ofMinutes(1));
 *   Token token = table.get("B00CJXE6DA");
 * }
 * }</pre>
 *
 * <p>Committed records only. A version is served when its COMMIT record's count and checksum agree
 * with the rows; all reads then go to the new version at once, and the one before is kept for
 * {@link #rollback()}. Items that come between two versions are served as additions as soon as
 * their rows are there, provided that no other item of the table has their token; {@link
 * #version()} stays what it is. Changes and removals of items that are in the version wait for the
 * next.
 *
 * <p>Reads take no locks and may come from any thread. Several reads that must agree with each
 * other go through one {@link #view()}. One thread of the table's own reads Kafka; closing ends it.
 */
public final class TokenTable implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(TokenTable.class);
  private static final Duration POLL = Duration.ofMillis(100);
  private static final int RENUMBER_ITEMS = 10_000;
  private static final EmbeddingPages NO_EMBEDDINGS = new EmbeddingPages().freeze();
  private static final long PUBLISH_NANOS = Duration.ofMillis(100).toNanos();

  /** A twentieth of the reading thread's time at most goes into serving additions. */
  private static final long PUBLISH_SHARE = 20;

  private static final long SNAPSHOT_NANOS = Duration.ofSeconds(30).toNanos();

  /** How often partitions are counted; the Kafka client learns of new ones every five minutes. */
  private static final long COUNT_NANOS = Duration.ofSeconds(1).toNanos();

  private final Settings settings;
  private final Properties kafka;
  private final String tokensTopic;
  private final String versionsTopic;
  private final String modelsTopic;
  private final String embeddingsTopic;
  private final WireFormat wire = new WireFormat();
  private final Thread thread;

  /** What reads see. */
  private volatile TokenView view = TokenView.empty();

  /** Held by whoever changes what is served. */
  private final Object serving = new Object();

  /** The newest verified version; equal to the view unless that is rolled back. */
  private TokenView newest = view;

  private TokenView previous;
  private boolean rolledBack;

  private volatile Consumer<byte[], byte[]> consumer;
  private volatile boolean closed;
  private volatile boolean loaded;
  private volatile TokenTableException failure;

  /** The version that the failure is of; the greatest number where reading has ended. */
  private volatile int failed;

  private volatile long lag = -1;
  private final TableFigures figures = new TableFigures();

  /** What is waited for before reading can begin, for messages; empty for nothing. */
  private volatile String waiting = "";

  // Of the reading thread.
  private TableState state;

  /**
   * Whether the state began with a snapshot. A removal that was compacted away before anybody read
   * on is told by no later row, so that a disagreement of any later version may be the snapshot's
   * fault, also when versions before it agreed.
   */
  private boolean fromSnapshot;

  private String source = "";
  private int reported;
  private int waitingFor;
  private long waitingSince;

  /** What must be read before the table counts as loaded. */
  private Map<TopicPartition, Long> ends = Map.of();

  /**
   * What must be read before a version that disagrees is reported; null while there is patience.
   */
  private Map<TopicPartition, Long> patienceEnds;

  private long counted = System.nanoTime();
  private long published;

  /** How long it took to serve additions the last time: it copies, so it grows with the table. */
  private long publishTook;

  private long written = System.nanoTime() - SNAPSHOT_NANOS;

  /** How a table is to be opened; made by {@link TokenTable#builder}. */
  public static final class Builder {
    private final String bootstrap;
    private String prefix = "sidstream.";
    private final Properties properties = new Properties();
    private Path snapshots;
    private final List<TokenTableListener> listeners = new ArrayList<>();
    private boolean embeddings = true;
    private Duration patience = Duration.ofMinutes(1);
    private Connection connection = Connection.BROKERS;

    private Builder(String bootstrap) {
      if (bootstrap == null || bootstrap.isBlank()) {
        throw new IllegalArgumentException("bootstrap is empty: name a broker as host:port");
      }
      this.bootstrap = bootstrap;
    }

    /** What the names of the topics begin with; {@code sidstream.} by default. */
    public Builder prefix(String topics) {
      prefix = topics;
      return this;
    }

    /** More properties of the Kafka clients, such as those of security. */
    public Builder properties(Properties more) {
      properties.putAll(more);
      return this;
    }

    /** Folder to keep a snapshot in, to open from it next time; none by default. */
    public Builder snapshots(Path folder) {
      snapshots = folder;
      return this;
    }

    /** Is told of versions. */
    public Builder listener(TokenTableListener listener) {
      listeners.add(listener);
      return this;
    }

    /** Whether ID embeddings are read (4 bytes an item and dimension); yes by default. */
    public Builder embeddings(boolean read) {
      embeddings = read;
      return this;
    }

    /**
     * How long a table that is read to the end may disagree with its COMMIT records, the newest
     * among them, before that is reported: rows of other transactions become visible within a
     * checkpoint. A minute by default.
     */
    public Builder patience(Duration time) {
      if (time.isNegative() || time.isZero()) {
        throw new IllegalArgumentException("patience " + time + ": more than 0");
      }
      patience = time;
      return this;
    }

    /** Reads from somewhere else than the brokers: for tests. */
    Builder connection(Connection other) {
      connection = other;
      return this;
    }

    /** Opens the table and returns at once; see {@link TokenTable#await}. */
    public TokenTable open() {
      TokenTable table =
          new TokenTable(
              new Settings(
                  bootstrap,
                  prefix,
                  properties,
                  snapshots == null ? null : snapshots.resolve(prefix + "tokens.snapshot"),
                  List.copyOf(listeners),
                  embeddings,
                  patience,
                  connection));
      table.thread.start();
      return table;
    }
  }

  private record Settings(
      String bootstrap,
      String prefix,
      Properties properties,
      Path snapshot,
      List<TokenTableListener> listeners,
      boolean embeddings,
      Duration patience,
      Connection connection) {}

  /**
   * A table to be opened.
   *
   * @param bootstrap brokers, host:port
   */
  public static Builder builder(String bootstrap) {
    return new Builder(bootstrap);
  }

  private TokenTable(Settings settings) {
    this.settings = settings;
    this.tokensTopic = settings.prefix + "tokens";
    this.versionsTopic = settings.prefix + "versions";
    this.modelsTopic = settings.prefix + "models";
    this.embeddingsTopic = settings.prefix + "id-embeddings";
    this.kafka = new Properties();
    kafka.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, "5000");
    kafka.putAll(settings.properties);
    kafka.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, settings.bootstrap);
    kafka.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, "read_committed");
    kafka.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
    kafka.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, "false");
    // A broker that makes the topics for a reader makes them without the job's policies.
    kafka.put(ConsumerConfig.ALLOW_AUTO_CREATE_TOPICS_CONFIG, "false");
    thread = new Thread(this::run, "token-table");
    thread.setDaemon(true);
  }

  // Reads.

  /** What is served now, for several reads that must agree. */
  public TokenView view() {
    return view;
  }

  /** The version served, 0 before the first. */
  public int version() {
    return view.version();
  }

  /** As {@link TokenView#get}. */
  public Token get(String item) {
    return view.get(item);
  }

  /** As {@link TokenView#items}. */
  public List<String> items(int... prefix) {
    return view.items(prefix);
  }

  /** As {@link TokenView#children}. */
  public int[] children(int... prefix) {
    return view.children(prefix);
  }

  /** As {@link TokenView#semanticEmbedding}. */
  public float[] semanticEmbedding(String item) {
    return view.semanticEmbedding(item);
  }

  /** As {@link TokenView#representation}. */
  public float[] representation(String item) {
    return view.representation(item);
  }

  /**
   * Records of all topics that are committed and not read yet; -1 until that is known, and once
   * reading has ended with a {@link #failure()}. What was read of a version that is not complete
   * does not count.
   */
  public long lag() {
    return lag;
  }

  /** Time since the version served was committed; null before the first. */
  public Duration age() {
    TokenView now = view;
    return now.version() == 0
        ? null
        : Duration.ofMillis(Math.max(0, System.currentTimeMillis() - now.commit.time()));
  }

  /** Records that were not what belongs on their topic, and were passed over. */
  public long skipped() {
    return figures.skippedRecords();
  }

  /** What there is to tell of the table now, for metrics. Takes no lock; any thread. */
  public TokenTableStats stats() {
    return figures.stats(view, lag);
  }

  /** The newest thing that went wrong, null for nothing. */
  public TokenTableException failure() {
    return failure;
  }

  /**
   * Waits until a version, or a later one, is served.
   *
   * @throws TokenTableException where reading has ended, or this version or a later one disagrees
   *     with its COMMIT record
   * @throws TimeoutException where it is not served in time
   */
  public void await(int version, Duration timeout) throws InterruptedException, TimeoutException {
    long end = System.nanoTime() + timeout.toNanos();
    synchronized (serving) {
      while (view.version() < version) {
        if (failure != null && failed >= version) {
          throw failure;
        }
        long left = (end - System.nanoTime()) / 1_000_000;
        if (left <= 0) {
          throw new TimeoutException(
              "version %d is served after %s, not %d; %s"
                  .formatted(
                      view.version(),
                      timeout,
                      version,
                      (loaded ? "everything committed is read" : "still reading, lag " + lag)
                          + waiting));
        }
        serving.wait(left);
      }
    }
  }

  // What is served.

  /**
   * Goes back to the version before and stays there until {@link #resume()}.
   *
   * @return the version served then
   * @throws IllegalStateException where there is none
   */
  public int rollback() {
    synchronized (serving) {
      if (previous == null) {
        throw new IllegalStateException(
            "version " + view.version() + " is the only one that is known: no previous to go to");
      }
      if (!rolledBack) {
        rolledBack = true;

        // ID embeddings have no versions: the newest of them go with either.
        serve(previous.withEmbeddings(newest.items, newest.rows, newest.embeddings));
      }
      return view.version();
    }
  }

  /** Serves the newest version again, and those to come. */
  public void resume() {
    synchronized (serving) {
      if (rolledBack) {
        rolledBack = false;
        serve(newest);
      }
    }
  }

  /** Only while holding {@link #serving}. */
  private void serve(TokenView next) {
    TokenChange change = new TokenChange(view, next);
    tell(listener -> listener.beforeSwap(change));
    view = next;
    figures.served();
    serving.notifyAll();
    tell(listener -> listener.afterSwap(change));
  }

  private void tell(java.util.function.Consumer<TokenTableListener> what) {
    for (TokenTableListener listener : settings.listeners) {
      try {
        what.accept(listener);
      } catch (RuntimeException e) {
        LOG.warn("a listener of the token table failed", e);
      }
    }
  }

  // Reading.

  private void run() {
    try {
      read();
    } catch (WakeupException e) {
      // close()
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (Throwable e) {
      // Errors too: nobody looks at this thread, and what is served would grow old in silence.
      lag = -1;
      figures.ended();
      fail(
          new TokenTableException(
              "the topics %s* on %s cannot be read any more: %s"
                  .formatted(
                      settings.prefix,
                      settings.bootstrap,
                      e instanceof RuntimeException ? e.getMessage() : e.toString()),
              e),
          Integer.MAX_VALUE);
    }
  }

  private void fail(TokenTableException e, int version) {
    LOG.warn(e.getMessage(), e.getCause());
    synchronized (serving) {
      failure = e;
      failed = version;
      serving.notifyAll();
    }
    tell(listener -> listener.failed(e));
  }

  /**
   * Waits until a broker answers: a table may be opened before Kafka is there. What answers in
   * another protocol ends the reading, because no time mends it.
   */
  private void reach() throws InterruptedException {
    String told = "";
    while (true) {
      BrokerProbe.Finding found = settings.connection.probe(kafka);
      if (found.state() == BrokerProbe.State.ANSWERS) {
        waiting = "";
        return;
      }
      if (found.state() == BrokerProbe.State.OTHER_PROTOCOL) {
        throw new IllegalStateException(found.message());
      }
      if (!found.message().equals(told)) {
        told = found.message();
        LOG.warn("waiting: {}", told);
      }
      synchronized (serving) {
        waiting = "; waiting: " + told;
        if (closed) {
          throw new WakeupException();
        }
        serving.wait(500);
        if (closed) {
          throw new WakeupException();
        }
      }
    }
  }

  private void read() throws InterruptedException {
    reach();
    try (Consumer<byte[], byte[]> reader = settings.connection.reader(kafka)) {
      consumer = reader;
      List<TopicPartition> partitions = partitions(reader);
      if (settings.snapshot != null) {
        source = source();
      }
      start(reader, partitions, settings.snapshot != null);
      boolean again = false;
      while (!closed) {
        if (again) {
          LOG.warn("the snapshot does not agree with the topics: reading from the beginning");
          start(reader, partitions, false);
        }
        try {
          for (ConsumerRecord<byte[], byte[]> record : reader.poll(POLL)) {
            take(record);
          }
          count(reader, partitions);
        } catch (WakeupException e) {
          break;
        }
        lag = lag(reader, partitions);
        loaded = loaded || reached(reader, ends);
        if (loaded) {
          again = !advance(reader, partitions);
          publish();
        }
      }
      if (settings.snapshot != null && loaded) {
        snapshot(reader, partitions);
      }
    }
  }

  /** Waits until the topics are there: a table may be opened before the job. */
  private List<TopicPartition> partitions(Consumer<byte[], byte[]> reader) {
    List<String> topics = new ArrayList<>(List.of(versionsTopic, modelsTopic, tokensTopic));
    if (settings.embeddings) {
      topics.add(embeddingsTopic);
    }
    List<TopicPartition> partitions = new ArrayList<>();
    for (String topic : topics) {
      List<PartitionInfo> known = known(reader, topic);
      while (known == null || known.isEmpty()) {
        LOG.info("waiting for topic {}", topic);
        synchronized (serving) {
          try {
            serving.wait(500);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new WakeupException();
          }
        }
        if (closed) {
          throw new WakeupException();
        }
        known = known(reader, topic);
      }
      known.forEach(p -> partitions.add(new TopicPartition(topic, p.partition())));
    }
    return partitions;
  }

  /** A topic's partitions, null where the brokers do not say. */
  private static List<PartitionInfo> known(Consumer<byte[], byte[]> reader, String topic) {
    try {
      return reader.partitionsFor(topic);
    } catch (org.apache.kafka.common.errors.TimeoutException e) {
      return null;
    }
  }

  /**
   * Ends reading where a topic has more partitions than when the table was opened: a key's newer
   * rows are then on another partition than its older ones, and no order says which is which.
   */
  private void count(Consumer<byte[], byte[]> reader, List<TopicPartition> partitions) {
    long now = System.nanoTime();
    if (now - counted < COUNT_NANOS) {
      return;
    }
    counted = now;
    counts(partitions)
        .forEach(
            (topic, count) -> {
              try {
                // What the client knows already is not asked for again.
                List<PartitionInfo> known = reader.partitionsFor(topic, POLL);
                if (known != null && known.size() > count) {
                  throw new MorePartitions(topic, count, known.size(), "when the table was opened");
                }
              } catch (org.apache.kafka.common.errors.TimeoutException e) {
                // Brokers that do not answer are waited for, here as in poll.
              }
            });
  }

  private static Map<String, Integer> counts(List<TopicPartition> partitions) {
    Map<String, Integer> counts = new TreeMap<>();
    partitions.forEach(p -> counts.merge(p.topic(), 1, Integer::sum));
    return counts;
  }

  /** A topic's partitions were added to. */
  private static final class MorePartitions extends IllegalStateException {
    private static final long serialVersionUID = 1L;

    MorePartitions(String topic, int before, int now, String when) {
      super(
          "topic %s has %d partitions, %d %s: newer rows of an item may be on another partition than its older ones, and their order is lost. The number is fixed once the job has written: begin anew with another topics.prefix and kafka.group and topics.partitions=%d"
              .formatted(topic, now, before, when, now));
    }
  }

  /** The cluster and the identities of the topics, which a topic made anew has not. */
  private String source() throws InterruptedException {
    Properties admin = new Properties();
    admin.putAll(settings.properties);
    admin.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, settings.bootstrap);
    return settings.connection.identity(admin, List.of(tokensTopic, versionsTopic, modelsTopic))
        + (settings.embeddings ? " with" : " without");
  }

  /**
   * Puts the reader where it begins: behind the snapshot where there is a good one, else at the
   * beginning. The versions are read first, because they say which table is wanted.
   */
  private void start(
      Consumer<byte[], byte[]> reader, List<TopicPartition> partitions, boolean snapshot) {
    loaded = false;
    waitingFor = 0;
    state = new TableState(0);
    fromSnapshot = false;
    Map<TopicPartition, Long> from = new HashMap<>();
    if (snapshot && Files.exists(settings.snapshot)) {
      restore(reader, partitions, from);
    }
    TopicPartition versions = new TopicPartition(versionsTopic, 0);
    reader.assign(List.of(versions));
    seek(reader, List.of(versions), from);
    long end = reader.endOffsets(List.of(versions)).get(versions);
    while (reader.position(versions) < end && !closed) {
      for (ConsumerRecord<byte[], byte[]> record : reader.poll(POLL)) {
        take(record);
      }
    }
    long read = reader.position(versions);
    if (!state.commits.isEmpty()) {
      // Of a snapshot, too.
      figures.committed(state.commits.lastKey());
    }
    if (!state.commits.isEmpty() && state.commits.lastKey() - 1 > state.floor) {
      state.promote(state.commits.lastKey() - 1);
    }
    reader.assign(partitions);
    seek(reader, partitions, from);
    reader.seek(versions, read);
    ends = reader.endOffsets(partitions);
  }

  private static void seek(
      Consumer<byte[], byte[]> reader,
      List<TopicPartition> partitions,
      Map<TopicPartition, Long> from) {
    for (TopicPartition partition : partitions) {
      if (from.containsKey(partition)) {
        reader.seek(partition, from.get(partition));
      } else {
        reader.seekToBeginning(List.of(partition));
      }
    }
  }

  private void restore(
      Consumer<byte[], byte[]> reader,
      List<TopicPartition> partitions,
      Map<TopicPartition, Long> from) {
    try {
      Snapshot snapshot = Snapshot.read(settings.snapshot);
      if (!snapshot.source().equals(source)) {
        throw new IOException("snapshot " + settings.snapshot + " is of other topics");
      }
      Map<TopicPartition, Long> first = reader.beginningOffsets(partitions);
      Map<TopicPartition, Long> end = reader.endOffsets(partitions);
      Map<TopicPartition, Long> offsets = new HashMap<>();
      for (TopicPartition p : partitions) {
        Map<Integer, Long> known = snapshot.offsets().getOrDefault(p.topic(), Map.of());
        Long offset = known.get(p.partition());
        if (offset == null) {
          throw new MorePartitions(
              p.topic(),
              known.size(),
              counts(partitions).get(p.topic()),
              "in the snapshot " + settings.snapshot);
        }
        if (offset < first.get(p) || offset > end.get(p)) {
          throw new IOException(
              "snapshot %s goes on at offset %d of %s, which has %d to %d"
                  .formatted(settings.snapshot, offset, p, first.get(p), end.get(p)));
        }
        offsets.put(p, offset);
      }
      from.putAll(offsets);
      state = snapshot.state();
      fromSnapshot = true;
    } catch (MorePartitions e) {
      throw e;
    } catch (IOException | RuntimeException e) {
      LOG.warn("reading from the beginning: {}", e.getMessage());
    }
  }

  private static long lag(Consumer<byte[], byte[]> reader, List<TopicPartition> partitions) {
    long sum = 0;
    for (TopicPartition partition : partitions) {
      var lag = reader.currentLag(partition);
      if (lag.isEmpty()) {
        return -1;
      }
      sum += lag.getAsLong();
    }
    return sum;
  }

  private static boolean reached(Consumer<byte[], byte[]> reader, Map<TopicPartition, Long> ends) {
    return ends.entrySet().stream().allMatch(e -> reader.position(e.getKey()) >= e.getValue());
  }

  private void take(ConsumerRecord<byte[], byte[]> record) {
    try {
      if (record.topic().equals(tokensTopic)) {
        token(record);
        figures.row();
      } else if (record.topic().equals(versionsTopic)) {
        version(wire.decode(record.value(), VersionRecord.class), record);
      } else if (record.topic().equals(modelsTopic)) {
        model(record);
      } else {
        state.embedding(
            record.key(),
            record.value() == null
                ? null
                : Vectors.toArray(wire.decode(record.value(), IdEmbedding.class).getE()));
      }
    } catch (RuntimeException e) {
      // Anybody with access can write to a topic. Whether the table is whole is told by COMMIT.
      figures.skipped();
      LOG.warn(
          "{}-{}@{} is passed over: {}",
          record.topic(),
          record.partition(),
          record.offset(),
          e.getMessage());
    }
  }

  private void token(ConsumerRecord<byte[], byte[]> record) {
    if (record.value() == null) {
      Header commit = record.headers().lastHeader(TokenHeaders.COMMIT);
      Header before = record.headers().lastHeader(TokenHeaders.PREVIOUS);
      if (commit == null) {
        throw new IllegalArgumentException(
            "a removal without the header " + TokenHeaders.COMMIT + " is not the job's");
      }
      state.removal(
          record.key(),
          TokenHeaders.decode(commit.value()),
          before == null ? null : token(wire.decode(before.value(), TokenRef.class)));
      return;
    }
    row(wire.decode(record.value(), ItemToken.class), record.key(), state);
  }

  /** A row of the tokens topic into a state. */
  static void row(ItemToken row, byte[] item, TableState state) {
    state.row(
        item,
        row.getCommit(),
        new Token(
            codes(row.getCodes()), row.getSuffix() == null ? 0 : row.getSuffix(), row.getVersion()),
        row.getPrevious() == null ? null : token(row.getPrevious()));
  }

  private static Token token(TokenRef ref) {
    return new Token(
        codes(ref.getCodes()), ref.getSuffix() == null ? 0 : ref.getSuffix(), ref.getVersion());
  }

  private static int[] codes(List<Integer> list) {
    int[] codes = new int[list.size()];
    for (int l = 0; l < codes.length; l++) {
      codes[l] = list.get(l);
    }
    return codes;
  }

  private void version(VersionRecord record, ConsumerRecord<byte[], byte[]> from) {
    if (from.headers().lastHeader(TokenHeaders.JOB) == null
        && record.getVersion() > from.offset() + 1) {
      // Versions are numbered from 1, and each has a record: no job has come so far.
      LOG.warn(
          "{} of version {} at offset {} of topic {} names no job and cannot be one's: it is passed over",
          record.getState(),
          record.getVersion(),
          from.offset(),
          from.topic());
      return;
    }
    if (record.getState() == VersionState.COMMIT) {
      figures.committed(record.getVersion());
      state.commit(
          new TokenView.Verified(
              record.getVersion(),
              record.getRevision(),
              record.getItems(),
              record.getTableChecksum(),
              record.getTime().toEpochMilli()));
    }
  }

  private void model(ConsumerRecord<byte[], byte[]> record) {
    // The other parts are large, and the key tells them without decoding.
    if (record.value() == null
        || !new String(record.key(), StandardCharsets.UTF_8)
            .contains("/" + ModelPartKind.CODEBOOKS + "/")) {
      return;
    }
    state.codebooks(wire.decode(record.value(), ModelPart.class));
  }

  /**
   * Goes on to the newest version that is complete.
   *
   * @return whether reading may go on; false to begin again from the beginning
   */
  private boolean advance(Consumer<byte[], byte[]> reader, List<TopicPartition> partitions) {
    if (!state.commits.isEmpty() && state.commits.lastKey() > state.floor + 3) {
      // Fallen behind: versions that will not be served need not be told apart.
      state.promote(state.commits.lastKey() - 1);
    }
    boolean models = reader.currentLag(new TopicPartition(modelsTopic, 0)).orElse(1) == 0;
    List<Integer> complete = new ArrayList<>();
    for (int version : state.verified()) {
      if (version > newest.version() && (models || state.codebooks.containsKey(version))) {
        complete.add(version);
      }
    }
    // The one before the last is what a rollback goes to.
    boolean advanced = false;
    TokenView before = newest;
    for (int version : complete.subList(Math.max(0, complete.size() - 2), complete.size())) {
      state.promote(version);
      advanced = true;
      if (version == complete.get(complete.size() - 1)) {
        state.takeEmbeddingsChanged();
        swap(before);
      } else {
        before = state.view();
      }
    }
    if (advanced) {
      TableState renumbered = state.renumbered(RENUMBER_ITEMS);
      if (renumbered != state) {
        state = renumbered;
        TokenView older = numbered(previous);
        replace(state.view(), older);
      }
      waitingFor = 0;
      if (settings.snapshot != null && System.nanoTime() - written > SNAPSHOT_NANOS) {
        snapshot(reader, partitions);
      }
      return true;
    }
    return patient(reader, partitions);
  }

  /** Goes on to the table as of the state's floor from the one before. */
  private void swap(TokenView before) {
    TokenView older =
        before.version() == 0
            ? previous
            : numbered(before.withEmbeddings(before.items, before.rows, NO_EMBEDDINGS));
    TokenView next = state.view();
    synchronized (serving) {
      previous = older;
      newest = next;
      failure = null;
      if (!rolledBack) {
        serve(next);
      }
    }
  }

  /**
   * A view that a rollback may go to, with the rows of the state, whose index it will be read with;
   * null for null. A state that is read anew numbers its rows anew. To be called before the view of
   * the state that it is to go with is made, because it may add rows.
   */
  private TokenView numbered(TokenView older) {
    return older == null || state.sameRows(older) ? older : state.renumbered(older);
  }

  /** The same version in another form, and the one before with the same rows. */
  private void replace(TokenView next, TokenView older) {
    synchronized (serving) {
      previous = older;
      newest = next;
      if (!rolledBack) {
        view = next;
        serving.notifyAll();
      }
    }
  }

  /**
   * Reports a version that disagrees for long although everything is read.
   *
   * @return false to begin again from the beginning, because a snapshot may be to blame
   */
  private boolean patient(Consumer<byte[], byte[]> reader, List<TopicPartition> partitions) {
    int last = state.commits.isEmpty() ? 0 : state.commits.lastKey();
    long now = System.nanoTime();
    if (last <= newest.version()) {
      waitingFor = 0;
      return true;
    }
    // From the first COMMIT on that is not served: newer ones, which come at any rate, are no
    // reason to begin anew.
    if (waitingFor == 0) {
      waitingFor = last;
      waitingSince = now;
      patienceEnds = null;
    }
    if (reported == last || now - waitingSince < settings.patience.toNanos()) {
      return true;
    }
    if (patienceEnds == null) {
      patienceEnds = reader.endOffsets(partitions);
    }
    if (!reached(reader, patienceEnds)) {
      return true;
    }
    if (fromSnapshot) {
      return false;
    }
    reported = last;
    waitingFor = 0;
    figures.disagreement();
    fail(
        TokenView.disagreement(
            state.itemsAt(last), state.checksumAt(last), state.commits.get(last)),
        last);
    return true;
  }

  /** Serves additions and newer embeddings, ten times a second at most. */
  private void publish() {
    long now = System.nanoTime();
    if (newest.version() == 0
        || newest.version() != state.floor
        || now - published < Math.max(PUBLISH_NANOS, PUBLISH_SHARE * publishTook)) {
      return;
    }
    published = now;
    publishAdditions();
    publishTook = System.nanoTime() - now;
  }

  private void publishAdditions() {
    TokenView before = newest;
    TokenView older = previous;
    TokenView committed = before;
    if (!state.sameRows(before)) {
      // The state was read anew since: what it has fits no page of the view that is served.
      if (!state.verified(state.floor)) {
        return;
      }
      older = numbered(previous);
      committed = state.view();
    }
    TokenView next = state.withAdditions(committed);
    boolean additions = next != before;
    if (state.takeEmbeddingsChanged()) {
      next =
          next.withEmbeddings(state.items.index(), state.items.size(), state.embeddings.freeze());
    }
    if (next != before) {
      replace(next, older);
      if (additions) {
        TokenChange change = new TokenChange(before, next);
        tell(listener -> listener.additions(change));
      }
    }
  }

  private void snapshot(Consumer<byte[], byte[]> reader, List<TopicPartition> partitions) {
    Map<String, Map<Integer, Long>> offsets = new TreeMap<>();
    for (TopicPartition p : partitions) {
      long position;
      try {
        position = reader.position(p);
      } catch (WakeupException e) {
        // close() between two polls; it wakes up once.
        position = reader.position(p);
      }
      offsets.computeIfAbsent(p.topic(), t -> new TreeMap<>()).put(p.partition(), position);
    }
    try {
      new Snapshot(source, offsets, state).write(settings.snapshot);
      written = System.nanoTime();
    } catch (IOException e) {
      LOG.warn("snapshot {} cannot be written: {}", settings.snapshot, e.toString());
    }
  }

  /** Ends reading; what was served can still be read. Writes a last snapshot. */
  @Override
  public void close() {
    closed = true;
    figures.ended();
    synchronized (serving) {
      serving.notifyAll();
    }
    Consumer<byte[], byte[]> reader = consumer;
    if (reader != null) {
      reader.wakeup();
    }
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
