package io.sidstream.job.resolve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.config.JobOptions.ResolveStrategy;
import io.sidstream.job.metrics.JobMetric;
import io.sidstream.job.metrics.KeptMetrics;
import io.sidstream.job.record.Claim;
import io.sidstream.job.record.Resolved;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.metrics.groups.OperatorMetricGroup;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.api.watermark.Watermark;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ResolveFunctionTest {
  private KeyedOneInputStreamOperatorTestHarness<String, Claim, Resolved> harness;
  private final KeptMetrics metrics = new KeptMetrics();
  private long seq;

  /** Resolve, with its metrics at hand. */
  private static final class MeasuredResolve extends KeyedProcessOperator<String, Claim, Resolved> {
    private final transient KeptMetrics kept;

    MeasuredResolve(ResolveFunction function, KeptMetrics kept) {
      super(function);
      this.kept = kept;
    }

    @Override
    public OperatorMetricGroup getMetricGroup() {
      return kept;
    }
  }

  @AfterEach
  void close() throws Exception {
    if (harness != null) {
      harness.close();
    }
  }

  private void start(ResolveStrategy strategy, int quarantine, OperatorSubtaskState from)
      throws Exception {
    if (harness != null) {
      harness.close();
    }
    harness =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new MeasuredResolve(new ResolveFunction(strategy, quarantine), metrics),
            ResolveFunction.BY_PREFIX,
            Types.STRING);
    harness.setup();
    if (from != null) {
      harness.initializeState(from);
    }
    harness.open();
  }

  private void start(ResolveStrategy strategy, int quarantine) throws Exception {
    start(strategy, quarantine, null);
  }

  /**
   * Claims last codes, nearest first, under prefix 12.7; the token as {@code last code + suffix *
   * 1000}.
   */
  private int claim(String item, int version, int... candidates) throws Exception {
    Claim claim = message(item, version);
    claim.chosen = candidates[0];
    claim.lastDistances = new float[256];
    Arrays.fill(claim.lastDistances, Float.POSITIVE_INFINITY);
    for (int i = 0; i < candidates.length; i++) {
      claim.lastDistances[candidates[i]] = i;
    }
    claim.arrived = 5000 + seq;
    harness.processElement(claim, version);
    Resolved answer = last();
    assertThat(answer.arrived).isEqualTo(claim.arrived);
    assertThat(answer.item).isEqualTo(item);
    assertThat(answer.seq).isEqualTo(claim.seq);
    assertThat(answer.codes).startsWith(12, 7);
    assertThat(answer.nearest).containsExactly(12, 7, candidates[0]);
    return answer.codes[2] + 1000 * answer.suffix;
  }

  private void release(String item, int version, boolean deleted) throws Exception {
    Claim claim = message(item, version);
    claim.release = true;
    claim.deleted = deleted;
    harness.processElement(claim, version);
  }

  private Claim message(String item, int version) {
    Claim claim = new Claim();
    claim.item = item;
    claim.seq = ++seq;
    claim.version = version;
    claim.prefix = new int[] {12, 7};
    return claim;
  }

  private Resolved last() {
    List<Resolved> all = harness.extractOutputValues();
    return all.get(all.size() - 1);
  }

  @Test
  void aCollidingItemGetsTheNearestFreeCode() throws Exception {
    start(ResolveStrategy.NEAREST_FREE, 1);
    assertThat(claim("a", 1, 3, 5, 9)).isEqualTo(3);
    assertThat(claim("b", 1, 3, 5, 9)).isEqualTo(5);
    assertThat(claim("c", 1, 3, 5, 9)).isEqualTo(9);
    assertThat(claim("d", 1, 9, 4)).isEqualTo(4);
  }

  @Test
  void whatRestsAndTheFullestPrefixAreMeasured() throws Exception {
    start(ResolveStrategy.NEAREST_FREE, 2);
    claim("a", 1, 3, 5, 9);
    claim("b", 1, 3, 5, 9);
    claim("c", 1, 3, 5, 9);
    assertThat(metrics.value(JobMetric.QUARANTINED)).isZero();
    assertThat(metrics.value(JobMetric.FULLEST_PREFIX)).isEqualTo(3);
    release("a", 1, true);
    assertThat(metrics.value(JobMetric.QUARANTINED)).isEqualTo(1);
    // That of a rests, and b leaves its own for 4: one is taken more, two rest.
    claim("b", 2, 4);
    release("c", 2, true);
    assertThat(metrics.value(JobMetric.QUARANTINED)).isEqualTo(3);
    assertThat(metrics.value(JobMetric.FULLEST_PREFIX)).isEqualTo(4);

    OperatorSubtaskState state = harness.snapshot(1, 1);
    start(ResolveStrategy.NEAREST_FREE, 2, state);
    assertThat(metrics.value(JobMetric.QUARANTINED)).isEqualTo(3);
    // What was given back under version 1 may be had.
    claim("d", 3, 3);
    assertThat(metrics.value(JobMetric.QUARANTINED)).isEqualTo(2);
    claim("d", 4, 3);
    assertThat(metrics.value(JobMetric.QUARANTINED)).isZero();
    assertThat(metrics.value(JobMetric.FULLEST_PREFIX)).isEqualTo(4);
  }

  @Test
  void anItemKeepsItsCodeWhileItChoosesTheSame() throws Exception {
    start(ResolveStrategy.NEAREST_FREE, 1);
    claim("a", 1, 3, 5);
    assertThat(claim("b", 1, 3, 5)).isEqualTo(5);
    release("a", 1, true);
    // 3 is free again, and other candidates are nearer by now.
    assertThat(claim("b", 2, 3, 1, 2)).isEqualTo(5);
  }

  @Test
  void itsOwnCodeCountsAsFreeWhenItChoosesAnother() throws Exception {
    start(ResolveStrategy.NEAREST_FREE, 1);
    claim("a", 1, 3, 5);
    assertThat(claim("b", 1, 3, 5)).isEqualTo(5);
    assertThat(claim("b", 2, 5, 3)).isEqualTo(5);
    assertThat(claim("b", 3, 3, 5, 6)).isEqualTo(5);
    assertThat(claim("c", 3, 5, 6)).isEqualTo(6);
  }

  @Test
  void whatIsGivenBackRestsForTheQuarantine() throws Exception {
    for (int quarantine = 1; quarantine <= 3; quarantine++) {
      start(ResolveStrategy.NEAREST_FREE, quarantine);
      claim("a", 4, 3);
      release("a", 4, true);
      for (int version = 4; version < 4 + quarantine; version++) {
        assertThat(claim("early" + version, version, 3, 10 + version)).isEqualTo(10 + version);
      }
      assertThat(claim("b", 4 + quarantine, 3, 5)).isEqualTo(3);
    }
  }

  @Test
  void whatIsLeftRestsHoweverItIsLeft() throws Exception {
    for (boolean deleted : new boolean[] {false, true}) {
      start(ResolveStrategy.NEAREST_FREE, 1);
      claim("a", 4, 3);
      release("a", 4, deleted);
      assertThat(claim("b", 4, 3, 5)).isEqualTo(5);
      assertThat(claim("c", 5, 3, 6)).isEqualTo(3);
    }
    // By choosing another last code under the same prefix.
    start(ResolveStrategy.NEAREST_FREE, 1);
    claim("a", 4, 3);
    assertThat(claim("a", 4, 7)).isEqualTo(7);
    assertThat(claim("b", 4, 3, 5)).isEqualTo(5);
    assertThat(claim("c", 5, 3, 6)).isEqualTo(3);
  }

  @Test
  void aFullPrefixGivesSuffixesThatAreReusedAfterTheirRest() throws Exception {
    start(ResolveStrategy.NEAREST_FREE, 1);
    claim("a", 1, 0, 1);
    claim("b", 1, 0, 1);
    assertThat(claim("c", 1, 1, 0)).isEqualTo(1001);
    assertThat(claim("d", 1, 1, 0)).isEqualTo(2001);
    assertThat(claim("e", 1, 0, 1)).isEqualTo(1000);
    release("c", 1, true);
    assertThat(claim("f", 1, 1, 0)).isEqualTo(3001);
    assertThat(claim("g", 2, 1, 0)).isEqualTo(1001);
    assertThat(claim("d", 2, 1, 0)).isEqualTo(2001);
  }

  @Test
  void theSuffixStrategyNeverChangesCodes() throws Exception {
    start(ResolveStrategy.SUFFIX, 1);
    assertThat(claim("a", 1, 3, 5)).isEqualTo(3);
    assertThat(claim("b", 1, 3, 5)).isEqualTo(1003);
    assertThat(claim("c", 1, 3, 5)).isEqualTo(2003);
    release("a", 1, true);
    assertThat(claim("b", 2, 3, 5)).isEqualTo(1003);
    assertThat(claim("d", 2, 3, 5)).isEqualTo(3);
  }

  @Test
  void noneRepairsNothing() throws Exception {
    start(ResolveStrategy.NONE, 1);
    assertThat(claim("a", 1, 3, 5)).isEqualTo(3);
    assertThat(claim("b", 1, 3, 5)).isEqualTo(3);
    release("a", 1, true);
    assertThat(last().deleted).isTrue();
    assertThat(harness.numKeyedStateEntries()).isZero();
  }

  @Test
  void aDeletionWithoutATokenGoesOnToPublish() throws Exception {
    start(ResolveStrategy.NEAREST_FREE, 1);
    Claim claim = new Claim();
    claim.item = "a";
    claim.seq = 3;
    claim.version = 2;
    claim.release = true;
    claim.deleted = true;
    harness.processElement(claim, 2);
    Resolved gone = last();
    assertThat(gone.deleted).isTrue();
    assertThat(gone.item).isEqualTo("a");
    assertThat(gone.seq).isEqualTo(3);
    assertThat(gone.version).isEqualTo(2);
    assertThat(harness.numKeyedStateEntries()).isZero();
  }

  @Test
  void onlyADeletionIsAnsweredAndAnUnknownReleaseFreesNothing() throws Exception {
    start(ResolveStrategy.NEAREST_FREE, 1);
    claim("a", 1, 3, 5);
    int before = harness.extractOutputValues().size();
    release("stranger", 1, false);
    assertThat(harness.extractOutputValues()).hasSize(before);
    assertThat(claim("b", 1, 3, 5)).isEqualTo(5);
    release("a", 1, true);
    Resolved gone = last();
    assertThat(gone.deleted).isTrue();
    assertThat(gone.item).isEqualTo("a");
    assertThat(gone.seq).isEqualTo(seq);
    assertThat(gone.version).isEqualTo(1);
  }

  @Test
  void seatsRestsAndSuffixesSurviveARestart() throws Exception {
    start(ResolveStrategy.NEAREST_FREE, 1);
    claim("a", 1, 0, 1);
    claim("b", 1, 0, 1);
    claim("c", 1, 0, 1);
    claim("d", 1, 0, 1);
    release("c", 1, true);
    release("b", 1, true);
    start(ResolveStrategy.NEAREST_FREE, 1, harness.snapshot(1, 1));
    assertThat(claim("a", 2, 0, 1)).isEqualTo(0);
    assertThat(claim("d", 2, 0, 1)).isEqualTo(2000);
    assertThat(claim("e", 1, 0, 1)).isEqualTo(3000);
    assertThat(claim("f", 2, 0, 1)).isEqualTo(1);
    assertThat(claim("g", 2, 0, 1)).isEqualTo(1000);
  }

  @Test
  void forwardsWatermarks() throws Exception {
    start(ResolveStrategy.NEAREST_FREE, 1);
    harness.processWatermark(3);
    assertThat(harness.getOutput()).containsExactly(new Watermark(3));
  }

  /** 20,000 items in 4,000 tuples of one prefix and more: every token once, whatever the order. */
  @Test
  void manyItemsOnFewTuples() throws Exception {
    start(ResolveStrategy.NEAREST_FREE, 1);
    Random random = new Random(5);
    List<Claim> claims = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      Claim claim = message("i" + i, 1);
      claim.prefix = new int[] {random.nextInt(4), random.nextInt(4)};
      claim.chosen = random.nextInt(256);
      claim.lastDistances = new float[256];
      for (int k = 0; k < 256; k++) {
        claim.lastDistances[(claim.chosen + k) % 256] = k;
      }
      claims.add(claim);
    }
    for (Claim claim : claims) {
      harness.processElement(claim, 1);
    }
    Map<String, Integer> perPrefix = new HashMap<>();
    HashSet<List<Integer>> tokens = new HashSet<>();
    for (Resolved r : harness.extractOutputValues()) {
      tokens.add(List.of(r.codes[0], r.codes[1], r.codes[2], r.suffix));
      perPrefix.merge(r.codes[0] + "." + r.codes[1], 1, Integer::sum);
    }
    assertThat(tokens).hasSize(20_000);
    assertThat(perPrefix).hasSize(16);
  }

  @Test
  void refusesToBeWithoutAQuarantine() {
    assertThatThrownBy(() -> new ResolveFunction(ResolveStrategy.SUFFIX, 0))
        .hasMessageStartingWith("resolve.quarantine=0 must be at least 1 version: ");
  }
}
