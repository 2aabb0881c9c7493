package io.sidstream.job;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputViewStreamWrapper;
import org.apache.flink.core.memory.DataOutputViewStreamWrapper;

/**
 * State as a savepoint of a release has it: the snapshot of Flink's serializer, then an object. The
 * files lie among the test resources in the package of the test that reads them, the release in
 * their names. They stay as they are: where a class changes, its state is written beside the old
 * file, by the {@code main} of that test, which takes the folder:
 *
 * <pre>{@code
 * ./mvnw -pl flink-jobs -am -DskipTests package dependency:build-classpath -Dmdep.outputFile=/tmp/cp
 * java -cp flink-jobs/target/classes:flink-jobs/target/test-classes:$(cat /tmp/cp) \
 *   io.sidstream.job.publish.StoredPublishStateTest \
 *   flink-jobs/src/test/resources/io/sidstream/job/publish
 * }</pre>
 */
public final class StoredState {
  /** The release that is being written. */
  private static final String RELEASE = "0.1.0";

  private StoredState() {}

  /** Reads an object of a class by its serializer of then, and asks whether that of now agrees. */
  public static <T> T read(Class<?> test, String name, TypeInformation<T> type) throws IOException {
    TypeSerializer<T> present = type.createSerializer(new SerializerConfigImpl());
    try (InputStream file = test.getResourceAsStream(name + "-" + RELEASE + ".bin")) {
      assertThat(file).as("%s of release %s", name, RELEASE).isNotNull();
      DataInputViewStreamWrapper in = new DataInputViewStreamWrapper(file);
      TypeSerializerSnapshot<T> stored =
          TypeSerializerSnapshot.readVersionedSnapshot(in, test.getClassLoader());
      assertThat(
              present.snapshotConfiguration().resolveSchemaCompatibility(stored).isIncompatible())
          .as("%s of release %s cannot be restored", name, RELEASE)
          .isFalse();
      T value = stored.restoreSerializer().deserialize(in);
      assertThat(file.available()).isZero();
      return value;
    }
  }

  /** Writes an object into a folder, but never over a file that is there. */
  public static <T> void write(String folder, String name, TypeInformation<T> type, T value)
      throws IOException {
    Path file = Path.of(folder, name + "-" + RELEASE + ".bin");
    if (Files.exists(file)) {
      System.out.println("kept " + file);
      return;
    }
    Files.createDirectories(file.getParent());
    TypeSerializer<T> serializer = type.createSerializer(new SerializerConfigImpl());
    try (OutputStream stream = Files.newOutputStream(file)) {
      DataOutputViewStreamWrapper out = new DataOutputViewStreamWrapper(stream);
      TypeSerializerSnapshot.writeVersionedSnapshot(out, serializer.snapshotConfiguration());
      serializer.serialize(value, out);
    }
    System.out.println("written " + file);
  }
}
