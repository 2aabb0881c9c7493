package io.sidstream.job.kafka;

import io.sidstream.job.ingest.DeadLetterRecord;
import io.sidstream.job.publish.TokenRow;
import io.sidstream.job.publish.VersionRow;
import io.sidstream.schemas.TokenHeaders;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.PojoTypeInfo;

/** What stands between the job's records and Kafka's bytes. */
public final class Records {
  /** To make one costs more than to encode a record. */
  private static final ThreadLocal<WireFormat> WIRE = ThreadLocal.withInitial(WireFormat::new);

  private Records() {}

  /**
   * The type of a record between operators.
   *
   * @throws IllegalArgumentException for a class that Flink would hand to Kryo
   */
  public static <T> TypeInformation<T> type(Class<T> record) {
    TypeInformation<T> type = TypeInformation.of(record);
    if (!(type instanceof PojoTypeInfo)) {
      throw new IllegalArgumentException(
          record.getName()
              + " is not a POJO to Flink; give it public fields of plain types and a public constructor without arguments");
    }
    return type;
  }

  /** UTF-8 bytes of a key. */
  public static byte[] key(String key) {
    return key.getBytes(StandardCharsets.UTF_8);
  }

  /** A token row, or a tombstone with its headers. */
  public static OutRecord of(TokenRow row) {
    OutRecord record = OutRecord.of(key(row.item), row.value);
    if (row.value == null) {
      byte[] commit = TokenHeaders.encode(row.commit);
      byte[] version = TokenHeaders.encode(row.version);
      record.headerNames =
          row.previous == null
              ? new String[] {TokenHeaders.COMMIT, TokenHeaders.VERSION}
              : new String[] {TokenHeaders.COMMIT, TokenHeaders.VERSION, TokenHeaders.PREVIOUS};
      record.headerValues =
          row.previous == null
              ? new byte[][] {commit, version}
              : new byte[][] {commit, version, row.previous};
    }
    return record;
  }

  /** A record of the versions topic. */
  public static OutRecord of(VersionRow row) {
    return OutRecord.of(key(Integer.toString(row.version)), row.value);
  }

  /** A dead letter, keyed as the record it is about. */
  public static OutRecord of(DeadLetterRecord letter) {
    return OutRecord.of(letter.key, WIRE.get().encode(letter.toDeadLetter()));
  }
}
