package io.sidstream.cli.feed;

import io.sidstream.cli.UsageException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/** What a state folder was begun with, so that a run that goes on in it is the same run. */
public final class Manifest {
  private static final String FILE = "run.properties";

  private Manifest() {}

  /**
   * Writes the facts into a new state folder, or compares them with those of an old one.
   *
   * @param state the folder; made if missing
   * @param facts names and values that must not change between runs
   * @throws UsageException where the folder was begun with others; names the fact, both values and
   *     the fix
   */
  public static void claim(Path state, Map<String, String> facts) throws IOException {
    Files.createDirectories(state);
    Path file = state.resolve(FILE);
    if (!Files.exists(file)) {
      Properties out = new Properties();
      facts.forEach(out::setProperty);
      Path fresh = state.resolve(FILE + ".new");
      try (var writer = Files.newBufferedWriter(fresh, StandardCharsets.UTF_8)) {
        out.store(writer, "what this folder was begun with");
      }
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      return;
    }
    Properties old = new Properties();
    try (var reader = Files.newBufferedReader(file, StandardCharsets.UTF_8)) {
      old.load(reader);
    }
    for (Map.Entry<String, String> fact : new TreeMap<>(facts).entrySet()) {
      String before = old.getProperty(fact.getKey());
      if (!fact.getValue().equals(before)) {
        throw new UsageException(
            String.format(
                "--state %s was begun with %s = %s, not %s: run it as it was begun, or give another folder",
                state, fact.getKey(), before, fact.getValue()));
      }
    }
  }
}
