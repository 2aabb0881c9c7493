package io.sidstream.job.tokens;

import io.sidstream.job.record.Claim;
import io.sidstream.job.record.CommitPart;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.Resolved;
import io.sidstream.job.record.TokenRow;
import io.sidstream.job.record.TokenizerUpdate;
import io.sidstream.job.record.VersionRow;
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
        CommitPart.class,
        VersionRow.class
      })
  void travelWithoutKryo(Class<?> type) {
    PojoTestUtils.assertSerializedAsPojoWithoutKryo(type);
  }
}
