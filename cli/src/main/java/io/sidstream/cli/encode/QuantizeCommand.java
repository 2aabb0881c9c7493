package io.sidstream.cli.encode;

import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.model.file.Npy;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.quantize.ResidualQuantizer;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sidstream quantize}: the job's quantizer on codebooks from elsewhere. */
@Command(
    name = "quantize",
    mixinStandardHelpOptions = true,
    description =
        "Quantize vectors with given codebooks, exactly as the job does: ties go to the lowest index, each level sees the residual of those before it.")
public final class QuantizeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--codebooks",
      required = true,
      paramLabel = "CB.npy",
      description = "Codebooks [L, K, D], float32; rows of unit norm at a cosine level.")
  private Path codebooksFile;

  @Option(
      names = "--metrics",
      required = true,
      split = ",",
      paramLabel = "M",
      description = "Metric of each level, such as cosine,cosine,euclidean.")
  private List<Metric> metrics;

  @Option(
      names = "--vectors",
      required = true,
      paramLabel = "V.npy",
      description = "Vectors [N, D], float32 or float16.")
  private Path vectorsFile;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "CODES.npy",
      description = "Codes [N, L], int32.")
  private Path codesFile;

  @Option(
      names = "--embedding",
      paramLabel = "Z.npy",
      description = "Sums of the chosen codewords z [N, D], float32.")
  private Path embeddingFile;

  @Override
  public Integer call() throws IOException {
    OutputFile.check(
        List.of(
            new OutputFile.Named("--out", codesFile),
            new OutputFile.Named("--embedding", embeddingFile)),
        List.of(
            new OutputFile.Named("--codebooks", codebooksFile),
            new OutputFile.Named("--vectors", vectorsFile)));
    ResidualQuantizer quantizer = quantizer();
    NpyVectors vectors = NpyVectors.open(vectorsFile);
    if (vectors.dim() != quantizer.dim()) {
      throw new UsageException(
          String.format(
              "--vectors %s has shape %s; the codebooks of %s expect (N, %d)",
              vectorsFile,
              NpyVectors.shape(vectors.rows(), vectors.dim()),
              codebooksFile,
              quantizer.dim()));
    }
    CodeWriter writer =
        new CodeWriter(
            vectors.rows(), quantizer.levels(), embeddingFile == null ? 0 : quantizer.dim());
    EncodeResult result = new EncodeResult();
    writer.encode(
        vectors,
        (x, n) -> {
          quantizer.encode(x, n, result);
          return result;
        });
    writer.write(codesFile, embeddingFile);
    spec.commandLine()
        .getOut()
        .printf(
            Locale.ROOT,
            "%,d vectors quantized: codes %s in %s%n",
            vectors.rows(),
            NpyVectors.shape(vectors.rows(), quantizer.levels()),
            codesFile);
    spec.commandLine().getOut().flush();
    return 0;
  }

  private ResidualQuantizer quantizer() throws IOException {
    String name = "--codebooks " + codebooksFile;
    if (!Files.isRegularFile(codebooksFile)) {
      throw new UsageException(name + " is not a file");
    }
    Npy.Floats books;
    try (InputStream in = new BufferedInputStream(Files.newInputStream(codebooksFile))) {
      books = Npy.readFloats(in);
    } catch (IOException e) {
      throw new UsageException(name + ": " + e.getMessage());
    }
    int[] shape = books.shape();
    if (shape.length != 3) {
      throw new UsageException(
          name + " has shape " + NpyVectors.shape(shape) + "; expected (L, K, D)");
    }
    if (shape[0] != metrics.size()) {
      throw new UsageException(
          String.format(
              "%s has shape %s, so %d levels; --metrics names %d: %s",
              name, NpyVectors.shape(shape), shape[0], metrics.size(), metrics));
    }
    List<Codebook> levels = new ArrayList<>();
    int length = shape[1] * shape[2];
    for (int l = 0; l < shape[0]; l++) {
      try {
        levels.add(
            new Codebook(
                metrics.get(l),
                shape[1],
                shape[2],
                Arrays.copyOfRange(books.data(), l * length, (l + 1) * length)));
      } catch (IllegalArgumentException e) {
        throw new UsageException(
            String.format(
                "%s of shape %s, level %d (%s): %s",
                name,
                NpyVectors.shape(shape),
                l + 1,
                metrics.get(l).name().toLowerCase(Locale.ROOT),
                e.getMessage()));
      }
    }
    return new ResidualQuantizer(levels);
  }
}
