package io.sidstream.tests.faults;

import java.util.List;
import java.util.Map;

/**
 * What a scenario starts with.
 *
 * @param load what is sent
 * @param job settings of the job, beside those of a tiny one
 * @param brokers how many; more than one keep three replicas, of which two must have a record
 * @param broker settings of each broker, beside its own
 * @param topics settings of topics, by the name without the prefix
 * @param smallDisk whether checkpoints go to a small disk of their own
 * @param deadLetters what is promised of them
 */
record Setup(
    Flow.Load load,
    List<String> job,
    int brokers,
    Map<String, String> broker,
    Map<String, Map<String, String>> topics,
    boolean smallDisk,
    DeadLetters deadLetters) {
  /** A version every few seconds, in which a part of the tokens moves. */
  static final Setup STANDARD =
      new Setup(
          Flow.Load.STANDARD,
          List.of("learn.round-interval=2 s", "quantizer.churn-budget=0.2"),
          1,
          Map.of(),
          Map.of(),
          false,
          DeadLetters.ONCE);

  /** What must have become of each record that nothing can be made of. */
  enum DeadLetters {
    /** A dead letter. */
    ONCE,
    /** A dead letter, unless its transaction was lost. */
    AT_MOST_ONCE,
    /**
     * A dead letter, or several where the job went on from a checkpoint that was not the newest.
     */
    AT_LEAST_ONCE
  }

  Setup load(Flow.Load other) {
    return new Setup(other, job, brokers, broker, topics, smallDisk, deadLetters);
  }

  /** In the place of the ones there are. */
  Setup job(String... settings) {
    return new Setup(load, List.of(settings), brokers, broker, topics, smallDisk, deadLetters);
  }

  Setup brokers(int number) {
    return new Setup(load, job, number, broker, topics, smallDisk, deadLetters);
  }

  Setup broker(Map<String, String> settings) {
    return new Setup(load, job, brokers, settings, topics, smallDisk, deadLetters);
  }

  Setup topics(Map<String, Map<String, String>> settings) {
    return new Setup(load, job, brokers, broker, settings, smallDisk, deadLetters);
  }

  Setup withSmallDisk() {
    return new Setup(load, job, brokers, broker, topics, true, deadLetters);
  }

  Setup deadLetters(DeadLetters promised) {
    return new Setup(load, job, brokers, broker, topics, smallDisk, promised);
  }
}
