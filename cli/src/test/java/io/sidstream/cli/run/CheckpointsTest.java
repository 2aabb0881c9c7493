package io.sidstream.cli.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointsTest {
  private static final String OLD = "0123456789abcdef0123456789abcdef";
  private static final String NEW = "fedcba9876543210fedcba9876543210";

  @TempDir private Path folder;

  private Path write(String name, String text, int time) throws IOException {
    Path file = folder.resolve(name);
    Files.createDirectories(file.getParent());
    Files.writeString(file, text);
    Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000L + time));
    return file;
  }

  private List<String> files() throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.filter(Files::isRegularFile)
          .map(f -> folder.relativize(f).toString())
          .sorted()
          .toList();
    }
  }

  @Test
  void whatNoRunGoesOnFromIsDeleted() throws IOException {
    // Shared by the newest of the old run, by its older one, and by none.
    write(OLD + "/shared/aaa", "", 1);
    write(OLD + "/shared/bbb", "", 1);
    write(OLD + "/shared/ccc", "", 1);
    write(OLD + "/chk-8/_metadata", "file:/x/shared/bbb", 2);
    write(OLD + "/chk-8/own", "", 2);
    write(OLD + "/chk-9/_metadata", "file:/x/shared/aaa", 3);
    write(NEW + "/chk-11/_metadata", "file:/x/shared/aaa", 5);
    Path newest = write(NEW + "/chk-12/_metadata", "file:/x/shared/aaa file:/x/ddd", 6);
    write(NEW + "/shared/ddd", "", 6);
    write(NEW + "/shared/eee", "", 6);
    write("savepoint-1/_metadata", "", 4);
    write("notes.txt", "", 0);
    assertThat(Checkpoints.clean(folder, newest.getParent())).isEqualTo(6);
    assertThat(files())
        .containsExactly(
            OLD + "/shared/aaa",
            NEW + "/chk-11/_metadata",
            NEW + "/chk-12/_metadata",
            NEW + "/shared/ddd",
            "notes.txt",
            "savepoint-1/_metadata");
    assertThat(folder.resolve(OLD).resolve("chk-8")).doesNotExist();
    // Again there is nothing.
    assertThat(Checkpoints.clean(folder, newest.getParent())).isZero();
  }
}
