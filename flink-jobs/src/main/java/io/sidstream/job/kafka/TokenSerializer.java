package io.sidstream.job.kafka;

import io.sidstream.job.record.TokenRow;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.TokenHeaders;
import io.sidstream.schemas.TokenRef;
import io.sidstream.schemas.Vectors;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.specific.SpecificRecord;
import org.apache.kafka.clients.producer.ProducerRecord;

/**
 * The tokens topic: keyed by item. A removal has no value to say it in, so what a reader must know
 * of it stands in {@link TokenHeaders}.
 */
public final class TokenSerializer extends WireSerializer<TokenRow> {
  /** For the tokens topic, by its full name. */
  public TokenSerializer(String topic) {
    super(topic);
  }

  @Override
  byte[] key(TokenRow row) {
    return utf8(row.item);
  }

  @Override
  SpecificRecord value(TokenRow row) {
    if (row.removed) {
      return null;
    }
    ItemToken token = new ItemToken();
    token.setItem(row.item);
    token.setVersion(row.version);
    token.setCommit(row.commit);
    token.setRevision(row.revision);
    token.setCodes(list(row.codes));
    token.setSuffix(suffix(row.suffix));
    token.setNearest(list(row.nearest));
    token.setDistances(Vectors.toList(row.distances));
    token.setMargins(Vectors.toList(row.margins));
    token.setPrevious(row.previous == null ? null : ref(row.previous));
    token.setTime(Instant.ofEpochMilli(row.time));
    return token;
  }

  @Override
  public ProducerRecord<byte[], byte[]> serialize(
      TokenRow row, KafkaSinkContext context, Long timestamp) {
    ProducerRecord<byte[], byte[]> record = super.serialize(row, context, timestamp);
    if (row.removed) {
      record.headers().add(TokenHeaders.COMMIT, TokenHeaders.encode(row.commit));
      record.headers().add(TokenHeaders.VERSION, TokenHeaders.encode(row.version));
      if (row.previous != null) {
        record.headers().add(TokenHeaders.PREVIOUS, encode(ref(row.previous)));
      }
    }
    return record;
  }

  private static TokenRef ref(TokenRow.Previous token) {
    return new TokenRef(token.version, list(token.codes), suffix(token.suffix));
  }

  private static Integer suffix(int suffix) {
    return suffix == 0 ? null : suffix;
  }

  private static List<Integer> list(int[] values) {
    List<Integer> list = new ArrayList<>(values.length);
    for (int value : values) {
      list.add(value);
    }
    return list;
  }
}
