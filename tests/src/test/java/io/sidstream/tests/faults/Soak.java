package io.sidstream.tests.faults;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * A steady rate, a catalogue of constant size and the same users for hours, with a kill at a steady
 * pace: what does not grow by design must stay as it is. Every ten minutes, and at the end, the
 * figures so far go out as one line.
 */
final class Soak {
  /** What is compacted is so within minutes instead of an hour, so that hours show it. */
  private static final Map<String, String> COMPACTED =
      Map.of(
          "segment.ms", "120000",
          "min.compaction.lag.ms", "300000",
          "max.compaction.lag.ms", "600000",
          "delete.retention.ms", "600000");

  /** What is kept for a week is kept for a quarter of an hour. */
  private static final Map<String, String> KEPT =
      Map.of("segment.ms", "120000", "retention.ms", "900000");

  /** 19 items and 50 interactions a second; a version about every quarter of a minute. */
  static final Setup SETUP =
      Setup.STANDARD
          .load(new Flow.Load(1000, 1000, 80, 4, 60, 64, null))
          .job(
              "checkpoint.interval=1 s",
              "quantizer.codebook-size=32",
              "quantizer.churn-budget=0.05",
              "quantizer.round-every=3",
              "learn.round-interactions=400",
              "learn.round-interval=5 s")
          .broker(
              Map.of(
                  "log.retention.check.interval.ms",
                  "30000",
                  "log.cleaner.backoff.ms",
                  "5000",
                  // The broker's own topics are compacted by segments, too.
                  "transaction.state.log.segment.bytes",
                  "1048576",
                  "offsets.topic.segment.bytes",
                  "1048576"))
          .topics(topics());

  private static final Duration WARM_UP = Duration.ofMinutes(20);
  private static final Duration PERIOD = Duration.ofMinutes(5);
  private static final Duration INTERIM = Duration.ofMinutes(10);

  private final Stage stage;
  private final Faults faults;
  private final long begin = System.nanoTime();

  Soak(Stage stage) {
    this.stage = stage;
    faults = stage.faults();
  }

  private static Map<String, Map<String, String>> topics() {
    Map<String, Map<String, String>> topics = new HashMap<>();
    List.of("items", "tokens", "models", "id-embeddings").forEach(t -> topics.put(t, COMPACTED));
    List.of("interactions", "control", "dead-letters").forEach(t -> topics.put(t, KEPT));
    return topics;
  }

  void run() throws Exception {
    long end = begin + TimeUnit.MINUTES.toNanos(stage.length().minutes());
    long every = TimeUnit.SECONDS.toNanos(stage.length().everySeconds());
    long interim = begin + INTERIM.toNanos();
    Kills kills = new Kills(stage.cluster(), faults, stage.random());
    try (Vitals vitals = new Vitals(stage.cluster(), faults::steady, WARM_UP, PERIOD)) {
      vitals.start();
      try {
        long next = begin + every;
        while (next < end) {
          faults.restUntil(next);
          kills.next();
          // After a kill that took its time the job still runs for a while before the next.
          next = Math.max(next + every, System.nanoTime() + every / 2);
          if (System.nanoTime() > interim) {
            interim += INTERIM.toNanos();
            say(vitals);
          }
        }
        faults.restUntil(end);
      } finally {
        faults.report("trends", vitals.json());
        say(vitals);
      }
    }
  }

  private void say(Vitals vitals) {
    ObjectNode figures = faults.interim();
    figures.put("minutes", (System.nanoTime() - begin) / 60_000_000_000L);
    figures.set("trends", vitals.json());
    System.out.println("interim " + figures);
  }
}
