package io.sidstream.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Where words go: those for the person to the terminal, those for the file to the log. */
final class Console {
  private Console() {}

  /** Sends the log to a file. Must come before anything logs. */
  static void logTo(Path file) throws IOException {
    Path absolute = file.toAbsolutePath();
    Files.createDirectories(absolute.getParent());
    System.setProperty("sidstream.log", absolute.toString());
    // Flink's web UI shows this file.
    System.setProperty("log.file", absolute.toString());
  }
}
