package io.sidstream.cli.status;

import io.sidstream.cli.Failures;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.function.BiFunction;

/**
 * Shows a status again and again. On a terminal it is redrawn in its place; elsewhere it is printed
 * when it has changed, so that a log of a quiet job stays short.
 *
 * <p>A first look that fails is a failure. A later one is told, once for each reason, and the next
 * look comes all the same: brokers and jobs restart.
 */
final class StatusWatch {
  private static final String HOME = "\u001b[H";
  private static final String CLEAR = "\u001b[2J";
  private static final String TO_END_OF_LINE = "\u001b[K";
  private static final String TO_END_OF_SCREEN = "\u001b[J";

  private final Reading reading;
  private final BiFunction<Status, Instant, String> text;
  private final PrintWriter out;
  private final Duration every;
  private final boolean live;
  private final Pause pause;

  /** Reads the status. */
  interface Reading {
    /** What is now. */
    Status read() throws Exception;
  }

  /** What lies between two looks. */
  interface Pause {
    /** Sleeps, and is never the last. */
    Pause ASLEEP =
        time -> {
          Thread.sleep(time.toMillis());
          return true;
        };

    /**
     * Waits.
     *
     * @return whether another look follows
     */
    boolean next(Duration time) throws InterruptedException;
  }

  /**
   * A watch.
   *
   * @param text a status as it is shown, with its ages at a time
   * @param every time between two looks at least
   * @param live whether the screen is redrawn
   */
  StatusWatch(
      Reading reading,
      BiFunction<Status, Instant, String> text,
      PrintWriter out,
      Duration every,
      boolean live,
      Pause pause) {
    this.reading = reading;
    this.text = text;
    this.out = out;
    this.every = every;
    this.live = live;
    this.pause = pause;
  }

  /**
   * Shows it until the process or the pause ends.
   *
   * @return the exit code of the last status
   */
  int run() throws Exception {
    Status shown = null;
    String failed = null;
    boolean more = true;
    while (more) {
      long began = System.nanoTime();
      Status status = shown;
      String failure = null;
      try {
        status = reading.read();
      } catch (RuntimeException e) {
        if (shown == null) {
          throw e;
        }
        failure = Failures.describe(e);
      }
      Instant now = Instant.now();
      if (live) {
        draw(status, failure, now, shown == null);
      } else if (failure != null) {
        if (!failure.equals(failed)) {
          out.println(notRead(failure, now));
        }
      } else if (shown == null || failed != null || !status.saysTheSameAs(shown)) {
        out.print(text.apply(status, now));
        out.println();
      }
      out.flush();
      shown = status;
      failed = failure;
      // Large topics take long to read: half of the time at most goes into it.
      Duration took = Duration.ofNanos(System.nanoTime() - began);
      more = pause.next(took.compareTo(every) > 0 ? took : every);
    }
    return StatusCommand.code(shown);
  }

  private void draw(Status status, String failure, Instant now, boolean first) {
    StringBuilder s = new StringBuilder(first ? HOME + CLEAR : HOME);
    String head =
        failure == null
            ? "%s, every %d s, until Ctrl-C".formatted(second(now), every.toSeconds())
            : notRead(failure, now);
    (head + "\n\n" + text.apply(status, now))
        .lines()
        .forEach(line -> s.append(line).append(TO_END_OF_LINE).append(System.lineSeparator()));
    out.print(s.append(TO_END_OF_SCREEN));
  }

  private static String notRead(String failure, Instant now) {
    return second(now) + " the topics cannot be read, it is tried again: " + failure;
  }

  private static Instant second(Instant now) {
    return now.truncatedTo(ChronoUnit.SECONDS);
  }
}
