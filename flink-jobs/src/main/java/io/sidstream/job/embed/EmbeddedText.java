package io.sidstream.job.embed;

import io.sidstream.job.record.FloatsType;
import org.apache.flink.api.common.typeinfo.TypeInfo;

/** The text that an item was last embedded from, and its vector. */
public class EmbeddedText {
  /** SHA-256 of model and text. */
  public byte[] digest;

  /** {@code [content.dim]} */
  @TypeInfo(FloatsType.Factory.class)
  public float[] vector;
}
