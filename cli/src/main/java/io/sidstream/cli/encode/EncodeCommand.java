package io.sidstream.cli.encode;

import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.cli.train.SavedModel;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.file.ModelFile;
import io.sidstream.model.oracle.TokenizerOracle;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.train.JointConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sidstream encode}: the codes that a saved model gives to vectors. */
@Command(
    name = "encode",
    mixinStandardHelpOptions = true,
    description = "Encode content vectors with a model that sidstream train --save wrote.")
public final class EncodeCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Option(
      names = "--model",
      required = true,
      paramLabel = "MODEL",
      description = "The model: a file of train --save, or the bytes of a token version.")
  private Path modelFile;

  @Option(
      names = "--vectors",
      required = true,
      paramLabel = "FILE.npy",
      description = "Content vectors [N, D], float32 or float16.")
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
      description = "Semantic embeddings z [N, D_2], float32.")
  private Path embeddingFile;

  @Option(
      names = "--engine",
      paramLabel = "ENGINE",
      defaultValue = "tuned",
      description =
          "tuned (default): what the job runs. nd4j: the equations written plainly with ND4J in double precision, to check it by; slower.")
  private Engine engine;

  /** What computes the codes. */
  enum Engine {
    TUNED,
    ND4J
  }

  @Override
  public Integer call() throws IOException {
    OutputFile.check(
        List.of(
            new OutputFile.Named("--out", codesFile),
            new OutputFile.Named("--embedding", embeddingFile)),
        List.of(
            new OutputFile.Named("--model", modelFile),
            new OutputFile.Named("--vectors", vectorsFile)));
    TokenizerModel model = model();
    NpyVectors vectors = NpyVectors.open(vectorsFile);
    if (vectors.dim() != model.inputDim()) {
      throw new UsageException(
          String.format(
              "--vectors %s has shape %s; the model %s expects (N, %d)",
              vectorsFile,
              NpyVectors.shape(vectors.rows(), vectors.dim()),
              modelFile,
              model.inputDim()));
    }
    CodeWriter writer =
        new CodeWriter(vectors.rows(), model.levels(), embeddingFile == null ? 0 : model.dim());
    CodeWriter.Encoder encoder = encoder(model);
    long start = System.nanoTime();
    writer.encode(vectors, encoder);
    double seconds = (System.nanoTime() - start) / 1e9;
    writer.write(codesFile, embeddingFile);
    spec.commandLine()
        .getOut()
        .printf(
            Locale.ROOT,
            "%,d vectors encoded in %.2f s: codes %s in %s%n",
            vectors.rows(),
            seconds,
            NpyVectors.shape(vectors.rows(), model.levels()),
            codesFile);
    spec.commandLine().getOut().flush();
    return 0;
  }

  private CodeWriter.Encoder encoder(TokenizerModel model) {
    EncodeResult result = new EncodeResult();
    if (engine == Engine.TUNED) {
      return (x, n) -> {
        model.encode(x, n, null, result);
        return result;
      };
    }
    TokenizerOracle oracle = new TokenizerOracle(model);
    return (x, n) -> {
      oracle.encode(x, n, null, result);
      return result;
    };
  }

  private TokenizerModel model() throws IOException {
    if (!Files.isRegularFile(modelFile)) {
      throw new UsageException("--model " + modelFile + " is not a file");
    }
    byte[] bytes = Files.readAllBytes(modelFile);
    try {
      if (bytes.length >= 4 && bytes[0] == 'S' && bytes[3] == 'T') {
        return TokenizerModel.fromBytes(bytes);
      }
      ModelFile file = ModelFile.fromBytes(bytes);
      if (!file.names().contains(SavedModel.TOKENIZER)) {
        String variant = file.provenance().parameters().get("variant");
        throw new UsageException(
            "--model "
                + modelFile
                + (JointConfig.Variant.ID.name().equals(variant)
                    ? " has no tokenizer (variant ID); use one of train unified or semantic"
                    : " has no tokenizer yet: it is a checkpoint of the quantizer's own stage; let that stage end"));
      }
      return TokenizerModel.fromBytes(file.section(SavedModel.TOKENIZER));
    } catch (IllegalArgumentException e) {
      throw new UsageException("--model " + modelFile + ": " + e.getMessage());
    }
  }
}
