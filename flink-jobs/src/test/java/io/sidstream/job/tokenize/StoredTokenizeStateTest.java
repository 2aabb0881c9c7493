package io.sidstream.job.tokenize;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.StoredState;
import io.sidstream.job.record.TokenizerUpdate;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.junit.jupiter.api.Test;

class StoredTokenizeStateTest {
  private static final TypeInformation<byte[]> BYTES =
      PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;
  private static final TypeInformation<TokenizerUpdate> UPDATE =
      TypeInformation.of(TokenizerUpdate.class);

  private static ItemCodes codes() {
    return new ItemCodes(3, 1_700_000_000_123L, new int[] {7, 0, 32_766, 40_000});
  }

  private static TokenizerUpdate update() {
    TokenizerUpdate update = new TokenizerUpdate();
    update.version = 4;
    update.revision = 12_345_678_901L;
    update.tokenizer = new byte[] {'S', 'I', 'D', 'T', -1};
    return update;
  }

  /** Writes the state of the present release into a folder. */
  public static void main(String[] arguments) throws IOException {
    StoredState.write(arguments[0], "ItemCodes", BYTES, codes().toBytes());
    StoredState.write(arguments[0], "ItemCodes-waiting", BYTES, ItemCodes.waiting(77).toBytes());
    StoredState.write(arguments[0], "TokenizerUpdate", UPDATE, update());
  }

  @Test
  void codesOfAnItem() throws IOException {
    byte[] bytes = StoredState.read(getClass(), "ItemCodes", BYTES);
    assertThat(ItemCodes.fromBytes(bytes)).usingRecursiveComparison().isEqualTo(codes());
    bytes[0] = 9;
    assertThatThrownBy(() -> ItemCodes.fromBytes(bytes)).hasMessageContaining("has format 9");
  }

  @Test
  void anItemThatWaits() throws IOException {
    byte[] bytes = StoredState.read(getClass(), "ItemCodes-waiting", BYTES);
    assertThat(ItemCodes.fromBytes(bytes)).isEqualTo(new ItemCodes(0, 77, null));
  }

  @Test
  void aTokenizer() throws IOException {
    assertThat(StoredState.read(getClass(), "TokenizerUpdate", UPDATE))
        .usingRecursiveComparison()
        .isEqualTo(update());
  }
}
