package io.sidstream.job.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.record.Records;
import java.io.InputStream;
import java.lang.reflect.Field;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputViewStreamWrapper;
import org.junit.jupiter.api.Test;

class TrainProgressTest {
  @Test
  void aCopyIsEqualAndSharesNothingThatCanChange() throws Exception {
    TrainProgress progress = new TrainProgress();
    progress.shape = new String[] {"id.dim=4"};
    progress.revision = 7;
    progress.addRecent(3);
    progress.changedItems = new long[] {5};
    TrainProgress copy = progress.copy();
    assertThat(copy).usingRecursiveComparison().isEqualTo(progress);
    for (Field field : TrainProgress.class.getFields()) {
      boolean immutable =
          field.getType().isPrimitive()
              || field.getType().isEnum()
              || field.getType() == String.class;
      if (!immutable) {
        assertThat(field.get(copy)).as(field.getName()).isNotSameAs(field.get(progress));
      }
    }
  }

  /**
   * The stored bytes are the snapshot of Flink's serializer, then an object, as a savepoint has
   * them: of the class before it had held, holdReason and forceReason.
   */
  @Test
  void stateFromBeforeControlMessagesIsRead() throws Exception {
    TypeSerializer<TrainProgress> present =
        Records.type(TrainProgress.class).createSerializer(new SerializerConfigImpl());
    try (InputStream file = getClass().getResourceAsStream("TrainProgress-before-control.bin")) {
      DataInputViewStreamWrapper in = new DataInputViewStreamWrapper(file);
      TypeSerializerSnapshot<TrainProgress> old =
          TypeSerializerSnapshot.readVersionedSnapshot(in, getClass().getClassLoader());
      TypeSerializerSchemaCompatibility<TrainProgress> compatibility =
          present.snapshotConfiguration().resolveSchemaCompatibility(old);
      assertThat(compatibility.isCompatibleAfterMigration()).isTrue();

      TrainProgress progress = old.restoreSerializer().deserialize(in);
      assertThat(file.available()).isZero();
      TrainProgress expected = new TrainProgress();
      expected.phase = TrainProgress.Phase.QUANTIZER_ROUND;
      expected.stepsLeft = 7;
      expected.lossSum = 2.5;
      expected.version = 3;
      expected.committed = 2;
      expected.revision = 12;
      expected.interactions = 100_000_000_000L;
      expected.reconstruction = .25;
      expected.rngState = -5;
      expected.recentUsers = new int[] {4, 2, 4};
      expected.recentCount = 3;
      expected.changedItems = new long[] {9};
      expected.newHits10 = 1.5;
      assertThat(progress).usingRecursiveComparison().isEqualTo(expected);
    }
  }
}
