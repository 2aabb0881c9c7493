package io.sidstream.job.publish;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.StoredState;
import io.sidstream.job.record.CommitPart;
import java.io.IOException;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.junit.jupiter.api.Test;

class StoredPublishStateTest {
  private static final TypeInformation<byte[]> BYTES =
      PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;
  private static final TypeInformation<long[]> LONGS =
      PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO;
  private static final TypeInformation<CommitPart> PART = TypeInformation.of(CommitPart.class);

  private static PublishedToken token() {
    return new PublishedToken(
        12_345_678_901L,
        5,
        6,
        new PublishedToken.Ref(5, new int[] {1, 40_000, 3}, 2),
        new PublishedToken.Ref(4, new int[] {1, 2, 3}, 0));
  }

  private static PublishedToken deleted() {
    return new PublishedToken(8, 5, 6, null, null);
  }

  /** An item whose second code changes, and one that comes. */
  private static TableSums sums() {
    TableSums sums = new TableSums(3);
    sums.replace("a", 6, null, token());
    sums.replace(
        "b",
        6,
        null,
        new PublishedToken(9, 6, 6, new PublishedToken.Ref(6, new int[] {7, 8, 9}, 0), null));
    return sums;
  }

  private static CommitPart part() {
    CommitPart part = new CommitPart();
    part.version = 6;
    part.subtask = 3;
    part.revision = 12_345_678_901L;
    part.items = 10;
    part.rows = 4;
    part.tombstones = 1;
    part.rowsChecksum = -77;
    part.tableChecksum = Long.MIN_VALUE;
    part.oldItems = 9;
    part.movedItems = 2;
    part.changedCodes = new long[] {1, 2, 3};
    part.changedPrefixes = new long[] {4, 5, 6};
    return part;
  }

  /** Writes the state of the present release into a folder. */
  public static void main(String[] arguments) throws IOException {
    StoredState.write(arguments[0], "PublishedToken", BYTES, token().toBytes());
    StoredState.write(arguments[0], "PublishedToken-deleted", BYTES, deleted().toBytes());
    StoredState.write(arguments[0], "TableSums", LONGS, sums().toArray());
    StoredState.write(arguments[0], "CommitPart", PART, part());
  }

  @Test
  void tokensOfAnItem() throws IOException {
    byte[] bytes = StoredState.read(getClass(), "PublishedToken", BYTES);
    assertThat(PublishedToken.fromBytes(bytes)).usingRecursiveComparison().isEqualTo(token());
    bytes[0] = 9;
    assertThatThrownBy(() -> PublishedToken.fromBytes(bytes)).hasMessageContaining("has format 9");
  }

  @Test
  void anItemThatIsGone() throws IOException {
    byte[] bytes = StoredState.read(getClass(), "PublishedToken-deleted", BYTES);
    assertThat(PublishedToken.fromBytes(bytes)).isEqualTo(deleted());
  }

  @Test
  void sumsOfATable() throws IOException {
    TableSums sums = new TableSums(3);
    sums.add(StoredState.read(getClass(), "TableSums", LONGS));
    assertThat(sums.items()).isEqualTo(2);
    CommitPart part = sums.commit(6, 0, 1);
    assertThat(part.items).isEqualTo(2);
    assertThat(part.oldItems).isEqualTo(1);
    assertThat(part.movedItems).isEqualTo(1);
    assertThat(part.rows).isEqualTo(2);
    assertThat(part.tombstones).isZero();
    assertThat(part.rowsChecksum).isEqualTo(part.tableChecksum).isEqualTo(-6387626710005814373L);
    assertThat(part.changedCodes).containsExactly(0, 1, 0);
    assertThat(part.changedPrefixes).containsExactly(0, 1, 1);
  }

  @Test
  void aPartOfACommit() throws IOException {
    assertThat(StoredState.read(getClass(), "CommitPart", PART))
        .usingRecursiveComparison()
        .isEqualTo(part());
  }
}
