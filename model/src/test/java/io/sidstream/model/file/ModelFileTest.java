package io.sidstream.model.file;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelFileTest {
  private static final ModelFile.Provenance PROVENANCE =
      new ModelFile.Provenance(
          "abc123", Map.of("levels", "3", "decay", "0.8"), 42, "0.1.0", 1_700_000_000_000L);

  /**
   * What {@code model-format-1.sidm} in the test resources was written from; {@link #main} writes
   * it.
   */
  private static ModelFile example() {
    Map<String, byte[]> sections = new LinkedHashMap<>();
    sections.put("tokenizer", "weights".getBytes(StandardCharsets.US_ASCII));
    sections.put("empty", new byte[0]);
    return new ModelFile(PROVENANCE, sections);
  }

  /** Writes the stored example of the current format to the path that is given. */
  public static void main(String[] arguments) throws IOException {
    Files.write(Path.of(arguments[0]), example().toBytes());
  }

  @Test
  void readsTheStoredFileOfFormat1() throws IOException {
    try (InputStream in = ModelFileTest.class.getResourceAsStream("/model-format-1.sidm")) {
      ModelFile read = ModelFile.fromBytes(in.readAllBytes());
      assertThat(read.provenance()).isEqualTo(PROVENANCE);
      assertThat(read.names()).containsExactly("tokenizer", "empty");
      assertThat(read.section("tokenizer")).asString().isEqualTo("weights");
      assertThat(read.section("empty")).isEmpty();
      assertThat(read.toBytes()).isEqualTo(example().toBytes());
    }
  }

  @Test
  void survivesAFile(@TempDir Path folder) throws IOException {
    Path path = folder.resolve("model.sidm");
    try (OutputStream out = Files.newOutputStream(path)) {
      example().write(out);
    }
    ModelFile read = ModelFile.fromBytes(Files.readAllBytes(path));
    assertThat(read.toBytes()).isEqualTo(example().toBytes());
    assertThatThrownBy(() -> ModelFile.fromBytes(new byte[] {1, 2, 3, 4, 5}))
        .hasMessageContaining("Not a model file");
  }

  @Test
  void refusesEveryTruncationAndEveryFlippedByte() {
    byte[] bytes = example().toBytes();
    for (int length = 0; length < bytes.length; length++) {
      byte[] part = Arrays.copyOf(bytes, length);
      assertThatThrownBy(() -> ModelFile.fromBytes(part))
          .as("%d bytes", length)
          .isInstanceOf(IllegalArgumentException.class);
    }
    for (int i = 0; i < bytes.length; i++) {
      byte[] flipped = bytes.clone();
      flipped[i] ^= 0x10;
      assertThatThrownBy(() -> ModelFile.fromBytes(flipped))
          .as("byte %d", i)
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void namesTheSectionsThereAre() {
    assertThatThrownBy(() -> example().section("decoder"))
        .hasMessageContaining("decoder")
        .hasMessageContaining("tokenizer");
  }

  @Test
  void aNewerFormatIsNamed() {
    byte[] bytes = example().toBytes();
    bytes[7] = 2;
    assertThatThrownBy(() -> ModelFile.fromBytes(bytes)).hasMessageContaining("format 2");
  }
}
