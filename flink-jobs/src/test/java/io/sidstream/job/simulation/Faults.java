package io.sidstream.job.simulation;

import java.util.SplittableRandom;

/**
 * What goes wrong in a history, each with a chance of one in so many at a turn; 0 for never.
 *
 * @param crashes everything ends and goes on from the newest checkpoint
 * @param greatest parallelism that it goes on with, at most
 * @param refused one checkpoint in so many fails when all of it is there
 * @param losses whether a crash may last until the broker has given transactions up
 * @param stalls one look at the clock in so many finds that a turn is over
 */
record Faults(int crashes, int greatest, int refused, boolean losses, int stalls) {
  static final Faults NONE = new Faults(0, 1, 0, false, 0);

  static Faults draw(SplittableRandom random) {
    return new Faults(
        new int[] {0, 300, 120, 50}[random.nextInt(4)],
        1 + random.nextInt(3),
        random.nextInt(3) == 0 ? 3 : 0,
        random.nextInt(2) == 0,
        new int[] {0, 50, 5}[random.nextInt(3)]);
  }
}
