package io.sidstream.cli.train;

import io.sidstream.cli.OutputFile;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The option that says where the items' content vectors are. */
public final class VectorsOption {
  @Option(
      names = "--vectors",
      paramLabel = "FILE.npy",
      description =
          "Content vectors; row idx - 1 belongs to the item with idx. Without it those that the items bring, or else those that the job makes of their texts.")
  private Path file;

  /** The file; null for none. */
  public Path file() {
    return file;
  }

  /** The file as an input. */
  OutputFile.Named named() {
    return new OutputFile.Named("--vectors", file);
  }
}
