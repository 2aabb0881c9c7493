package io.sidstream.tests.savepoints;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/**
 * A job that was stopped with a savepoint: the savepoint, what its topics had, and what must be
 * found when it goes on. Stands in a folder of the test resources, named after the release that
 * wrote it: {@code manifest.json} for people, {@code savepoint.zip} for the rest.
 *
 * @param manifest what must be found
 * @param topics what was on the topics
 */
record SavedJob(Manifest manifest, SavedTopics topics) {
  /** All that there are. */
  static final Path ALL = Path.of("src", "test", "resources", "savepoints");

  private static final String MANIFEST = "manifest.json";
  private static final String ZIP = "savepoint.zip";
  private static final String TOPICS = "topics.bin";
  private static final String SAVEPOINT = "savepoint/";
  private static final ObjectMapper JSON =
      new ObjectMapper()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS);

  /**
   * What must be found.
   *
   * @param writtenBy version and commit of the build that made it
   * @param name of the job: prefix of its topics, and its consumer group
   * @param settings of the job, but where it runs
   * @param items that it was sent and that are not deleted
   * @param version newest committed token version
   * @param revision newest revision of the recommender
   * @param interactions learnt from
   * @param waiting interactions that wait for an item
   * @param waitingFor the item that they wait for
   * @param tokens item to token, as {@code codes+suffix}
   */
  record Manifest(
      String writtenBy,
      String name,
      List<String> settings,
      int items,
      int version,
      long revision,
      long interactions,
      long waiting,
      String waitingFor,
      Map<String, String> tokens) {}

  /** Writes it to a folder. */
  void write(Path folder, Path savepoint) throws IOException {
    Files.createDirectories(folder);
    JSON.writeValue(folder.resolve(MANIFEST).toFile(), manifest);
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(folder.resolve(ZIP)));
        Stream<Path> files = Files.list(savepoint)) {
      zip.putNextEntry(new ZipEntry(TOPICS));
      DataOutputStream out = new DataOutputStream(zip);
      topics.to(out);
      out.flush();
      zip.closeEntry();
      for (Path file : files.sorted().toList()) {
        zip.putNextEntry(new ZipEntry(SAVEPOINT + file.getFileName()));
        Files.copy(file, zip);
        zip.closeEntry();
      }
    }
  }

  /**
   * Reads it from a folder.
   *
   * @param savepoint folder that the savepoint is put into
   */
  static SavedJob read(Path folder, Path savepoint) throws IOException {
    Files.createDirectories(savepoint);
    Manifest manifest = JSON.readValue(folder.resolve(MANIFEST).toFile(), Manifest.class);
    SavedTopics topics = null;
    try (ZipInputStream zip = new ZipInputStream(Files.newInputStream(folder.resolve(ZIP)))) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        byte[] bytes = zip.readAllBytes();
        if (entry.getName().equals(TOPICS)) {
          topics = SavedTopics.from(new DataInputStream(new ByteArrayInputStream(bytes)));
        } else {
          Path name = Path.of(entry.getName()).getFileName();
          Files.write(savepoint.resolve(name), bytes);
        }
      }
    }
    return new SavedJob(manifest, topics);
  }

  /** The folders of all that there are, by name. */
  static List<Path> all() throws IOException {
    try (Stream<Path> folders = Files.list(ALL)) {
      return folders.filter(Files::isDirectory).sorted().toList();
    }
  }
}
