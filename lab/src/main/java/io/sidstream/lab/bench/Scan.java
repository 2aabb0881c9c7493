package io.sidstream.lab.bench;

import io.sidstream.cli.ProcessorTime;
import io.sidstream.cli.run.JobRun;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Topics;
import io.sidstream.job.metrics.JobMetric;
import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.ControlMessage;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.WireFormat;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.runtime.checkpoint.AbstractCheckpointStats;
import org.apache.flink.runtime.checkpoint.CheckpointStatsStatus;
import org.apache.flink.runtime.testutils.InMemoryReporter;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * What new items and checkpoints see of a scan in which a new token version re-encodes all items.
 *
 * <p>The learner works as it does by default, but every round ends in a candidate; candidates are
 * held, so that what is measured first is the same job without a scan, until one is forced.
 */
final class Scan {
  private static final String TOKENIZE = "Tokenize";
  private static final long TIMEOUT_S = 1_800;
  private static final long LOOK_MS = 5;

  private final BenchedJob job;
  private final List<String> settings;
  private final int seconds;
  private final int itemsASecond;
  private final InMemoryReporter metrics = InMemoryReporter.create();

  /**
   * A scan of a job that has its first model.
   *
   * @param sets settings of the user, which win
   * @param seconds how long it is measured before the scan, and how long it runs before that
   * @param itemsASecond new items meanwhile
   */
  Scan(BenchedJob job, List<String> sets, int seconds, int itemsASecond) {
    this.job = job;
    this.seconds = seconds;
    this.itemsASecond = itemsASecond;
    settings = new ArrayList<>();
    for (var option :
        List.of(
            JobOptions.LEARN_ROUND_INTERACTIONS,
            JobOptions.LEARN_ROUND_STEPS,
            JobOptions.LEARN_DUTY_CYCLE)) {
      settings.add(option.key() + "=" + option.defaultValue());
    }
    settings.add(JobOptions.QUANTIZER_ROUND_EVERY.key() + "=1");
    settings.addAll(sets);
  }

  /** Has a version begin and waits until it is committed; figures before it and meanwhile. */
  Map<String, Object> measure() throws Exception {
    say(ControlAction.HOLD);
    try (JobRun run = job.start(metrics, settings);
        NewItems items = new NewItems(job, itemsASecond)) {
      await(run, items, seconds);
      Moment began = Moment.now();
      await(run, items, seconds);
      Moment forced = Moment.now();
      int version = figures(run, JobMetric.ENCODING_VERSION).max().orElse(0);
      say(ControlAction.FORCE);
      // For a round, where the learner has learnt from all there was.
      job.load.write(0, roundInteractions());
      while (figures(run, JobMetric.ENCODING_VERSION).max().orElse(0) <= version) {
        await(run, items, forced);
      }
      Moment scanBegan = Moment.now();
      ThreadTimes.Used used = ThreadTimes.now();
      while (figures(run, JobMetric.SCANNED_VERSION).min().orElse(0) <= version) {
        await(run, items, forced);
      }
      Moment scanned = Moment.now();
      int claims = figures(run, JobMetric.SCAN_MOVED).sum();
      while (items.committed() == null || items.committed().record().getVersion() <= version) {
        await(run, items, forced);
      }
      Moment ended = Moment.now();
      ThreadTimes threads = new ThreadTimes();
      threads.add(used, ended.cpuNanos - scanBegan.cpuNanos);
      NewItems.Committed committed = items.committed();
      while (items.waits(ended.nanos)) {
        await(run, items, forced);
      }
      VersionRecord record = committed.record();
      Map<String, Object> figures = new LinkedHashMap<>();
      figures.put("items", record.getItems());
      // Items whose codes differ; of a COMMIT's figures those since the one before, which most of
      // them have come after.
      figures.put("claims", claims);
      double scan = (scanned.nanos - scanBegan.nanos) / 1e9;
      figures.put("scanSeconds", rounded(scan));
      figures.put("itemsPerSecond", Math.round(record.getItems() / scan));
      figures.put("secondsToCommit", rounded((committed.nanos() - scanBegan.nanos) / 1e9));
      // Of all that the process did meanwhile, learning and new items included.
      figures.put("cpuMicrosPerItemByThread", threads.micros(record.getItems()));
      figures.put("newItemsPerSecond", itemsASecond);
      figures.put("before", figures(run, items, began, forced));
      figures.put("meanwhile", figures(run, items, scanBegan, ended));
      return figures;
    }
  }

  private int roundInteractions() {
    return JobConfig.load(null, settings).get(JobOptions.LEARN_ROUND_INTERACTIONS);
  }

  /** A moment by all clocks. */
  private record Moment(long nanos, long millis, long cpuNanos) {
    static Moment now() {
      return new Moment(System.nanoTime(), System.currentTimeMillis(), ProcessorTime.nanos());
    }
  }

  private void await(JobRun run, NewItems items, int seconds) throws Exception {
    long until = System.nanoTime() + TimeUnit.SECONDS.toNanos(seconds);
    while (System.nanoTime() - until < 0) {
      look(run, items);
    }
  }

  private void await(JobRun run, NewItems items, Moment since) throws Exception {
    look(run, items);
    if (System.nanoTime() - since.nanos > TimeUnit.SECONDS.toNanos(TIMEOUT_S)) {
      throw new IllegalStateException(
          "no new token version is committed, with a token of every item, in " + TIMEOUT_S + " s");
    }
  }

  private void look(JobRun run, NewItems items) throws Exception {
    TimeUnit.MILLISECONDS.sleep(LOOK_MS);
    job.requireRunning(run);
    items.requireRunning();
  }

  /** What each subtask of Tokenize says. */
  private IntStream figures(JobRun run, JobMetric metric) {
    return metrics.findOperatorMetricGroups(run.id(), TOKENIZE).stream()
        .map(subtask -> metrics.getMetricsByGroup(subtask).get(metric.metric()))
        .mapToInt(gauge -> ((Number) ((Gauge<?>) gauge).getValue()).intValue());
  }

  private void say(ControlAction action) throws Exception {
    ControlMessage message = new ControlMessage(action, "bench", "bench", Instant.now());
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of(
                ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
                job.config.get(JobOptions.KAFKA_BOOTSTRAP)),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      producer
          .send(new ProducerRecord<>(Topics.control(job.config), new WireFormat().encode(message)))
          .get();
    }
  }

  private static Map<String, Object> figures(JobRun run, NewItems items, Moment from, Moment to)
      throws Exception {
    List<AbstractCheckpointStats> checkpoints =
        run.checkpoints().getHistory().getCheckpoints().stream()
            .filter(c -> c.getTriggerTimestamp() <= to.millis)
            .filter(c -> c.getTriggerTimestamp() + c.getEndToEndDuration() >= from.millis)
            .toList();
    Map<String, Object> figures = new LinkedHashMap<>();
    figures.put("seconds", rounded((to.nanos - from.nanos) / 1e9));
    figures.put(
        "cores", rounded((to.cpuNanos - from.cpuNanos) / 1e9 / ((to.nanos - from.nanos) / 1e9)));
    figures.put("latencyMs", spread(items.latencies(from.nanos, to.nanos)));
    figures.put(
        "checkpointMs", ofCompleted(checkpoints, AbstractCheckpointStats::getEndToEndDuration));
    figures.put(
        "checkpointBytes", ofCompleted(checkpoints, AbstractCheckpointStats::getCheckpointedSize));
    figures.put(
        "failedCheckpoints",
        checkpoints.stream().filter(c -> c.getStatus() == CheckpointStatsStatus.FAILED).count());
    return figures;
  }

  private static Map<String, Long> ofCompleted(
      List<AbstractCheckpointStats> checkpoints, ToLongFunction<AbstractCheckpointStats> figure) {
    return spread(
        checkpoints.stream().filter(c -> c.getStatus().isCompleted()).mapToLong(figure).toArray());
  }

  private static Map<String, Long> spread(long[] values) {
    long[] sorted = LongStream.of(values).sorted().toArray();
    int n = sorted.length;
    Map<String, Long> spread = new LinkedHashMap<>();
    spread.put("count", (long) n);
    if (n > 0) {
      spread.put("p50", sorted[(n - 1) / 2]);
      // The smallest that 99 % do not exceed.
      spread.put("p99", sorted[(int) Math.ceil(.99 * n) - 1]);
      spread.put("max", sorted[n - 1]);
    }
    return spread;
  }

  private static double rounded(double value) {
    return Math.round(value * 1000) / 1000.0;
  }
}
