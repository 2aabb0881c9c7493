package io.sidstream.job.tokens;

import io.sidstream.job.record.Claim;
import io.sidstream.job.record.CommitPart;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.Resolved;
import io.sidstream.job.record.TokenRow;
import io.sidstream.job.record.TokenizerUpdate;
import org.apache.flink.types.PojoTestUtils;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenRecordsTest {
  @ParameterizedTest
  @ValueSource(
      classes = {
        EmbeddedItem.class,
        TokenizerUpdate.class,
        Claim.class,
        Resolved.class,
        TokenRow.class,
        TokenRow.Previous.class,
        CommitPart.class
      })
  void travelWithoutKryo(Class<?> type) {
    PojoTestUtils.assertSerializedAsPojoWithoutKryo(type);
  }
}
