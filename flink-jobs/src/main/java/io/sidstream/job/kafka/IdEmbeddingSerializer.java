package io.sidstream.job.kafka;

import io.sidstream.schemas.IdEmbedding;
import org.apache.avro.specific.SpecificRecord;

/** The id-embeddings topic: keyed by item. An embedding without numbers removes the item's. */
public final class IdEmbeddingSerializer extends WireSerializer<IdEmbedding> {
  /** For the id-embeddings topic, by its full name. */
  public IdEmbeddingSerializer(String topic) {
    super(topic);
  }

  @Override
  byte[] key(IdEmbedding row) {
    return utf8(row.getItem());
  }

  @Override
  SpecificRecord value(IdEmbedding row) {
    return row.getE().isEmpty() ? null : row;
  }
}
