package io.sidstream.job.metrics;

import static io.sidstream.job.metrics.MetricKind.COUNTER;
import static io.sidstream.job.metrics.MetricKind.GAUGE;
import static io.sidstream.job.metrics.MetricKind.HISTOGRAM;

import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleSupplier;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.MetricGroup;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;

/**
 * Every metric of the job. An operator registers by one of the methods here, and by no other way;
 * docs/metrics.md is written from it.
 *
 * <pre>{@code
 * rows = JobMetric.ROWS.counter(getMetricGroup());
 * JobMetric.TABLE_ITEMS.gauge(getMetricGroup(), () -> sums.items());
 * }</pre>
 *
 * <p>A metric is in its operator's own scope. To Prometheus it is {@link #prometheus()} with the
 * labels {@code operator_name}, {@code subtask_index}, {@code host} and {@code tm_id}.
 */
public enum JobMetric {
  ACCEPTED(
      "accepted",
      COUNTER,
      "records",
      "Records that broke no rule.",
      "Ingest items",
      "Ingest interactions"),
  REJECTED(
      "rejected",
      COUNTER,
      "records",
      "Records that broke a rule; each has a dead letter. Label rule: which (dead-letters.md).",
      "Ingest items",
      "Ingest interactions"),

  DATED_AHEAD(
      "datedAhead",
      COUNTER,
      "records",
      "Records dated after their arrival, by no more than ingest.max-future; taken as of their arrival.",
      "Ingest items",
      "Ingest interactions"),
  DELETIONS_UNSEEN(
      "deletionsUnseenForMs",
      GAUGE,
      "ms",
      "How much longer the job was down at its last restart than the items topic keeps deletions; 0 where it was not.",
      "Ingest items"),

  TEXTS_EMBEDDED(
      "textsEmbedded", COUNTER, "texts", "Texts that went through the text model.", "Embed"),
  TEXTS_UNCHANGED(
      "textsUnchanged", COUNTER, "texts", "Texts that had not changed: vector known.", "Embed"),
  EMBED_BATCHES("embedBatches", COUNTER, "batches", "Runs of the text model.", "Embed"),
  EMBED_TIME(
      "embedTimeMs",
      HISTOGRAM,
      "ms",
      "Time of a run of the text model over a micro-batch; of the newest 1,000.",
      "Embed"),
  EMBED_WAITING(
      "embedWaiting", GAUGE, "items", "Items that wait for their text to be embedded.", "Embed"),
  EMBED_WAITING_FOR(
      "embedWaitingForMs", GAUGE, "ms", "How long the oldest of them has waited.", "Embed"),
  EVICTED_ITEMS("evictedItems", COUNTER, "items", "Items evicted by items.retention.", "Embed"),

  DUPLICATE_EVENTS(
      "duplicateEvents", COUNTER, "events", "Events whose identifier was seen before.", "Sequence"),
  LATE_EVENTS(
      "lateEvents",
      COUNTER,
      "events",
      "Events older than the user's newest, put in their place.",
      "Sequence"),
  TOO_LATE_EVENTS(
      "tooLateEvents",
      COUNTER,
      "events",
      "Events older than everything in a full window; dropped.",
      "Sequence"),
  WEIGHTLESS_EVENTS(
      "weightlessEvents", COUNTER, "events", "Events of weight 0; not learnt from.", "Sequence"),

  INTERACTIONS(
      "interactions",
      COUNTER,
      "interactions",
      "Interactions taken into rounds since the job's first start; kept in state.",
      "Learn"),
  QUEUED_INTERACTIONS(
      "queuedInteractions", GAUGE, "interactions", "Interactions that wait for a round.", "Learn"),
  QUEUED_FOR(
      "queuedForMs",
      GAUGE,
      "ms",
      "How long the oldest of them has waited, to the second, since the start at most; as if rounds took them in the order of their coming.",
      "Learn"),
  QUEUED_ITEMS("queuedItems", GAUGE, "items", "Item events that wait to be taken in.", "Learn"),
  WAITING_INTERACTIONS(
      "waitingInteractions",
      GAUGE,
      "interactions",
      "Interactions whose item has not arrived, or is removed.",
      "Learn"),
  WAITING_FOR(
      "waitingForMs",
      GAUGE,
      "ms",
      "How long the oldest of them has waited, as last seen between rounds.",
      "Learn"),
  DROPPED_INTERACTIONS(
      "droppedInteractions",
      COUNTER,
      "interactions",
      "Interactions dropped because their item did not come in time; since the job's first start.",
      "Learn"),
  CATCH_UP_ROUNDS(
      "catchUpRounds",
      COUNTER,
      "rounds",
      "Rounds that took more interactions (learn.pending-max), since the job's first start: learning does not keep up.",
      "Learn"),
  KNOWN_ITEMS("knownItems", GAUGE, "items", "Items with a content vector.", "Learn"),
  KNOWN_USERS("knownUsers", GAUGE, "users", "Users whose events are kept.", "Learn"),
  REPLAYABLE_USERS(
      "replayableUsers",
      GAUGE,
      "users",
      "Users with more than one event, of whom rounds draw.",
      "Learn"),
  KEPT_TOKENIZERS(
      "keptTokenizers",
      GAUGE,
      "versions",
      "Versions whose tokenizer is kept, as items may not have adopted them yet.",
      "Learn"),
  LEARN_ROUND("learnRound", GAUGE, "round", "The newest round that was begun.", "Learn"),
  SHARD_PHASE(
      "shardPhase",
      GAUGE,
      "shards",
      "Shards that are in the phase. Label phase: COLLECT (no model yet), IDLE (between rounds), TAKE, COMPUTE, STORE, APPLY (of a round), WAIT (for Merge), ADOPT (what Merge made).",
      "Learn"),
  STEPS_LEFT("stepsLeft", GAUGE, "steps", "Steps left in the round, 0 between rounds.", "Learn"),
  ROUND_STEPS("roundSteps", GAUGE, "steps", "Steps of the round, 0 between rounds.", "Learn"),
  STEP_TIME(
      "stepTimeMs",
      HISTOGRAM,
      "ms",
      "Time of a step of training, without the pause after it; of the newest 1,000.",
      "Learn"),
  DUTY_USED(
      "dutyUsed",
      GAUGE,
      "share",
      "Share of the last minute for which rounds were computed, without the pauses between steps; above 1 where shards of a subtask learn at once.",
      "Learn"),

  TOKEN_VERSION("tokenVersion", GAUGE, "version", "Token version in use, 0 for none.", "Merge"),
  REVISION("revision", GAUGE, "revision", "Recommender revision, 0 for none.", "Merge"),
  MERGED_ROUND("mergedRound", GAUGE, "round", "The newest round that was merged.", "Merge"),
  MERGE_PHASE(
      "mergePhase",
      GAUGE,
      "0 or 1",
      "1 for the phase that Merge is in. Label phase: GATHER (what the shards send), AWAIT_COMMIT (of the version before), JUDGE, EMIT.",
      "Merge"),
  SHARDS_BEHIND(
      "shardsBehind",
      GAUGE,
      "shards",
      "Shards that Merge has nothing whole of yet, of the round that another has begun to send.",
      "Merge"),
  HELD_CANDIDATES(
      "heldCandidates",
      COUNTER,
      "candidates",
      "Candidates for a token version that the gate held back since the job's first start.",
      "Merge"),
  ON_HOLD("onHold", GAUGE, "0 or 1", "1 while a control message holds candidates back.", "Merge"),
  MODEL_HIT_RATE(
      "modelHitRate",
      GAUGE,
      "share",
      "HR@10 among 99 negatives of events before they are learnt, under the version in use; NaN before the first.",
      "Merge"),
  MODEL_NDCG("modelNdcg", GAUGE, "share", "NDCG@10 of the same; NaN before the first.", "Merge"),
  POPULARITY_HIT_RATE(
      "popularityHitRate",
      GAUGE,
      "share",
      "HR@10 of ranking the same events by popularity; NaN before the first.",
      "Merge"),
  POPULARITY_NDCG(
      "popularityNdcg",
      GAUGE,
      "share",
      "NDCG@10 of the same ranking; NaN before the first.",
      "Merge"),
  NEW_ITEM_HIT_RATE(
      "newItemHitRate",
      GAUGE,
      "share",
      "HR@10 of those whose item had fewer than 5 interactions; NaN before the first.",
      "Merge"),
  NEW_ITEM_NDCG(
      "newItemNdcg", GAUGE, "share", "NDCG@10 of the same; NaN before the first.", "Merge"),
  NEW_ITEM_POPULARITY_HIT_RATE(
      "newItemPopularityHitRate",
      GAUGE,
      "share",
      "HR@10 of ranking the same by popularity; NaN before the first.",
      "Merge"),
  NEW_ITEM_POPULARITY_NDCG(
      "newItemPopularityNdcg",
      GAUGE,
      "share",
      "NDCG@10 of the same ranking; NaN before the first.",
      "Merge"),
  UNRANKED_EVENTS(
      "unrankedEvents",
      COUNTER,
      "events",
      "Events that could not be ranked, as no other item was known by their time; since the job's first start.",
      "Merge"),

  PART_LOSS(
      "partLoss",
      GAUGE,
      "loss",
      "Mean loss of the newest round that trains the part; NaN before the first since the start. Label part: recommendation, reconstruction, commitment.",
      "Merge"),
  GATE_DECISIONS(
      "gateDecisions",
      COUNTER,
      "candidates",
      "What a rule of the gate said of candidates. Labels rule, and outcome: PASSED, BROKEN, NOT_JUDGED.",
      "Merge"),

  DEAD_CODEWORDS(
      "deadCodewords",
      GAUGE,
      "codewords",
      "Codewords that no item of the sample uses, of the newest candidate for a token version; NaN before the first since the start. Label level.",
      "Merge"),
  DISTINCT_TUPLES(
      "distinctTuples",
      GAUGE,
      "share",
      "Nearest tuples that differ, over the items of the sample, of the same.",
      "Merge"),
  LARGEST_COLLISION(
      "largestCollision",
      GAUGE,
      "items",
      "Items of the sample with the most frequent nearest tuple, of the same.",
      "Merge"),

  TOKENIZE_PENDING(
      "tokenizePending",
      GAUGE,
      "items",
      "New or changed items that wait for their micro-batch.",
      "Tokenize"),
  TOKENIZE_WAITING(
      "tokenizeWaitingForMs", GAUGE, "ms", "How long the oldest of them has waited.", "Tokenize"),
  ITEMS_BEFORE_MODEL(
      "itemsBeforeModel",
      COUNTER,
      "items",
      "Items that arrived before the first model.",
      "Tokenize"),
  ENCODED("encoded", COUNTER, "items", "Items encoded, by micro-batches and by scans.", "Tokenize"),
  ENCODE_TIME(
      "encodeTimeUs",
      HISTOGRAM,
      "µs",
      "Time of encoding a micro-batch of new or changed items; of the newest 1,000, without scans.",
      "Tokenize"),
  VECTORS_UNCHANGED(
      "vectorsUnchanged",
      COUNTER,
      "items",
      "Item events whose vector was the one already known.",
      "Tokenize"),
  VECTORS_REFUSED(
      "vectorsRefused",
      COUNTER,
      "items",
      "Items whose vector a version could not encode; each has a dead letter.",
      "Tokenize"),
  CLAIMS_SENT("claimsSent", COUNTER, "claims", "Claims sent for a token.", "Tokenize"),
  RELEASES_SENT(
      "releasesSent", COUNTER, "releases", "Releases of moved and of deleted items.", "Tokenize"),
  SCAN_ITEMS(
      "scanItems",
      GAUGE,
      "items",
      "Items that the running, or else the last, scan has visited.",
      "Tokenize"),
  SCAN_TOTAL(
      "scanTotal",
      GAUGE,
      "items",
      "Items that the running scan is to visit, or else the last one has. After a change of parallelism the first scan's is an estimate.",
      "Tokenize"),
  SCAN_LEFT(
      "scanLeftMs",
      GAUGE,
      "ms",
      "Time that the running scan still takes at the pace so far; 0 between scans.",
      "Tokenize"),
  SCAN_MOVED(
      "scanMoved",
      GAUGE,
      "items",
      "Claims that the running, or else the last, scan has sent.",
      "Tokenize"),
  ENCODING_VERSION(
      "encodingVersion",
      GAUGE,
      "version",
      "Version that items are encoded with; 0 before the first.",
      "Tokenize"),
  SCANNED_VERSION(
      "scannedVersion",
      GAUGE,
      "version",
      "Last version whose scan is complete; 0 for none.",
      "Tokenize"),

  CLAIMS("claims", COUNTER, "claims", "Claims answered.", "Resolve"),
  REPAIRED(
      "repaired",
      COUNTER,
      "claims",
      "Claims whose nearest token was taken, and which got another.",
      "Resolve"),
  SUFFIXED(
      "suffixed",
      COUNTER,
      "claims",
      "Claims that got a suffix, because their prefix is full.",
      "Resolve"),
  QUARANTINED(
      "quarantinedTokens",
      GAUGE,
      "tokens",
      "Tokens given back that no item may have yet (resolve.quarantine), as of the newest version that a claim named.",
      "Resolve"),
  FULLEST_PREFIX(
      "fullestPrefix",
      GAUGE,
      "codes",
      "Last-level codes taken or resting under the fullest prefix of those claimed under since the start; where all are, items get suffixes.",
      "Resolve"),
  RELEASES("releases", COUNTER, "releases", "Tokens given back.", "Resolve"),
  UNKNOWN_RELEASES(
      "unknownReleases",
      COUNTER,
      "releases",
      "Releases of an item that the prefix does not know; ignored.",
      "Resolve"),

  TABLE_ITEMS(
      "tableItems",
      GAUGE,
      "items",
      "Tokens in the table. Only the sum over all subtasks says something.",
      "Publish"),
  ROWS("rows", COUNTER, "rows", "Token rows written.", "Publish"),
  ITEM_LATENCY(
      "itemLatencyMs",
      HISTOGRAM,
      "ms",
      "From the time of an item event's Kafka record to its token row, which readers have with the next checkpoint; of the newest 1,000. Rows of a scan, as of a new version, do not count.",
      "Publish"),
  TOMBSTONES("tombstones", COUNTER, "rows", "Tombstones written.", "Publish"),
  DROPPED_OLD(
      "droppedOld",
      COUNTER,
      "rows",
      "Answers dropped because a newer one of the item was published.",
      "Publish"),
  TOKENS_UNCHANGED(
      "tokensUnchanged",
      COUNTER,
      "rows",
      "Answers equal to the token that is published.",
      "Publish"),
  REPUBLISHED_ROWS(
      "republishedRows",
      COUNTER,
      "rows",
      "Rows and tombstones written again on request.",
      "Publish"),
  COMMITTED_VERSION(
      "committedVersion", GAUGE, "version", "Last version committed; 0 for none.", "Commit"),

  COMMITTED_SEEN(
      "committedSeen",
      GAUGE,
      "version",
      "The newest token version whose COMMIT readers have; 0 for none.",
      "Version ledger"),
  BEGUN_FOR(
      "begunForMs",
      GAUGE,
      "ms",
      "Time since the newest BEGIN, while readers do not have the COMMIT of its version; else 0. Where it grows beyond the time of a scan, a version does not come to its end.",
      "Version ledger"),
  UNSEEN_RECORDS(
      "unseenRecords",
      GAUGE,
      "records",
      "Version records that were said and not read back yet.",
      "Version ledger"),
  SAID_AGAIN(
      "saidAgain",
      COUNTER,
      "records",
      "Version records that readers did not get and that were said again.",
      "Version ledger"),
  REVISION_AGE(
      "revisionAgeMs",
      GAUGE,
      "ms",
      "Time since the newest revision, or since the start where none has come since.",
      "Version ledger"),
  VERSION_AGE(
      "versionAgeMs",
      GAUGE,
      "ms",
      "Time since the newest COMMIT of a token version, or since the start where none has come since.",
      "Version ledger"),
  ROUND_LOSS(
      "roundLoss",
      GAUGE,
      "loss",
      "Mean training loss of the newest round; NaN before the first since the start.",
      "Version ledger"),
  UTILISATION(
      "utilisation",
      GAUGE,
      "share",
      "Codewords that an item uses, of the newest candidate for a token version; NaN before the first since the start. Label level.",
      "Version ledger"),
  PERPLEXITY(
      "perplexity",
      GAUGE,
      "codewords",
      "Codewords that would be in use were all used alike, of the same. Label level.",
      "Version ledger"),
  RESEEDED(
      "reseeded",
      GAUGE,
      "codewords",
      "Codewords that were dead and re-seeded since the version in use, of the same. Label level.",
      "Version ledger"),
  ALONE_IN_TUPLE(
      "aloneInTuple",
      GAUGE,
      "share",
      "Items whose nearest tuple no other item has, of the same.",
      "Version ledger"),
  MOVED(
      "movedShare",
      GAUGE,
      "share",
      "Items of the newest committed version whose token is another than before; NaN before the first since the start.",
      "Version ledger"),
  LOST_TRANSACTIONS(
      "lostTransactions",
      COUNTER,
      "transactions",
      "Transactions that were found lost after a restart.",
      "Witness of tokens",
      "Witness of models",
      "Witness of id-embeddings",
      "Witness of dead-letters");

  /** Newest values that a histogram keeps. */
  private static final int WINDOW = 1000;

  /** Group of {@link #REJECTED} and {@link #GATE_DECISIONS}, and their label. */
  public static final String RULE = "rule";

  /** Second group, and label, of {@link #GATE_DECISIONS}. */
  public static final String OUTCOME = "outcome";

  /** Group, and label, of {@link #PART_LOSS}. */
  public static final String PART = "part";

  /** Group, and label, of {@link #SHARD_PHASE} and {@link #MERGE_PHASE}. */
  public static final String PHASE = "phase";

  /** Group, and label, of what there is once a level of the quantizer, from 1. */
  public static final String LEVEL = "level";

  /** What Flink's Prometheus reporter puts before an operator's metrics. */
  private static final String SCOPE = "flink_taskmanager_job_task_operator_";

  private final String metric;
  private final MetricKind kind;
  private final String unit;
  private final String about;
  private final List<String> operators;

  JobMetric(String metric, MetricKind kind, String unit, String about, String... operators) {
    this.metric = metric;
    this.kind = kind;
    this.unit = unit;
    this.about = about;
    this.operators = List.of(operators);
  }

  /** Its name in Flink, such as {@code droppedOld}. */
  public String metric() {
    return metric;
  }

  /** Counter, gauge or histogram. */
  public MetricKind kind() {
    return kind;
  }

  /** Of what it counts. */
  public String unit() {
    return unit;
  }

  /** What it tells, in a sentence. */
  public String about() {
    return about;
  }

  /** Names of the operators that have it, as Flink's web UI shows them. */
  public List<String> operators() {
    return operators;
  }

  /** Its name to Prometheus. */
  public String prometheus() {
    String label = label();
    return SCOPE + (label == null ? "" : label + "_") + metric;
  }

  /** What tells several of it in one operator apart; null where there is one. */
  private String label() {
    return switch (this) {
      case REJECTED -> RULE;
      case GATE_DECISIONS -> RULE + "_" + OUTCOME;
      case PART_LOSS -> PART;
      case SHARD_PHASE, MERGE_PHASE -> PHASE;
      case UTILISATION, PERPLEXITY, RESEEDED, DEAD_CODEWORDS -> LEVEL;
      default -> null;
    };
  }

  /** Registers a counter that the operator counts with. */
  public Counter counter(MetricGroup group) {
    require(COUNTER);
    return group.counter(metric);
  }

  /** Registers a counter of what the operator counts in its state, over restarts. */
  public void counter(MetricGroup group, LongSupplier count) {
    require(COUNTER);
    group.counter(metric, new StateCounter(count));
  }

  /** Registers one counter of several, told apart by a label. */
  public Counter counter(MetricGroup group, String label, String value) {
    require(COUNTER);
    return group.addGroup(label, value).counter(metric);
  }

  /** Registers a gauge of a whole number. */
  public void gauge(MetricGroup group, LongSupplier value) {
    require(GAUGE);
    group.gauge(metric, (Gauge<Long>) value::getAsLong);
  }

  /** Registers one gauge of several, told apart by the value of the label. */
  public void gauge(MetricGroup group, String value, DoubleSupplier number) {
    require(GAUGE);
    group.addGroup(label(), value).gauge(metric, (Gauge<Double>) number::getAsDouble);
  }

  /** Registers a gauge of a share: what there is of a whole, NaN where that is 0. */
  public void share(MetricGroup group, DoubleSupplier part, LongSupplier whole) {
    require(GAUGE);
    group.gauge(
        metric,
        (Gauge<Double>)
            () -> whole.getAsLong() == 0 ? Double.NaN : part.getAsDouble() / whole.getAsLong());
  }

  /** Registers a histogram, which any thread may tell of a value. */
  public Histogram histogram(MetricGroup group) {
    require(HISTOGRAM);
    return group.histogram(metric, new DescriptiveStatisticsHistogram(WINDOW));
  }

  private record StateCounter(LongSupplier count) implements Counter {
    @Override
    public long getCount() {
      return count.getAsLong();
    }

    @Override
    public void inc() {
      throw new UnsupportedOperationException("counted in state");
    }

    @Override
    public void inc(long n) {
      inc();
    }

    @Override
    public void dec() {
      inc();
    }

    @Override
    public void dec(long n) {
      inc();
    }
  }

  private void require(MetricKind asked) {
    if (kind != asked) {
      throw new IllegalStateException(
          "metric " + metric + " is a " + kind + " and cannot be registered as a " + asked);
    }
  }

  /** All of them as a Markdown table. */
  public static String markdownTable() {
    return "| metric | operator | kind, unit | |\n| --- | --- | --- | --- |\n"
        + Arrays.stream(values())
            .map(
                m ->
                    "| `%s` | %s | %s, %s | %s |\n"
                        .formatted(
                            m.metric, String.join(", ", m.operators), m.kind, m.unit, m.about))
            .collect(Collectors.joining());
  }
}
