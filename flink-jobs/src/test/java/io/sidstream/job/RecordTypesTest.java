package io.sidstream.job;

import static org.apache.flink.types.PojoTestUtils.assertSerializedAsPojoWithoutKryo;

import io.sidstream.job.embed.EmbeddedItem;
import io.sidstream.job.embed.EmbeddedText;
import io.sidstream.job.embed.LastSeen;
import io.sidstream.job.ingest.DeadLetterRecord;
import io.sidstream.job.ingest.Interaction;
import io.sidstream.job.ingest.Item;
import io.sidstream.job.ingest.RawRecord;
import io.sidstream.job.kafka.WrittenRecord;
import io.sidstream.job.publish.Republish;
import io.sidstream.job.resolve.Resolved;
import io.sidstream.job.sequence.TrainingWindow;
import io.sidstream.job.sequence.UserHistory;
import io.sidstream.job.tokenize.Claim;
import io.sidstream.job.train.Control;
import io.sidstream.job.train.TokenizerUpdate;
import io.sidstream.job.train.TrainEvent;
import io.sidstream.job.versions.SaidRecord;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RecordTypesTest {
  @ParameterizedTest
  @ValueSource(
      classes = {
        RawRecord.class,
        Item.class,
        Interaction.class,
        DeadLetterRecord.class,
        EmbeddedItem.class,
        EmbeddedText.class,
        LastSeen.class,
        UserHistory.class,
        TrainingWindow.class,
        TrainEvent.class,
        Control.class,
        TokenizerUpdate.class,
        Claim.class,
        Resolved.class,
        Republish.class,
        WrittenRecord.class,
        SaidRecord.class,
      })
  void flinkSerialisesWithoutKryo(Class<?> record) {
    assertSerializedAsPojoWithoutKryo(record);
  }
}
