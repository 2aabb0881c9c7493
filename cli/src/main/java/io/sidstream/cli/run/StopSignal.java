package io.sidstream.cli.run;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * SIGTERM and Ctrl-C: told to the run that is under way, and the process ends when the run has
 * cleaned up after itself, within a minute.
 */
public final class StopSignal {
  private static final long LONGEST_S = 60;

  private final CountDownLatch asked = new CountDownLatch(1);
  private final CountDownLatch done = new CountDownLatch(1);

  /** From now on a signal is heard; before, it ends the process at once. */
  public void listen() {
    Runtime.getRuntime().addShutdownHook(new Thread(this::stopAndWait, "stop"));
  }

  /** Counted down when a signal has come. */
  public CountDownLatch asked() {
    return asked;
  }

  /** All is cleaned up: a signal may end the process. */
  public void done() {
    done.countDown();
  }

  private void stopAndWait() {
    asked.countDown();
    try {
      done.await(LONGEST_S, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
