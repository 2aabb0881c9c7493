package io.sidstream.cli.train;

import io.sidstream.cli.OutputFile;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** The option that says where the items' content vectors are. */
public final class VectorsOption {
  @Option(
      names = "--vectors",
      required = true,
      paramLabel = "FILE.npy",
      description = "Content vectors; row idx - 1 belongs to the item with idx.")
  private Path file;

  /** The file. */
  public Path file() {
    return file;
  }

  /** The file as an input. */
  OutputFile.Named named() {
    return new OutputFile.Named("--vectors", file);
  }
}
