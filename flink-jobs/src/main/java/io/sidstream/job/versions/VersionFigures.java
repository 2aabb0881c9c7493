package io.sidstream.job.versions;

import io.sidstream.job.metrics.JobMetric;
import io.sidstream.schemas.Quality;
import io.sidstream.schemas.VersionRecord;
import java.util.List;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.apache.flink.metrics.MetricGroup;

/**
 * What the version records tell that this start of the job has said, as metrics. It is no state:
 * what no record has told since the start is NaN, and ages count from the start.
 */
final class VersionFigures {
  private final LongSupplier clock;
  private final long started;
  private volatile VersionRecord candidate;
  private volatile VersionRecord round;
  private volatile VersionRecord revision;
  private volatile VersionRecord commit;

  /**
   * @param clock ms since the epoch
   */
  VersionFigures(LongSupplier clock) {
    this.clock = clock;
    started = clock.getAsLong();
  }

  /** A record is said. */
  void said(VersionRecord record) {
    switch (record.getState()) {
      case BEGIN, HELD -> candidate = record.getQuality() == null ? candidate : record;
      case REVISION -> revision = record;
      case COMMIT -> commit = record;
      default -> {}
    }
    // What ended a round says how it went.
    round = record.getSteps() > 0 ? record : round;
  }

  /** Registers the metrics, for the levels of a quantizer. */
  void register(MetricGroup group, int levels) {
    JobMetric.REVISION_AGE.gauge(group, () -> since(revision));
    JobMetric.VERSION_AGE.gauge(group, () -> since(commit));
    JobMetric.ROUND_LOSS.share(group, () -> round.getLoss(), () -> round == null ? 0 : 1);
    JobMetric.ALONE_IN_TUPLE.share(
        group, () -> candidate.getQuality().getUniqueTuples(), () -> candidate == null ? 0 : 1);
    JobMetric.MOVED.share(
        group, () -> commit.getMovedItems(), () -> commit == null ? 0 : commit.getOldItems());
    for (int level = 0; level < levels; level++) {
      String label = String.valueOf(level + 1);
      int l = level;
      JobMetric.UTILISATION.gauge(group, label, () -> ofLevel(Quality::getUtilisation, l));
      JobMetric.PERPLEXITY.gauge(group, label, () -> ofLevel(Quality::getPerplexity, l));
      JobMetric.RESEEDED.gauge(group, label, () -> ofLevel(Quality::getReseeded, l));
    }
  }

  private long since(VersionRecord record) {
    long then = record == null ? started : record.getTime().toEpochMilli();
    return Math.max(0, clock.getAsLong() - then);
  }

  private double ofLevel(Function<Quality, List<? extends Number>> figure, int level) {
    VersionRecord known = candidate;
    List<? extends Number> values = known == null ? List.of() : figure.apply(known.getQuality());
    return level < values.size() ? values.get(level).doubleValue() : Double.NaN;
  }
}
