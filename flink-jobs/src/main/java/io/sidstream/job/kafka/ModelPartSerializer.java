package io.sidstream.job.kafka;

import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelParts;
import org.apache.avro.specific.SpecificRecord;

/** The models topic: keyed by version/part/index. A piece of no pieces removes what has its key. */
public final class ModelPartSerializer extends WireSerializer<ModelPart> {
  /** For the models topic, by its full name. */
  public ModelPartSerializer(String topic) {
    super(topic);
  }

  @Override
  byte[] key(ModelPart piece) {
    return utf8(ModelParts.key(piece));
  }

  @Override
  SpecificRecord value(ModelPart piece) {
    return piece.getCount() == 0 ? null : piece;
  }
}
