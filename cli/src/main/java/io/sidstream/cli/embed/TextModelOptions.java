package io.sidstream.cli.embed;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** Options that say which text model makes the vectors. */
public final class TextModelOptions {
  @Option(
      names = "--model",
      paramLabel = "MODEL",
      description =
          "minilm (default), minilm-quantized, or a folder with model.onnx and tokenizer.json: embed.model of the job.")
  private String model;

  @Option(
      names = "--conf",
      paramLabel = "FILE",
      description = "The job's configuration, for its embed.* settings.")
  private Path conf;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "A setting of the job, such as embed.pooling=cls; wins over --conf.")
  private List<String> sets = new ArrayList<>();

  /**
   * The job's configuration with that model.
   *
   * @throws io.sidstream.job.config.ConfigException where a setting is wrong
   */
  public JobConfig config() {
    List<String> all = new ArrayList<>(sets);
    if (model != null) {
      boolean name = JobOptions.BUNDLED_TEXT_MODELS.contains(model) || model.contains("/");
      all.add(JobOptions.EMBED_MODEL.key() + "=" + (name ? model : "./" + model));
    }
    return JobConfig.load(conf, all);
  }
}
