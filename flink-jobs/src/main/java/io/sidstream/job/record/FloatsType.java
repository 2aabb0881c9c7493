package io.sidstream.job.record;

import io.sidstream.model.file.Floats;
import java.io.IOException;
import java.lang.reflect.Type;
import java.util.Map;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInfoFactory;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.SimpleTypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSchemaCompatibility;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.api.common.typeutils.base.TypeSerializerSingleton;
import org.apache.flink.api.common.typeutils.base.array.FloatPrimitiveArraySerializer.FloatPrimitiveArraySerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;

/**
 * Vectors between operators and in state: the bytes of Flink's own {@code float[]} (length, then
 * big-endian numbers), written and read as a whole, where Flink makes a call for each number. What
 * Flink's own has written is read.
 */
public final class FloatsType extends TypeInformation<float[]> {
  private static final long serialVersionUID = 1;

  /** The type. */
  public static final FloatsType INSTANCE = new FloatsType();

  private FloatsType() {}

  /** Gives a field of a record the type. */
  public static final class Factory extends TypeInfoFactory<float[]> {
    @Override
    public TypeInformation<float[]> createTypeInfo(
        Type type, Map<String, TypeInformation<?>> parameters) {
      return INSTANCE;
    }
  }

  @Override
  public boolean isBasicType() {
    return false;
  }

  @Override
  public boolean isTupleType() {
    return false;
  }

  @Override
  public int getArity() {
    return 1;
  }

  @Override
  public int getTotalFields() {
    return 1;
  }

  @Override
  public Class<float[]> getTypeClass() {
    return float[].class;
  }

  @Override
  public boolean isKeyType() {
    return false;
  }

  @Override
  public TypeSerializer<float[]> createSerializer(SerializerConfig config) {
    return Serializer.INSTANCE;
  }

  @Override
  public String toString() {
    return "float[]";
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof FloatsType;
  }

  @Override
  public int hashCode() {
    return FloatsType.class.hashCode();
  }

  @Override
  public boolean canEqual(Object other) {
    return other instanceof FloatsType;
  }

  private Object readResolve() {
    return INSTANCE;
  }

  /** Its serializer. */
  public static final class Serializer extends TypeSerializerSingleton<float[]> {
    private static final long serialVersionUID = 1;
    private static final float[] EMPTY = {};
    static final Serializer INSTANCE = new Serializer();

    @Override
    public boolean isImmutableType() {
      return false;
    }

    @Override
    public float[] createInstance() {
      return EMPTY;
    }

    @Override
    public float[] copy(float[] from) {
      return from.clone();
    }

    @Override
    public float[] copy(float[] from, float[] reuse) {
      return from.clone();
    }

    @Override
    public int getLength() {
      return -1;
    }

    @Override
    public void serialize(float[] record, DataOutputView target) throws IOException {
      target.writeInt(record.length);
      Floats.write(target, record, record.length);
    }

    @Override
    public float[] deserialize(DataInputView source) throws IOException {
      return Floats.read(source, source.readInt());
    }

    @Override
    public float[] deserialize(float[] reuse, DataInputView source) throws IOException {
      return deserialize(source);
    }

    @Override
    public void copy(DataInputView source, DataOutputView target) throws IOException {
      serialize(deserialize(source), target);
    }

    @Override
    public TypeSerializerSnapshot<float[]> snapshotConfiguration() {
      return new Snapshot();
    }
  }

  /** Its name in a checkpoint. */
  public static final class Snapshot extends SimpleTypeSerializerSnapshot<float[]> {
    /** For Flink, which makes one when it reads a checkpoint. */
    public Snapshot() {
      super(() -> Serializer.INSTANCE);
    }

    @Override
    public TypeSerializerSchemaCompatibility<float[]> resolveSchemaCompatibility(
        TypeSerializerSnapshot<float[]> old) {
      return old instanceof FloatPrimitiveArraySerializerSnapshot
          ? TypeSerializerSchemaCompatibility.compatibleAsIs()
          : super.resolveSchemaCompatibility(old);
    }
  }
}
