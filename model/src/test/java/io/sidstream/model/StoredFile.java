package io.sidstream.model;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutput;
import java.io.DataOutputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Bytes as a release wrote them, in {@code src/test/resources/formats}, name and format in the name
 * of the file. They stay as they are: a new format gets a file beside the old one, by the {@code
 * main} of the test that reads it, which takes the folder:
 *
 * <pre>{@code
 * ./mvnw -pl model test-compile dependency:build-classpath -Dmdep.outputFile=/tmp/cp
 * java -cp model/target/classes:model/target/test-classes:$(cat /tmp/cp) \
 *   io.sidstream.model.train.StoredTrainerTest model/src/test/resources/formats
 * }</pre>
 */
public final class StoredFile {
  private StoredFile() {}

  /** What writes a state. */
  public interface Writer {
    /** Writes it. */
    void write(DataOutput out) throws IOException;
  }

  /** The bytes of a stored file. */
  public static byte[] read(String name) throws IOException {
    try (InputStream in = StoredFile.class.getResourceAsStream("/formats/" + name)) {
      if (in == null) {
        throw new FileNotFoundException("no formats/" + name + " among the test resources");
      }
      return in.readAllBytes();
    }
  }

  /** A stored file to read. */
  public static DataInputStream open(String name) throws IOException {
    return new DataInputStream(new ByteArrayInputStream(read(name)));
  }

  /** What a state is written as now. */
  public static byte[] bytes(Writer state) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    state.write(new DataOutputStream(bytes));
    return bytes.toByteArray();
  }

  /** Writes a file anew, but never over one that is there. */
  public static void write(String folder, String name, byte[] bytes) throws IOException {
    Path file = Path.of(folder, name);
    if (Files.exists(file)) {
      System.out.println("kept " + file);
    } else {
      Files.write(file, bytes);
      System.out.println("written " + file);
    }
  }
}
