package io.sidstream.job.ingest;

import io.sidstream.job.record.Rule;

/** A record breaks a rule; thrown and caught within ingest, so it carries no stack trace. */
final class Rejection extends Exception {
  private final Rule rule;

  Rejection(Rule rule, String reason) {
    super(reason, null, false, false);
    this.rule = rule;
  }

  Rule rule() {
    return rule;
  }
}
