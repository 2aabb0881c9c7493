package io.sidstream.job.resolve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.StoredState;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.junit.jupiter.api.Test;

class StoredResolveStateTest {
  private static final TypeInformation<byte[]> BYTES =
      PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;

  /** Codes 0, 9 and 300 are taken, 5 rests until version 7. */
  private static CodePool pool() {
    CodePool pool = CodePool.fromBytes(null);
    pool.take(0);
    pool.take(9);
    pool.take(300);
    pool.take(5);
    pool.release(5, 7);
    return pool;
  }

  /** Writes the state of the present release into a folder. */
  public static void main(String[] arguments) throws IOException {
    StoredState.write(arguments[0], "CodePool", BYTES, pool().toBytes());
  }

  @Test
  void codesOfAPrefix() throws IOException {
    byte[] bytes = StoredState.read(getClass(), "CodePool", BYTES);
    CodePool pool = CodePool.fromBytes(bytes);
    for (int code = 0; code < 400; code++) {
      boolean taken = code == 0 || code == 9 || code == 300;
      assertThat(pool.isFree(code, 6)).as("code %d", code).isEqualTo(!taken && code != 5);
      assertThat(pool.isFree(code, 7)).as("code %d", code).isEqualTo(!taken);
    }
    assertThat(pool.toBytes()).isEqualTo(bytes);
    bytes[0] = 9;
    assertThatThrownBy(() -> CodePool.fromBytes(bytes)).hasMessageContaining("has format 9");
  }
}
