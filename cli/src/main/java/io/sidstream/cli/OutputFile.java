package io.sidstream.cli;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A file that a command writes at its end. That it can is looked at before the work begins; it is
 * written beside the file that it replaces, so that no half file is ever there under its name and a
 * failure leaves the old one. Symbolic links are followed: what they lead to is replaced. Into what
 * is no regular file, such as a pipe, it is written as it comes.
 */
public final class OutputFile {
  /** As many links as Linux follows. */
  private static final int MOST_LINKS = 40;

  private OutputFile() {}

  /**
   * A file that an option names.
   *
   * @param option the option
   * @param file null where it was not given
   */
  public record Named(String option, Path file) {}

  /** What is written to a file. */
  public interface Content {
    /** Writes it; the stream is buffered, and may be closed or not. */
    void write(OutputStream out) throws IOException;
  }

  /**
   * Checks that the files may be written, and that none of them is another of them or one that is
   * read, by whatever path.
   *
   * @throws UsageException where one may not; names the option or both
   */
  public static void check(List<Named> outputs, List<Named> inputs) {
    for (int i = 0; i < outputs.size(); i++) {
      Named output = outputs.get(i);
      check(output.option, output.file);
      outputs.subList(0, i).forEach(other -> refuseSame(output, other));
      inputs.forEach(input -> refuseSame(output, input));
    }
  }

  /**
   * Checks that the file may be written, by making one beside it.
   *
   * @param option the option that names it
   * @param file null for none
   * @throws UsageException where it is a folder, or nothing can be written there
   */
  public static void check(String option, Path file) {
    if (file == null) {
      return;
    }
    String name = option + " " + file;
    if (Files.isDirectory(file)) {
      throw new UsageException(name + " is a folder; name a file");
    }
    if (Files.exists(file) && !Files.isWritable(file)) {
      throw new UsageException(name + " is write-protected; name another file");
    }
    if (isStream(file)) {
      return;
    }
    Path folder = file.toAbsolutePath().getParent();
    if (!Files.isDirectory(folder)) {
      throw new UsageException(name + ": there is no folder " + folder);
    }
    try {
      Path beside = beside(real(file));
      // One that is there is what another run is writing, or has left for someone to fetch.
      if (!Files.exists(beside)) {
        Files.delete(Files.createFile(beside));
      }
    } catch (IOException e) {
      throw new UsageException(
          name + " cannot be written (" + Failures.describe(e) + "); name a file elsewhere");
    }
  }

  /**
   * Writes a file: to one beside it first, which then takes its name.
   *
   * @throws IOException naming the file; it is then as it was
   */
  public static void write(Path file, Content content) throws IOException {
    write(Map.of(file, content));
  }

  /**
   * Writes several files: none takes its name before all are written.
   *
   * @throws IOException naming the file that could not be written
   */
  public static void write(Map<Path, Content> contents) throws IOException {
    Map<Path, Path> targets = new LinkedHashMap<>();
    Path at = null;
    boolean written = false;
    try {
      for (Map.Entry<Path, Content> entry : contents.entrySet()) {
        at = entry.getKey();
        Path to = at;
        if (!isStream(at)) {
          Path target = real(at);
          to = beside(target);
          targets.put(to, target);
        }
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(to))) {
          entry.getValue().write(out);
        }
      }
      written = true;
    } catch (IOException e) {
      throw new IOException(at + " cannot be written", e);
    } finally {
      if (!written) {
        targets.keySet().forEach(beside -> beside.toFile().delete());
      }
    }
    for (Map.Entry<Path, Path> entry : targets.entrySet()) {
      Path beside = entry.getKey();
      Path target = entry.getValue();
      try {
        keepPermissions(target, beside);
        Files.move(
            beside, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
      } catch (IOException e) {
        throw new IOException(
            target + " cannot be replaced; what was to be there is in " + beside, e);
      }
    }
  }

  private static boolean isStream(Path file) {
    return Files.exists(file) && !Files.isRegularFile(file);
  }

  private static void keepPermissions(Path of, Path on) throws IOException {
    boolean known = Files.getFileStore(on).supportsFileAttributeView(PosixFileAttributeView.class);
    if (known && Files.exists(of)) {
      Files.setPosixFilePermissions(on, Files.getPosixFilePermissions(of));
    }
  }

  private static void refuseSame(Named output, Named other) {
    if (output.file == null || other.file == null) {
      return;
    }
    try {
      if (!real(output.file).equals(real(other.file))) {
        return;
      }
    } catch (IOException e) {
      // One that leads nowhere is not the other.
      return;
    }
    throw new UsageException(
        String.format(
            "%s %s and %s %s are the same file; name another for %s",
            output.option, output.file, other.option, other.file, output.option));
  }

  /** What the path leads to, there or not. */
  private static Path real(Path file) throws IOException {
    if (Files.exists(file)) {
      return file.toRealPath();
    }
    Path at = file.toAbsolutePath();
    for (int links = 0; Files.isSymbolicLink(at); links++) {
      if (links == MOST_LINKS) {
        throw new FileSystemLoopException(file.toString());
      }
      at = at.resolveSibling(Files.readSymbolicLink(at));
    }
    return at.getParent().toRealPath().resolve(at.getFileName());
  }

  /** Where it is written first: one name a target, so that a run that is killed leaves one file. */
  private static Path beside(Path target) {
    return target.resolveSibling("." + target.getFileName() + ".part");
  }
}
