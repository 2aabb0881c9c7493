package io.sidstream.tests.faults;

import java.util.List;
import java.util.Map;

/**
 * What a scenario starts with.
 *
 * @param load what is sent
 * @param job settings of the job, beside those of a tiny one
 * @param broker settings of the broker, beside its own
 * @param topics settings of topics, by the name without the prefix
 */
record Setup(
    Flow.Load load,
    List<String> job,
    Map<String, String> broker,
    Map<String, Map<String, String>> topics) {
  /** A version every few seconds, in which a part of the tokens moves. */
  static final Setup STANDARD =
      new Setup(
          Flow.Load.STANDARD,
          List.of("learn.round-interval=2 s", "quantizer.churn-budget=0.2"),
          Map.of(),
          Map.of());
}
