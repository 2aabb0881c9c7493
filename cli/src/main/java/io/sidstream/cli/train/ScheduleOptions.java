package io.sidstream.cli.train;

import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Option;

/** The options that train quantizer and recommender otherwise than together. */
public final class ScheduleOptions {
  /** One of the two. */
  static final class Parts {
    @Option(
        names = "--quantizer-first",
        paramLabel = "N",
        description =
            "Two stages: the quantizer alone for N epochs; then it is frozen and the recommender learns.")
    private Integer quantizerFirst;

    @Option(
        names = "--freeze-after",
        paramLabel = "N",
        description =
            "Both together for N epochs; then the quantizer is frozen and the recommender goes on.")
    private Integer freezeAfter;
  }

  @ArgGroup private Parts parts;

  /** What was asked for; together by default. */
  OfflineTraining.Schedule schedule() {
    return parts == null
        ? OfflineTraining.Schedule.TOGETHER
        : parts.quantizerFirst != null
            ? OfflineTraining.Schedule.quantizerFirst(parts.quantizerFirst)
            : OfflineTraining.Schedule.freezeAfter(parts.freezeAfter);
  }

  void check() {
    if (parts != null && parts.quantizerFirst != null) {
      Ranges.atLeast("--quantizer-first", parts.quantizerFirst, 1);
    }
    if (parts != null && parts.freezeAfter != null) {
      Ranges.atLeast("--freeze-after", parts.freezeAfter, 1);
    }
  }
}
