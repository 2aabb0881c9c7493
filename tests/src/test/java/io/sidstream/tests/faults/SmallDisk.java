package io.sidstream.tests.faults;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** A disk of few megabytes, mounted at a folder (tmpfs): to be filled up. Only root may mount. */
final class SmallDisk implements AutoCloseable {
  private static final int MEGABYTES = 128;

  private final Path folder;

  private SmallDisk(Path folder) {
    this.folder = folder;
  }

  /**
   * Mounts one.
   *
   * @return null where this user may not
   */
  static SmallDisk at(Path folder) throws IOException {
    Files.createDirectories(folder);
    boolean mounted = run("mount", "-t", "tmpfs", "-o", "size=" + MEGABYTES + "m", "tmpfs", folder);
    return mounted ? new SmallDisk(folder) : null;
  }

  private static boolean run(Object... command) throws IOException {
    String[] texts = new String[command.length];
    for (int i = 0; i < texts.length; i++) {
      texts[i] = command[i].toString();
    }
    return new ProcessBuilder(texts).inheritIO().start().onExit().join().exitValue() == 0;
  }

  /** Writes until nothing more goes on it. */
  static void fill(Path folder) throws IOException {
    byte[] some = new byte[64 * 1024];
    try (OutputStream out = Files.newOutputStream(filler(folder))) {
      while (true) {
        out.write(some);
      }
    } catch (IOException e) {
      if (Files.getFileStore(folder).getUsableSpace() >= some.length) {
        throw e;
      }
    }
  }

  /** Makes room again. */
  static void free(Path folder) throws IOException {
    Files.delete(filler(folder));
  }

  private static Path filler(Path folder) {
    return folder.resolve("filler");
  }

  @Override
  public void close() throws IOException {
    // Processes that were killed may hold it for a moment.
    if (!run("umount", "-l", folder)) {
      throw new IOException(folder + " cannot be unmounted");
    }
  }
}
