package io.sidstream.job.kafka;

import io.sidstream.job.config.JobConfig;
import io.sidstream.schemas.ControlAction;

/** The job's own requests to write everything again, as a person would make them. */
public final class RepublishRequests {
  /** Author of the messages. */
  public static final String AUTHOR = "sidstream job";

  private RepublishRequests() {}

  /**
   * Writes a REPUBLISH to the control topic and waits until the broker has it.
   *
   * @param reason what was lost
   * @throws IllegalStateException where it cannot be written; names the topic and the broker
   */
  public static void send(JobConfig config, String reason) throws InterruptedException {
    OwnControl.send(config, null, ControlAction.REPUBLISH, reason);
  }
}
