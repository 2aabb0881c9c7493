package io.sidstream.job.record;

import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.Printable;

/** What a person says of the gate; fields as in ControlMessage. */
public class Control {
  public ControlAction action;
  public String reason;
  public String author;

  /** As the reason of the version records that it causes. */
  public String text() {
    return Printable.of(
        "by control message"
            + (reason.isBlank() ? "" : ": " + reason)
            + (author.isBlank() ? "" : " (" + author + ")"));
  }
}
