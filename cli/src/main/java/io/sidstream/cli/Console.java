package io.sidstream.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.apache.logging.log4j.core.config.Configurator;

/** Where words go: those for the person to the terminal, those for the file to the log. */
public final class Console {
  private Console() {}

  /** Held on to: a level set on a logger that nobody holds is forgotten. */
  private static final Logger NETLIB = Logger.getLogger("dev.ludovic.netlib");

  /** Sends the log to a file from here on. */
  public static void logTo(Path file) throws IOException {
    Path absolute = file.toAbsolutePath();
    Files.createDirectories(absolute.getParent());
    System.setProperty("sidstream.log", absolute.toString());
    // The names of what is rolled over are a pattern, in which a % begins a conversion.
    System.setProperty("sidstream.log.rolled", absolute.toString().replace("%", "%%"));
    // Flink's web UI shows this file.
    System.setProperty("log.file", absolute.toString());
    // It warns that the Vector API is not there, which nothing here asks for.
    NETLIB.setLevel(Level.SEVERE);
    // What the command line needed may have set up logging before the folder was known.
    Configurator.reconfigure();
  }
}
