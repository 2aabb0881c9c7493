package io.sidstream.job.versions;

import static io.sidstream.job.versions.VersionRecords.record;
import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.metrics.KeptMetrics;
import io.sidstream.schemas.Quality;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class VersionFiguresTest {
  private final KeptMetrics metrics = new KeptMetrics();
  private final AtomicLong now = new AtomicLong(10_000);
  private final VersionFigures figures = new VersionFigures(now::get);

  private double value(String name) {
    return metrics.value(name);
  }

  private static VersionRecord at(VersionRecord record, long ms) {
    record.setTime(Instant.ofEpochMilli(ms));
    return record;
  }

  private static Quality quality(double first) {
    return Quality.newBuilder()
        .setUtilisation(List.of(first, .5))
        .setPerplexity(List.of(20., 10.))
        .setUniqueTuples(.9)
        .setReconstruction(.1)
        .setExpectedChurn(.01)
        .setTolerance(List.of(0., 0.))
        .setReseeded(List.of(3L, 0L))
        .build();
  }

  @Test
  void nothingIsKnownBeforeARecord() {
    figures.register(metrics, 2);
    assertThat(metrics.names())
        .containsExactlyInAnyOrder(
            "revisionAgeMs",
            "versionAgeMs",
            "roundLoss",
            "aloneInTuple",
            "movedShare",
            "level1.utilisation",
            "level2.utilisation",
            "level1.perplexity",
            "level2.perplexity",
            "level1.reseeded",
            "level2.reseeded");
    now.set(12_000);
    for (String name : metrics.names()) {
      if (name.endsWith("AgeMs")) {
        assertThat(value(name)).as(name).isEqualTo(2_000);
      } else {
        assertThat(value(name)).as(name).isNaN();
      }
    }
  }

  @Test
  void theNewestRecordOfEachKindTells() {
    figures.register(metrics, 2);
    VersionRecord begin = at(record(VersionState.BEGIN, 2, 4), 11_000);
    begin.setQuality(quality(.75));
    begin.setSteps(5L);
    begin.setLoss(.5);
    figures.said(begin);
    VersionRecord revision = at(record(VersionState.REVISION, 2, 5), 12_000);
    revision.setSteps(7L);
    revision.setLoss(.25);
    figures.said(revision);
    VersionRecord commit = at(record(VersionState.COMMIT, 2, 4), 13_000);
    commit.setOldItems(200L);
    commit.setMovedItems(10L);
    figures.said(commit);
    now.set(20_000);
    assertThat(value("revisionAgeMs")).isEqualTo(8_000);
    assertThat(value("versionAgeMs")).isEqualTo(7_000);
    assertThat(value("roundLoss")).isEqualTo(.25);
    assertThat(value("movedShare")).isEqualTo(.05);
    assertThat(value("aloneInTuple")).isEqualTo(.9);
    assertThat(value("level1.utilisation")).isEqualTo(.75);
    assertThat(value("level2.perplexity")).isEqualTo(10);
    assertThat(value("level1.reseeded")).isEqualTo(3);

    VersionRecord held = at(record(VersionState.HELD, 3, 5), 14_000);
    held.setQuality(quality(.25));
    figures.said(held);
    assertThat(value("level1.utilisation")).isEqualTo(.25);
    assertThat(value("roundLoss")).as("no round of its own").isEqualTo(.25);
    assertThat(value("versionAgeMs")).isEqualTo(7_000);
  }
}
