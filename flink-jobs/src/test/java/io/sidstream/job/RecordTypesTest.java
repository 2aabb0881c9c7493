package io.sidstream.job;

import static org.apache.flink.types.PojoTestUtils.assertSerializedAsPojoWithoutKryo;

import io.sidstream.job.embed.EmbeddedText;
import io.sidstream.job.embed.LastSeen;
import io.sidstream.job.kafka.WrittenRecord;
import io.sidstream.job.learn.LearnProgress;
import io.sidstream.job.learn.MergeProgress;
import io.sidstream.job.record.Claim;
import io.sidstream.job.record.Control;
import io.sidstream.job.record.DeadLetterRecord;
import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.Interaction;
import io.sidstream.job.record.Item;
import io.sidstream.job.record.LearnInput;
import io.sidstream.job.record.MergeInput;
import io.sidstream.job.record.RawRecord;
import io.sidstream.job.record.Republish;
import io.sidstream.job.record.Resolved;
import io.sidstream.job.record.RoundPiece;
import io.sidstream.job.record.SequencedEvent;
import io.sidstream.job.record.TokenizerUpdate;
import io.sidstream.job.sequence.UserHistory;
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
        SequencedEvent.class,
        RoundPiece.class,
        LearnInput.class,
        MergeInput.class,
        LearnProgress.class,
        MergeProgress.class,
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
