package io.sidstream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sidstream.cli.OutputFile.Named;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutputFileTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void file() throws IOException {
    file = Files.writeString(folder.resolve("old"), "old");
  }

  @Test
  void takesThePlaceOfTheOldFileAndKeepsItsPermissions() throws IOException {
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    OutputFile.write(file, text("new"));
    assertThat(file).hasContent("new");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    Path fresh = folder.resolve("fresh");
    OutputFile.write(fresh, text("new"));
    Path plain = Files.createFile(folder.resolve("plain"));
    assertThat(Files.getPosixFilePermissions(fresh))
        .isEqualTo(Files.getPosixFilePermissions(plain));
    assertThat(Files.list(folder)).containsExactlyInAnyOrder(file, fresh, plain);
  }

  @Test
  void replacesWhatALinkLeadsTo() throws IOException {
    Path shelf = Files.createDirectory(folder.resolve("shelf"));
    Path target = Files.writeString(shelf.resolve("target"), "old");
    Path inner = Files.createSymbolicLink(shelf.resolve("inner"), Path.of("target"));
    Path outer = Files.createSymbolicLink(folder.resolve("outer"), Path.of("shelf/inner"));
    Path dangling = Files.createSymbolicLink(folder.resolve("dangling"), Path.of("shelf/later"));
    for (Path link : List.of(outer, dangling)) {
      OutputFile.check("--out", link);
      OutputFile.write(link, text("new"));
      assertThat(link).isSymbolicLink().hasContent("new");
    }
    assertThat(inner).isSymbolicLink();
    assertThat(target).isRegularFile().hasContent("new");
    assertThat(Files.list(shelf)).containsExactlyInAnyOrder(target, inner, shelf.resolve("later"));
  }

  @Test
  void aFailureLeavesWhatWasThere() throws IOException {
    Path other = Files.writeString(folder.resolve("other"), "old");
    Map<Path, OutputFile.Content> both = new LinkedHashMap<>();
    both.put(file, text("new"));
    both.put(
        other,
        out -> {
          out.write(new byte[100_000]);
          throw new IOException("no space left");
        });
    assertThatThrownBy(() -> OutputFile.write(both))
        .isInstanceOf(IOException.class)
        .hasMessage(other + " cannot be written")
        .hasRootCauseMessage("no space left");
    assertThat(file).hasContent("old");
    assertThat(other).hasContent("old");
    assertThat(Files.list(folder)).containsExactlyInAnyOrder(file, other);
  }

  @Test
  void isTriedBeforeTheWork() throws IOException {
    OutputFile.check("--out", null);
    OutputFile.check("--out", file);
    OutputFile.check("--out", folder.resolve("new"));
    assertThat(Files.list(folder)).containsExactly(file);
    assertRefused(folder, "is a folder; name a file");
    assertRefused(folder.resolve("none/x"), "there is no folder " + folder.resolve("none"));
    assertRefused(folder.resolve("n".repeat(300)), "cannot be written (", "too long");
    // What another run is writing, or has left, is not touched.
    Path part = Files.writeString(folder.resolve(".new.part"), "of another run");
    OutputFile.check("--out", folder.resolve("new"));
    assertThat(part).hasContent("of another run");
    Path loop = Files.createSymbolicLink(folder.resolve("loop"), Path.of("loop"));
    assertRefused(loop, "cannot be written (");
  }

  @Test
  void aPipeTakesItAsItComes() throws Exception {
    Path pipe = folder.resolve("pipe");
    assumeTrue(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor() == 0, "no mkfifo");
    CompletableFuture<byte[]> read =
        CompletableFuture.supplyAsync(
            () -> {
              try (InputStream in = Files.newInputStream(pipe)) {
                return in.readAllBytes();
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            });
    OutputFile.check("--out", pipe);
    OutputFile.write(pipe, text("new"));
    assertThat(read.get(20, TimeUnit.SECONDS)).asString().isEqualTo("new");
    assertThat(Files.list(folder)).containsExactlyInAnyOrder(file, pipe);
  }

  /** As where the file is a mount of its own. */
  @Test
  void whatCannotTakeItsPlaceIsKept() {
    Path late = folder.resolve("late");
    assertThatThrownBy(
            () ->
                OutputFile.write(
                    late,
                    out -> {
                      text("new").write(out);
                      Files.createDirectories(late.resolve("x"));
                    }))
        .isInstanceOf(IOException.class)
        .hasMessage(
            late
                + " cannot be replaced; what was to be there is in "
                + late.resolveSibling(".late.part"));
    assertThat(folder.resolve(".late.part")).hasContent("new");
  }

  @Test
  void isNoOtherFileOfTheCommandByWhateverPath() throws IOException {
    Path inside = Files.createSymbolicLink(folder.resolve("inside"), Path.of("."));
    Path link = Files.createSymbolicLink(folder.resolve("link"), file);
    Path relative = Path.of("").toAbsolutePath().relativize(file);
    for (Path same : List.of(file, inside.resolve("old"), link, relative)) {
      assertThatThrownBy(() -> check(List.of(file), List.of(folder.resolve("x"), same)))
          .isInstanceOf(UsageException.class)
          .hasMessage(
              "--out0 %s and --in1 %s are the same file; name another for --out0", file, same);
    }
    Path fresh = folder.resolve("fresh");
    Path again = inside.resolve("fresh");
    assertThatThrownBy(() -> check(List.of(fresh, again), List.of()))
        .isInstanceOf(UsageException.class)
        .hasMessage(
            "--out1 %s and --out0 %s are the same file; name another for --out1", again, fresh);
    assertThatCode(() -> check(List.of(fresh), List.of(file, folder.resolve("none/x"))))
        .doesNotThrowAnyException();
  }

  private void assertRefused(Path path, String... message) {
    assertThatThrownBy(() -> OutputFile.check("--out", path))
        .isInstanceOf(UsageException.class)
        .hasMessageStartingWith("--out " + path)
        .hasMessageContainingAll(message);
  }

  private static void check(List<Path> outputs, List<Path> inputs) {
    OutputFile.check(named("--out", outputs), named("--in", inputs));
  }

  private static List<Named> named(String option, List<Path> files) {
    return files.stream().map(file -> new Named(option + files.indexOf(file), file)).toList();
  }

  private static OutputFile.Content text(String text) {
    return out -> out.write(text.getBytes(StandardCharsets.UTF_8));
  }
}
