package io.sidstream.job.record;

import io.sidstream.schemas.WireFormatException;

/**
 * The rules that a record can break. The names are stable: they stand in dead letters and in
 * metrics.
 */
public enum Rule {
  /** The value is not a record in the wire format. */
  UNDECODABLE,
  /** The value was written with a schema that no release has. */
  UNKNOWN_SCHEMA,
  /** The value is a record of another topic. */
  WRONG_SCHEMA,
  /** The record has no key. */
  KEY_MISSING,
  /** The key is not UTF-8. */
  KEY_NOT_UTF8,
  /** The key is not the identifier in the value. */
  KEY_MISMATCH,
  /** An identifier is empty. */
  ID_EMPTY,
  /** An identifier is longer than ingest.max-id-bytes. */
  ID_TOO_LONG,
  /** The vector has not content.dim elements. */
  VECTOR_WRONG_DIMENSION,
  /** An element of the vector is NaN or infinite, or its squared norm exceeds a float. */
  VECTOR_NOT_FINITE,
  /** The vector's norm is greater than ingest.max-vector-norm. */
  VECTOR_TOO_LONG,
  /** A token version's encoder or codebooks overflow on the item's vector. */
  VECTOR_NOT_ENCODABLE,
  /** The vector has no direction: its squared norm is 0 or below the smallest normal float. */
  VECTOR_ZERO,
  /** The text is longer than ingest.max-text-bytes. */
  TEXT_TOO_LONG,
  /**
   * The item has a text and no vector, and content.dim is not the length of the text model's
   * vectors, or the job's jar was built without what runs text models.
   */
  TEXT_NOT_EMBEDDABLE,
  /** The item has no vector, no text and no title. */
  NO_CONTENT,
  /** The event time is more than ingest.max-future ahead of now. */
  TIME_IN_FUTURE,
  /** The event time is before ingest.min-time. */
  TIME_TOO_OLD,
  /** The weight is negative, NaN or infinite. */
  WEIGHT_INVALID,
  /** The event identifier is empty. */
  EVENT_ID_EMPTY,
  /** A record without a value where nothing can be deleted: an interaction, a version. */
  NULL_VALUE,
  /** The action of a control message is not known to this release. */
  ACTION_UNKNOWN;

  /** The rule that bytes break which are not a record of the topic. */
  public static Rule of(WireFormatException.Problem problem) {
    return switch (problem) {
      case UNKNOWN_SCHEMA -> UNKNOWN_SCHEMA;
      case WRONG_SCHEMA -> WRONG_SCHEMA;
      default -> UNDECODABLE;
    };
  }
}
