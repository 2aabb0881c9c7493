package io.sidstream.cli;

import java.nio.file.Files;
import java.nio.file.Path;

/** A file that a command writes at its end: that it can is looked at before the work begins. */
public final class OutputFile {
  private OutputFile() {}

  /**
   * Checks that the file may be written.
   *
   * @param option the option that names it
   * @param file null for none
   * @throws UsageException where it is a folder, or its folder is not there
   */
  public static void check(String option, Path file) {
    if (file == null) {
      return;
    }
    if (Files.isDirectory(file)) {
      throw new UsageException(option + " " + file + " is a folder; name a file");
    }
    Path folder = file.toAbsolutePath().getParent();
    if (!Files.isDirectory(folder)) {
      throw new UsageException(option + " " + file + ": there is no folder " + folder);
    }
  }
}
