package io.sidstream.job.tokenize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.metrics.JobMetric;
import io.sidstream.job.record.Claim;
import io.sidstream.job.record.DeadLetterRecord;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.TokenizerUpdate;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.quantize.ResidualQuantizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.metrics.groups.OperatorMetricGroup;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.runtime.metrics.util.InterceptingOperatorMetricGroup;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.runtime.state.StateBackend;
import org.apache.flink.state.rocksdb.EmbeddedRocksDBStateBackend;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.runtime.watermarkstatus.WatermarkStatus;
import org.apache.flink.streaming.util.AbstractStreamOperatorTestHarness;
import org.apache.flink.streaming.util.KeyedTwoInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * The tokenizer of these tests works on one number x: the first level is round(x / 10) of 0, 10,
 * 20, .., 90, the second the rest's nearest of -4 .. 5, both moved by a shift.
 */
class TokenizeOperatorTest {
  private static final int MAX_PARALLELISM = 16;

  /** Static, because operators are serialised. */
  private static InterceptingOperatorMetricGroup registered;

  private KeyedTwoInputStreamOperatorTestHarness<String, EmbeddedItem, TokenizerUpdate, Claim>
      harness;

  private static final class Measured extends TokenizeOperator {
    Measured(int batch, long linger, int slice) {
      super(batch, linger, slice, "items");
    }

    @Override
    public OperatorMetricGroup getMetricGroup() {
      return registered;
    }
  }

  private TokenizerUpdate newest;

  @AfterEach
  void close() throws Exception {
    if (harness != null) {
      harness.close();
    }
  }

  private static KeyedTwoInputStreamOperatorTestHarness<
          String, EmbeddedItem, TokenizerUpdate, Claim>
      open(
          int batch,
          long linger,
          int slice,
          OperatorSubtaskState from,
          int oldParallelism,
          int parallelism,
          int subtask,
          StateBackend backend)
          throws Exception {
    registered = new InterceptingOperatorMetricGroup();
    var harness =
        new KeyedTwoInputStreamOperatorTestHarness<String, EmbeddedItem, TokenizerUpdate, Claim>(
            new Measured(batch, linger, slice),
            e -> e.item,
            null,
            Types.STRING,
            MAX_PARALLELISM,
            parallelism,
            subtask);
    if (backend != null) {
      harness.setStateBackend(backend);
    }
    harness.setup();
    if (from != null) {
      harness.initializeState(
          AbstractStreamOperatorTestHarness.repartitionOperatorState(
              from, MAX_PARALLELISM, oldParallelism, parallelism, subtask));
    }
    harness.open();
    return harness;
  }

  private void start(int batch, long linger, int slice) throws Exception {
    harness = open(batch, linger, slice, null, 1, 1, 0, null);
  }

  private void restart(int batch, long linger, int slice) throws Exception {
    harness.prepareSnapshotPreBarrier(1);
    harness.getOutput().clear();
    OperatorSubtaskState state = harness.snapshot(1, 1);
    harness.close();
    harness = open(batch, linger, slice, state, 1, 1, 0, null);
    handOutAgain();
  }

  /** What NewestTokenizer does after a restart. */
  private void handOutAgain() throws Exception {
    while (mail(harness)) {
      // What an operator does before its inputs.
    }
    harness.processElement2(new StreamRecord<>(newest));
  }

  private static TokenizerUpdate update(int version, float shift, float tolerance) {
    float[] coarse = new float[10];
    float[] fine = new float[10];
    for (int k = 0; k < 10; k++) {
      coarse[k] = 10 * k + shift;
      fine[k] = k - 4;
    }
    TokenizerUpdate update = new TokenizerUpdate();
    update.version = version;
    update.revision = 100 + version;
    update.tokenizer =
        new TokenizerModel(
                new int[] {1, 1},
                new float[] {1, 0},
                new ResidualQuantizer(
                    List.of(
                        new Codebook(Metric.EUCLIDEAN, 10, 1, coarse),
                        new Codebook(Metric.EUCLIDEAN, 10, 1, fine))),
                new float[] {tolerance, tolerance})
            .toBytes();
    return update;
  }

  private void model(int version, float shift) throws Exception {
    newest = update(version, shift, 0);
    harness.processElement2(new StreamRecord<>(newest));
  }

  private static StreamRecord<EmbeddedItem> item(String id, float x) {
    EmbeddedItem item = new EmbeddedItem();
    item.item = id;
    item.vector = new float[] {x};
    item.time = (long) x;
    return new StreamRecord<>(item);
  }

  private static StreamRecord<EmbeddedItem> deletion(String id) {
    EmbeddedItem item = new EmbeddedItem();
    item.item = id;
    item.deleted = true;
    return new StreamRecord<>(item);
  }

  private void send(String id, float x) throws Exception {
    harness.processElement1(item(id, x));
  }

  private static boolean mail(AbstractStreamOperatorTestHarness<?> harness) throws Exception {
    if (!harness.getTaskMailbox().hasMail()) {
      return false;
    }
    harness.getTaskMailbox().take(TaskMailbox.MIN_PRIORITY).run();
    return true;
  }

  /** Runs mails, and the pauses between slices, until the operator rests. */
  private static void settle(AbstractStreamOperatorTestHarness<?> harness) throws Exception {
    while (mail(harness) || harness.getProcessingTimeService().getNumActiveTimers() > 0) {
      harness.setProcessingTime(harness.getProcessingTime() + 10);
    }
  }

  private List<String> out() {
    return out(harness);
  }

  /**
   * What was put out since the last call: "a claims 3.2 v1", "a leaves 3 v1", "a is gone from 3
   * v1", "mark 1".
   */
  private static List<String> out(AbstractStreamOperatorTestHarness<?> harness) {
    List<String> lines = new ArrayList<>();
    for (Object element : harness.getOutput()) {
      if (element instanceof Watermark mark) {
        lines.add("mark " + mark.getTimestamp());
      } else if (element instanceof StreamRecord<?> record
          && record.getValue() instanceof Claim c) {
        assertThat(record.getTimestamp()).isEqualTo(c.version);
        lines.add(
            c.release
                ? c.item
                    + (c.deleted ? " is gone from " : " leaves ")
                    + (c.tokenless() ? "nowhere" : c.prefix[0])
                    + " v"
                    + c.version
                : c.item + " claims " + c.prefix[0] + "." + c.chosen + " v" + c.version);
      } else {
        lines.add(String.valueOf(element));
      }
    }
    harness.getOutput().clear();
    return lines;
  }

  @Test
  void itemsWaitForTheFirstModel() throws Exception {
    start(1, 0, 2);
    send("a", 12);
    send("b", 33);
    send("c", 50);
    send("b", 34);
    harness.processElement1(deletion("c"));
    settle(harness);
    assertThat(out()).isEmpty();
    model(1, 0);
    settle(harness);
    List<String> out = out();
    assertThat(out.subList(0, 2)).containsExactlyInAnyOrder("a claims 1.6 v1", "b claims 3.8 v1");
    assertThat(out.subList(2, out.size())).containsExactly("mark 1");
  }

  private static long shown(JobMetric metric) {
    return (Long) ((Gauge<?>) registered.get(metric.metric())).getValue();
  }

  private static StateBackend rocksDb() {
    return new EmbeddedRocksDBStateBackend(false);
  }

  @Test
  void aScanSaysHowFarItIsWithoutAWalkOverState() throws Exception {
    harness = open(1, 0, 2, null, 1, 1, 0, rocksDb());
    for (int i = 0; i < 7; i++) {
      send("item-" + i, 10 * i);
    }
    send("item-3", 31);
    harness.processElement1(deletion("item-6"));
    harness.processElement1(deletion("never"));
    settle(harness);
    assertThat(shown(JobMetric.SCAN_TOTAL)).isZero();
    long began = harness.getProcessingTime();
    model(1, 0);
    assertThat(shown(JobMetric.SCAN_TOTAL)).isEqualTo(6);
    assertThat(shown(JobMetric.SCAN_LEFT)).as("no pace yet").isZero();
    harness.getProcessingTimeService().setCurrentTime(began + 300);
    mail(harness);
    assertThat(shown(JobMetric.SCAN_ITEMS)).isEqualTo(2);
    assertThat(shown(JobMetric.SCAN_LEFT)).isEqualTo(600);
    settle(harness);
    assertThat(shown(JobMetric.SCAN_ITEMS)).isEqualTo(6);
    assertThat(shown(JobMetric.SCAN_LEFT)).isZero();

    send("item-7", 70);
    send("item-8", 80);
    send("item-8", 81);
    harness.processElement1(deletion("item-0"));
    OperatorSubtaskState state = harness.snapshot(1, 1);
    harness.close();
    harness = open(1, 0, 2, state, 1, 1, 0, rocksDb());
    handOutAgain();
    model(2, 1);
    assertThat(shown(JobMetric.SCAN_TOTAL)).isEqualTo(7);
    settle(harness);
    assertThat(shown(JobMetric.SCAN_ITEMS)).isEqualTo(7);

    // Of two subtasks each has half of the keys, and then what it has found.
    state = harness.snapshot(2, 2);
    harness.close();
    harness = open(1, 0, 2, state, 1, 2, 1, rocksDb());
    handOutAgain();
    model(3, 2);
    assertThat(shown(JobMetric.SCAN_TOTAL)).isBetween(3L, 7L);
    settle(harness);
    assertThat(shown(JobMetric.SCAN_TOTAL)).isEqualTo(shown(JobMetric.SCAN_ITEMS));
    model(4, 3);
    settle(harness);
    assertThat(shown(JobMetric.SCAN_TOTAL)).isEqualTo(shown(JobMetric.SCAN_ITEMS)).isLessThan(7);
  }

  @Test
  void theOldestOfAMicroBatchSaysHowLongItWaits() throws Exception {
    start(10, 1_000, 2);
    model(1, 0);
    settle(harness);
    harness.getProcessingTimeService().setCurrentTime(50_000);
    assertThat(shown(JobMetric.TOKENIZE_WAITING)).isZero();
    send("a", 12);
    harness.getProcessingTimeService().setCurrentTime(50_300);
    send("b", 13);
    harness.getProcessingTimeService().setCurrentTime(50_700);
    assertThat(shown(JobMetric.TOKENIZE_WAITING)).isEqualTo(700);
    harness.setProcessingTime(51_000);
    assertThat(shown(JobMetric.TOKENIZE_WAITING)).isZero();
    send("c", 14);
    assertThat(shown(JobMetric.TOKENIZE_WAITING)).isZero();
  }

  @Test
  void aClaimSaysEverything() throws Exception {
    start(1, 0, 2);
    model(1, 0);
    settle(harness);
    out();
    send("a", 12.25f);
    Claim claim = harness.extractOutputValues().get(0);
    assertThat(claim.release).isFalse();
    assertThat(claim.version).isEqualTo(1);
    assertThat(claim.revision).isEqualTo(101);
    assertThat(claim.time).isEqualTo(12);
    assertThat(claim.prefix).containsExactly(1);
    assertThat(claim.chosen).isEqualTo(6);
    assertThat(claim.lastDistances).hasSize(10);
    assertThat(
            IntStream.range(0, 10)
                .boxed()
                .sorted(Comparator.comparing(k -> claim.lastDistances[k])))
        .startsWith(6, 7, 5, 8);
    assertThat(claim.distances[1]).isEqualTo(.0625f);
    assertThat(claim.margins[1]).isEqualTo(.5f);
  }

  @Test
  void aClaimSaysWhenItsItemCameUnlessAScanSentIt() throws Exception {
    start(2, 5, 2);
    harness.processElement1(new StreamRecord<>(item("a", 12).getValue(), 7_000));
    model(1, 0);
    settle(harness);
    assertThat(harness.extractOutputValues()).extracting(c -> c.arrived).containsExactly(0L);
    Histogram time = (Histogram) registered.get(JobMetric.ENCODE_TIME.metric());
    assertThat(time.getCount()).as("scans are no micro-batches").isZero();
    harness.getOutput().clear();

    harness.processElement1(new StreamRecord<>(item("b", 23).getValue(), 8_000));
    harness.processElement1(new StreamRecord<>(item("a", 45).getValue(), 9_000));
    assertThat(harness.extractOutputValues().stream().filter(c -> !c.release))
        .extracting(c -> c.item + " " + c.arrived)
        .containsExactly("b 8000", "a 9000");
    assertThat(time.getCount()).isEqualTo(1);
    harness.getOutput().clear();

    model(2, 3);
    settle(harness);
    assertThat(harness.extractOutputValues())
        .isNotEmpty()
        .allSatisfy(c -> assertThat(c.arrived).isZero());
    assertThat(time.getCount()).isEqualTo(1);
    harness.getOutput().clear();

    // What came before the tokenizer, after a restart, is no less an arrival.
    OperatorSubtaskState state = harness.snapshot(1, 1);
    harness.close();
    harness = open(1, 0, 2, state, 1, 1, 0, null);
    harness.processElement1(new StreamRecord<>(item("c", 67).getValue(), 9_500));
    handOutAgain();
    assertThat(harness.extractOutputValues()).extracting(c -> c.arrived).containsExactly(9_500L);
  }

  @Test
  void aBatchIsFullOrOldOrBeforeABarrier() throws Exception {
    start(2, 5, 2);
    model(1, 0);
    settle(harness);
    out();
    send("a", 10);
    assertThat(out()).isEmpty();
    send("b", 20);
    assertThat(out()).containsExactly("a claims 1.4 v1", "b claims 2.4 v1");
    send("c", 30);
    harness.setProcessingTime(harness.getProcessingTime() + 4);
    assertThat(out()).isEmpty();
    harness.setProcessingTime(harness.getProcessingTime() + 1);
    assertThat(out()).containsExactly("c claims 3.4 v1");
    send("d", 40);
    harness.prepareSnapshotPreBarrier(1);
    assertThat(out()).containsExactly("d claims 4.4 v1");
  }

  @Test
  void onlyChangedCodesMakeClaims() throws Exception {
    start(1, 0, 2);
    model(1, 0);
    settle(harness);
    send("a", 12);
    out();
    send("a", 12);
    assertThat(out()).isEmpty();
    send("a", 12.125f);
    assertThat(out()).isEmpty();
    send("a", 13);
    assertThat(out()).containsExactly("a claims 1.7 v1");
    send("a", 23);
    assertThat(out()).containsExactly("a leaves 1 v1", "a claims 2.7 v1");
    harness.processElement1(deletion("a"));
    assertThat(out()).containsExactly("a is gone from 2 v1");
    harness.processElement1(deletion("a"));
    assertThat(out()).containsExactly("a is gone from nowhere v1");
    assertThat(harness.numKeyedStateEntries()).isZero();
    send("a", 23);
    assertThat(out()).containsExactly("a claims 2.7 v1");
  }

  @Test
  void aDeletionTakesAnItemOutOfItsBatch() throws Exception {
    start(10, 5, 2);
    model(1, 0);
    settle(harness);
    out();
    send("a", 12);
    harness.processElement1(deletion("a"));
    settle(harness);
    // A run from a newer checkpoint may have taken them apart, and given it a row.
    assertThat(out()).containsExactly("a is gone from nowhere v1");
    assertThat(harness.numKeyedStateEntries()).isZero();
  }

  @Test
  void aNewVersionMovesOnlyWhatItMustAndPassesNewItemsInBetween() throws Exception {
    start(1, 0, 2);
    model(1, 0);
    settle(harness);
    for (int i = 0; i < 6; i++) {
      send("i" + i, 10 * i);
    }
    out();
    model(2, 1);
    assertThat(mail(harness)).isTrue();
    assertThat(out()).hasSize(2).allMatch(s -> s.endsWith(".3 v2"));
    send("new", 70);
    assertThat(out()).containsExactly("new claims 7.3 v2");
    settle(harness);
    List<String> rest = out();
    assertThat(rest).hasSize(5).endsWith("mark 2").noneMatch(s -> s.startsWith("new"));
    // Nothing moves when the codebooks do not.
    model(3, 1);
    settle(harness);
    assertThat(out()).containsExactly("mark 3");
  }

  @Test
  void itemsStayWithinTheToleranceUntilTheirVectorChanges() throws Exception {
    start(1, 0, 2);
    harness.processElement2(new StreamRecord<>(update(1, 0, 0)));
    settle(harness);
    send("a", 10.25f);
    out();
    // Nearest is now 9.625 + 1 (distance .375 squared), kept is 9.625 + 0 (.625 squared, 2.8 times
    // as far).
    harness.processElement2(new StreamRecord<>(update(2, -.375f, 4)));
    settle(harness);
    assertThat(out()).containsExactly("mark 2");
    send("a", 10.375f);
    assertThat(out()).containsExactly("a claims 1.5 v2");
    harness.processElement2(new StreamRecord<>(update(3, .625f, .5f)));
    settle(harness);
    assertThat(out()).containsExactly("a claims 1.4 v3", "mark 3");
  }

  @Test
  void versionsWaitForTheScanBeforeThem() throws Exception {
    start(1, 0, 1);
    send("a", 10);
    send("b", 20);
    model(1, 0);
    model(2, 1);
    model(2, 5);
    model(3, 2);
    model(1, 7);
    settle(harness);
    assertThat(out().stream().filter(s -> s.startsWith("mark")))
        .containsExactly("mark 1", "mark 2", "mark 3");
    send("c", 40);
    assertThat(out()).containsExactly("c claims 4.2 v3");
  }

  @Test
  void aScanLeavesHalfOfTheTimeToArrivals() throws Exception {
    start(1, 0, 1);
    for (int i = 0; i < 4; i++) {
      send("i" + i, 10 * i);
    }
    model(1, 0);
    mail(harness);
    // Items arrived before the first slice: a pause follows it, not a mail.
    assertThat(harness.getTaskMailbox().hasMail()).isFalse();
    harness.setProcessingTime(harness.getProcessingTime() + 1000);
    assertThat(harness.getTaskMailbox().hasMail()).isTrue();
    settle(harness);
    assertThat(out()).hasSize(5).endsWith("mark 1");
  }

  @Test
  void upstreamWatermarksAndIdlenessStop() throws Exception {
    start(1, 0, 1);
    harness.processBothWatermarks(new Watermark(99));
    harness.processWatermarkStatus1(WatermarkStatus.IDLE);
    harness.processWatermarkStatus2(WatermarkStatus.IDLE);
    assertThat(harness.getOutput()).isEmpty();
  }

  @Test
  void theLastCompleteVersionIsSaidAgainAfterARestart() throws Exception {
    start(4, 5, 2);
    send("a", 10);
    model(1, 0);
    settle(harness);
    restart(4, 5, 2);
    settle(harness);
    assertThat(out()).containsExactly("mark 1");
    send("a", 12);
    settle(harness);
    assertThat(out()).containsExactly("a claims 1.6 v1");
  }

  @Test
  void anItemThatComesBeforeTheScanGoesOnKeepsWhatIsKnownOfIt() throws Exception {
    start(1, 0, 1);
    send("a", 10);
    send("b", 20);
    model(1, 0);
    mail(harness);
    String first = out().get(0).substring(0, 1);
    restart(1, 0, 1);
    send(first, 50);
    List<String> out = out();
    assertThat(out).hasSize(2);
    assertThat(out.get(0)).startsWith(first + " leaves ");
    assertThat(out.get(1)).isEqualTo(first + " claims 5.4 v1");
  }

  @Test
  void whatArrivesBeforeTheTokenizerWaitsForIt() throws Exception {
    start(1, 0, 1);
    model(1, 0);
    settle(harness);
    send("a", 10);
    send("b", 20);
    harness.prepareSnapshotPreBarrier(1);
    OperatorSubtaskState state = harness.snapshot(1, 1);
    harness.close();
    harness = open(1, 0, 1, state, 1, 1, 0, null);
    send("a", 50);
    harness.processElement1(deletion("b"));
    send("new", 70);
    send("a", 60);
    assertThat(out()).isEmpty();
    handOutAgain();
    assertThat(out())
        .containsExactly(
            "mark 1",
            "a leaves 1 v1",
            "a claims 5.4 v1",
            "b is gone from 2 v1",
            "new claims 7.4 v1",
            "a leaves 5 v1",
            "a claims 6.4 v1");
    model(2, 1);
    settle(harness);
    assertThat(out()).hasSize(3).endsWith("mark 2");
  }

  @Test
  void whatArrivesBeforeTheTokenizerOfAScanIsEncodedOnce() throws Exception {
    start(1, 0, 1);
    model(1, 0);
    settle(harness);
    send("a", 10);
    send("b", 20);
    out();
    model(2, 1);
    harness.prepareSnapshotPreBarrier(1);
    OperatorSubtaskState state = harness.snapshot(1, 1);
    harness.close();
    harness = open(1, 0, 1, state, 1, 1, 0, null);
    send("a", 50);
    handOutAgain();
    settle(harness);
    assertThat(out())
        .containsExactly("mark 1", "a leaves 1 v2", "a claims 5.3 v2", "b claims 2.3 v2", "mark 2");
  }

  @Test
  void aRestartBeforeTheFirstTokenizerHoldsNothingBack() throws Exception {
    start(1, 0, 1);
    send("a", 10);
    harness.prepareSnapshotPreBarrier(1);
    OperatorSubtaskState state = harness.snapshot(1, 1);
    harness.close();
    harness = open(1, 0, 1, state, 1, 1, 0, null);
    send("b", 20);
    // Nothing was sent before the barrier, so there is no tokenizer.
    harness.prepareSnapshotPreBarrier(2);
    state = harness.snapshot(2, 2);
    harness.close();
    harness = open(1, 0, 1, state, 1, 1, 0, null);
    model(1, 0);
    settle(harness);
    assertThat(out()).containsExactlyInAnyOrder("a claims 1.4 v1", "b claims 2.4 v1", "mark 1");
  }

  @Test
  void itemsOfATokenizerThatIsLostAreNotTakenForNewOnes() throws Exception {
    start(1, 0, 1);
    model(1, 0);
    settle(harness);
    send("a", 10);
    harness.prepareSnapshotPreBarrier(1);
    OperatorSubtaskState state = harness.snapshot(1, 1);
    harness.close();
    harness = open(1, 0, 1, state, 1, 1, 0, null);
    send("a", 50);
    assertThatThrownBy(() -> harness.prepareSnapshotPreBarrier(2))
        .hasMessageContaining("item 'a' has codes of token version 1, but no tokenizer came");
  }

  @Test
  void anInterruptedScanGoesOn() throws Exception {
    for (StateBackend backend : new StateBackend[] {null, new EmbeddedRocksDBStateBackend()}) {
      for (int parallelism : new int[] {1, 3}) {
        interruptedScan(backend, parallelism);
      }
    }
  }

  private void interruptedScan(StateBackend backend, int parallelism) throws Exception {
    harness = open(8, 5, 7, null, 1, 1, 0, backend);
    Map<String, Long> seqs = new HashMap<>();
    for (int i = 0; i < 50; i++) {
      send("i" + i, 10 * (i % 10) + i % 4 + .25f);
    }
    model(1, 0);
    settle(harness);
    long clock = 0;
    for (Claim claim : harness.extractOutputValues()) {
      clock = Math.max(clock, claim.seq);
    }
    out();
    model(2, 1);
    mail(harness);
    mail(harness);
    Set<String> moved = new HashSet<>();
    for (Claim claim : harness.extractOutputValues()) {
      seqs.put(claim.item, claim.seq);
      clock = Math.max(clock, claim.seq);
      if (!claim.release) {
        assertThat(moved.add(claim.item)).isTrue();
      }
    }
    assertThat(moved).hasSize(14);
    harness.prepareSnapshotPreBarrier(1);
    OperatorSubtaskState state = harness.snapshot(1, 1);
    // What happens after the checkpoint is lost.
    settle(harness);
    harness.close();
    for (int subtask = 0; subtask < parallelism; subtask++) {
      harness = open(8, 5, 7, state, 1, parallelism, subtask, backend);
      handOutAgain();
      settle(harness);
      List<Long> marks = new ArrayList<>();
      for (Object element : harness.getOutput()) {
        if (element instanceof Watermark mark) {
          marks.add(mark.getTimestamp());
        }
      }
      assertThat(marks).containsExactly(1L, 2L);
      for (Claim claim : harness.extractOutputValues()) {
        assertThat(claim.version).isEqualTo(2);
        assertThat(claim.seq).isGreaterThan(clock);
        if (!claim.release) {
          assertThat(moved.add(claim.item)).as(claim.item + " claims once").isTrue();
        }
      }
      // The clock has not gone back, wherever the item went.
      for (String item : seqs.keySet()) {
        if (KeyGroupRangeAssignment.assignKeyToParallelOperator(item, MAX_PARALLELISM, parallelism)
            == subtask) {
          harness.getOutput().clear();
          harness.processElement1(deletion(item));
          harness.processElement1(item(item, 91));
          harness.prepareSnapshotPreBarrier(2);
          long last = seqs.get(item);
          for (Claim claim : harness.extractOutputValues()) {
            assertThat(claim.seq).isGreaterThan(last);
            last = claim.seq;
          }
        }
      }
      harness.close();
    }
    harness = null;
    assertThat(moved).hasSize(50);
  }

  @Test
  void theEndOfTheInputsEndsTheScan() throws Exception {
    start(8, 5, 1);
    send("a", 10);
    send("b", 20);
    model(1, 0);
    mail(harness);
    send("c", 30);
    harness.endAllInputs();
    harness.getOperator().finish();
    assertThat(out()).hasSize(4).contains("c claims 3.4 v1").endsWith("mark 1");
  }

  @Test
  void aVectorOfAnotherLengthIsNamed() throws Exception {
    start(1, 0, 1);
    model(1, 0);
    settle(harness);
    EmbeddedItem wrong = new EmbeddedItem();
    wrong.item = "a";
    wrong.vector = new float[] {1, 2};
    assertThatThrownBy(() -> harness.processElement1(new StreamRecord<>(wrong)))
        .hasMessage(
            "item 'a' has a vector of 2 numbers, token version 1 needs 1: set content.dim to that of the model");
  }

  /** The encoder's numbers overflow where x is 1e30 and is squared. */
  @Test
  void aVectorThatCannotBeEncodedIsADeadLetterAndStopsNothing() throws Exception {
    start(4, 5, 1);
    send("early", 1e30f);
    send("a", 10);
    model(1, 0);
    settle(harness);
    assertThat(out()).contains("a claims 1.4 v1").endsWith("mark 1");
    assertThat(deadLetters())
        .containsExactly(
            "items -1@-1 early VECTOR_NOT_ENCODABLE the vector, of norm 1.0000000150474662E30, overflows in token version 1; expected: numbers of the size of other items' (see ingest.max-vector-norm). The item keeps no token");

    send("b", 20);
    send("a", 1e30f);
    send("new", 1e30f);
    send("c", 30);
    assertThat(out()).contains("b claims 2.4 v1", "c claims 3.4 v1");
    assertThat(deadLetters()).hasSize(3);
    assertThat(deadLetters().get(1)).contains(" a VECTOR").endsWith("keeps the token that it has");
    assertThat(deadLetters().get(2)).contains(" new VECTOR").endsWith("keeps no token");

    restart(4, 5, 1);
    model(2, 1);
    settle(harness);
    assertThat(out())
        .as("the item is encoded as it was")
        .anyMatch(claim -> claim.startsWith("a claims "))
        .endsWith("mark 2");
    assertThat(deadLetters()).singleElement().asString().contains(" early ", "version 2");
  }

  private List<String> deadLetters() {
    List<String> letters = new ArrayList<>();
    var side = harness.getSideOutput(DeadLetterRecord.DEAD_LETTERS);
    if (side != null) {
      for (StreamRecord<DeadLetterRecord> record : side) {
        DeadLetterRecord letter = record.getValue();
        letters.add(
            "%s %d@%d %s %s %s"
                .formatted(
                    letter.topic,
                    letter.partition,
                    letter.offset,
                    new String(letter.key, StandardCharsets.UTF_8),
                    letter.code,
                    letter.reason));
      }
    }
    return letters;
  }

  @Test
  void refusesNonsense() {
    assertThatThrownBy(() -> new TokenizeOperator(0, 5, 512, "items"))
        .hasMessageContaining("tokenize.batch=0")
        .hasMessageContaining("at least 1");
  }
}
