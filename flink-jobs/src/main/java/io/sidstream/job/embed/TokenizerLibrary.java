package io.sidstream.job.embed;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * The tokenizer's native library, as a copy of this class loader's own.
 *
 * <p>A JVM loads a file into one class loader only. The tokenizer unpacks its library to a fixed
 * place, so that a job that is started a second time in a TaskManager, with a new class loader,
 * would be refused it. (OpenBLAS, netlib and ONNX Runtime see to that themselves.)
 */
final class TokenizerLibrary {
  /** Where the tokenizer unpacks to; an environment variable of this name wins. */
  private static final String CACHE = "ENGINE_CACHE_DIR";

  private static final String LOADER = "ai.djl.huggingface.tokenizers.jni.LibUtils";

  static {
    // The property is the JVM's, so the lock must be seen by every class loader as well.
    synchronized (Runtime.getRuntime()) {
      String before = System.getProperty(CACHE);
      try {
        Path own = Files.createTempDirectory("sidstream-tokenizers-");
        System.setProperty(CACHE, own.toString());
        Class.forName(LOADER, true, TokenizerLibrary.class.getClassLoader());
        // Loaded is loaded: the file may go.
        delete(own);
      } catch (IOException e) {
        throw new UncheckedIOException("no place to unpack the tokenizer's native library", e);
      } catch (ClassNotFoundException e) {
        throw new IllegalStateException(
            LOADER + " is not on the class path; add ai.djl.huggingface:tokenizers", e);
      } finally {
        if (before == null) {
          System.clearProperty(CACHE);
        } else {
          System.setProperty(CACHE, before);
        }
      }
    }
  }

  private TokenizerLibrary() {}

  /** Loads it, once a class loader. */
  static void load() {
    // The static initialiser has done it.
  }

  private static void delete(Path folder) throws IOException {
    List<Path> files;
    try (Stream<Path> walk = Files.walk(folder)) {
      files = walk.sorted(Comparator.reverseOrder()).toList();
    }
    for (Path file : files) {
      Files.deleteIfExists(file);
    }
  }
}
