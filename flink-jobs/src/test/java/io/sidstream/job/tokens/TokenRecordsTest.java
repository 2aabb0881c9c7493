package io.sidstream.job.tokens;

import io.sidstream.job.embed.EmbeddedItem;
import io.sidstream.job.publish.CommitPart;
import io.sidstream.job.publish.TokenRow;
import io.sidstream.job.publish.VersionRow;
import io.sidstream.job.resolve.Resolved;
import io.sidstream.job.tokenize.Claim;
import io.sidstream.job.train.TokenizerUpdate;
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
