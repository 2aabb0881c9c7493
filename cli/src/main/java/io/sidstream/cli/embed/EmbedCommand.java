package io.sidstream.cli.embed;

import io.sidstream.cli.OutputFile;
import io.sidstream.cli.UsageException;
import io.sidstream.cli.rows.ItemRow;
import io.sidstream.cli.rows.RowFile;
import io.sidstream.cli.rows.RowFileOptions;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.model.file.Npy;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sidstream embed}: a file of content vectors from the texts of items. */
@Command(
    name = "embed",
    mixinStandardHelpOptions = true,
    description = {
      "Write the content vectors of items: those that the job makes of their texts, or titles where they have none.",
      "A row is that of the item's idx, or of its place in the files, as 'train --data DIR --vectors FILE' reads them."
    },
    footer = {
      "",
      "Example:",
      "  sidstream embed items.jsonl --out vectors.npy --ids ids.txt",
      "",
      "Exit codes: 0 written, 1 failed, 2 asked for wrongly, or an item has no text (nothing is written)."
    })
public final class EmbedCommand implements Callable<Integer> {
  /** More rows than this that are no item's are taken for a slip. */
  private static final int MOST_UNUSED = 1_000_000;

  @Mixin private RowFileOptions input;
  @Spec private CommandSpec spec;

  @Option(
      names = "--out",
      required = true,
      paramLabel = "FILE.npy",
      description = "Vectors [N, D], float32, each of norm 1.")
  private Path out;

  @Option(
      names = "--ids",
      paramLabel = "FILE",
      description = "Write the items' identifiers there, one a line, in the order of the rows.")
  private Path ids;

  @Mixin private TextModelOptions textModel;

  @Override
  public Integer call() throws IOException {
    List<RowFile> files = input.files();
    OutputFile.check(
        List.of(new OutputFile.Named("--out", out), new OutputFile.Named("--ids", ids)),
        files.stream()
            .filter(file -> !file.name().equals("-"))
            .map(file -> new OutputFile.Named("FILE", Path.of(file.name())))
            .toList());
    JobConfig config = textModel.config();
    ItemTexts items = new ItemTexts(input.mapping(ItemRow.FIELDS), ids != null);
    for (RowFile file : files) {
      items.read(file);
    }
    check(items);
    long began = System.nanoTime();
    TextVectors vectors =
        TextVectors.of(items.texts(), config, Boolean.getBoolean("sidstream.tty"));
    double seconds = (System.nanoTime() - began) / 1e9;
    Map<Path, OutputFile.Content> written = new LinkedHashMap<>();
    written.put(out, to -> Npy.write(to, vectors.data(), vectors.rows(), vectors.dim()));
    if (ids != null) {
      String lines = String.join("\n", items.ids()) + "\n";
      written.put(ids, to -> to.write(lines.getBytes(StandardCharsets.UTF_8)));
    }
    OutputFile.write(written);
    int unused = vectors.rows() - items.size();
    spec.commandLine()
        .getOut()
        .printf(
            Locale.ROOT,
            "%,d items embedded by %s in %.1f s: vectors (%d, %d) in %s%s%n",
            items.size(),
            config.get(JobOptions.EMBED_MODEL),
            seconds,
            vectors.rows(),
            vectors.dim(),
            out,
            unused == 0
                ? ""
                : String.format(Locale.ROOT, "; %,d rows are no item's, zeros", unused));
    spec.commandLine().getOut().flush();
    return 0;
  }

  private static void check(ItemTexts items) {
    long refused = items.refusals().count();
    if (refused > 0) {
      throw new UsageException(
          "%d items cannot be embedded, nothing is written:%n%s"
              .formatted(refused, items.refusals().text().stripTrailing()));
    }
    if (items.size() == 0) {
      throw new UsageException("there are no items in the files; name files with one or more");
    }
    if (items.lastRow() - items.size() > MOST_UNUSED) {
      throw new UsageException(
          "idx %d of %d items leaves too many rows that are no item's; number them from 1"
              .formatted(items.lastRow(), items.size()));
    }
  }
}
