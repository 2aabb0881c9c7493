package io.sidstream.job.record;

import java.nio.charset.StandardCharsets;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.java.typeutils.PojoTypeInfo;

/** How Flink takes the records of the job. */
public final class Records {
  static {
    TrustedRecords.trust();
  }

  /** To look into a class takes Flink a millisecond, and each subtask asks for some. */
  private static final ClassValue<TypeInformation<?>> TYPES =
      new ClassValue<>() {
        @Override
        protected TypeInformation<?> computeValue(Class<?> record) {
          TypeInformation<?> type = TypeInformation.of(record);
          if (!(type instanceof PojoTypeInfo)) {
            throw new IllegalArgumentException(
                record.getName()
                    + " is not a POJO to Flink; give it public fields of plain types and a public constructor without arguments");
          }
          return type;
        }
      };

  private Records() {}

  /**
   * The type of a record between operators: of this package, or one of the Avro records of {@code
   * schemas}.
   *
   * @throws IllegalArgumentException for a class that Flink would hand to Kryo
   */
  @SuppressWarnings("unchecked")
  public static <T> TypeInformation<T> type(Class<T> record) {
    return (TypeInformation<T>) TYPES.get(record);
  }

  /** UTF-8 bytes of a key. */
  public static byte[] key(String key) {
    return key.getBytes(StandardCharsets.UTF_8);
  }
}
