package io.sidstream.job.record;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.job.embed.EmbeddedText;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.base.array.FloatPrimitiveArraySerializer;
import org.apache.flink.api.common.typeutils.base.array.IntPrimitiveArraySerializer;
import org.apache.flink.api.java.typeutils.PojoTypeInfo;
import org.apache.flink.api.java.typeutils.TypeExtractor;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FloatsTypeTest {
  private static final TypeSerializer<float[]> OURS =
      FloatsType.INSTANCE.createSerializer(new SerializerConfigImpl());
  private static final TypeSerializer<float[]> FLINKS = FloatPrimitiveArraySerializer.INSTANCE;

  private static final float[] ODD = {
    Float.NaN, -0f, Float.MIN_VALUE, Float.NEGATIVE_INFINITY, Float.MAX_VALUE
  };

  /** Around nothing, a vector, and the size that is written at a time. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 384, 16_384, 16_385, 40_000})
  void bytesAreThoseOfFlink(int n) throws IOException {
    float[] values = new float[n];
    Random random = new Random(n);
    for (int i = 0; i < n; i++) {
      values[i] = i % 97 == 0 ? ODD[i / 97 % ODD.length] : (float) random.nextGaussian();
    }
    byte[] bytes = bytes(OURS, values);
    assertThat(bytes).isEqualTo(bytes(FLINKS, values));
    for (TypeSerializer<float[]> serializer : List.of(OURS, FLINKS)) {
      float[] read = serializer.deserialize(new DataInputDeserializer(bytes));
      assertThat(bytes(FLINKS, read)).isEqualTo(bytes);
    }
    DataOutputSerializer copied = new DataOutputSerializer(16);
    OURS.copy(new DataInputDeserializer(bytes), copied);
    assertThat(copied.getCopyOfBuffer()).isEqualTo(bytes);
  }

  private static byte[] bytes(TypeSerializer<float[]> serializer, float[] values)
      throws IOException {
    DataOutputSerializer out = new DataOutputSerializer(16);
    serializer.serialize(values, out);
    return out.getCopyOfBuffer();
  }

  @Test
  @SuppressWarnings({"unchecked", "rawtypes"})
  void readsStateThatFlinksOwnHasWrittenAndNoOther() {
    var now = OURS.snapshotConfiguration();
    assertThat(now.resolveSchemaCompatibility(FLINKS.snapshotConfiguration()).isCompatibleAsIs())
        .isTrue();
    assertThat(now.resolveSchemaCompatibility(OURS.snapshotConfiguration()).isCompatibleAsIs())
        .isTrue();
    assertThat(
            now.resolveSchemaCompatibility(
                    (org.apache.flink.api.common.typeutils.TypeSerializerSnapshot)
                        IntPrimitiveArraySerializer.INSTANCE.snapshotConfiguration())
                .isIncompatible())
        .isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      classes = {
        Item.class,
        EmbeddedItem.class,
        Claim.class,
        Resolved.class,
        TokenRow.class,
        EmbeddedText.class
      })
  void vectorsOfRecordsAreWrittenAsAWhole(Class<?> record) {
    PojoTypeInfo<?> type = (PojoTypeInfo<?>) TypeExtractor.createTypeInfo(record);
    int vectors = 0;
    for (int i = 0; i < type.getArity(); i++) {
      if (type.getPojoFieldAt(i).getField().getType() == float[].class) {
        assertThat(type.getTypeAt(i)).isEqualTo(FloatsType.INSTANCE);
        vectors++;
      }
    }
    assertThat(vectors).isPositive();
  }
}
