package io.sidstream.tests.faults;

import java.util.List;
import java.util.Random;

/**
 * What a scenario has to play with.
 *
 * @param cluster on which the job runs
 * @param settings the job's
 * @param flow what is sent to it
 * @param faults inflicts, and keeps the figures
 * @param random where what is left to chance comes from
 * @param length how long it goes on
 */
record Stage(
    FaultCluster cluster,
    List<String> settings,
    Flow flow,
    Faults faults,
    Random random,
    Length length) {
  /**
   * How long a scenario goes on: whichever comes first.
   *
   * @param faults number of faults
   * @param minutes time
   * @param everySeconds time between faults, where a scenario has its own pace
   */
  record Length(int faults, long minutes, long everySeconds) {}
}
