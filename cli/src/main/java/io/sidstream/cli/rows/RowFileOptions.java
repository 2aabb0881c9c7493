package io.sidstream.cli.rows;

import io.sidstream.cli.UsageException;
import java.util.List;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Which files of records a command reads, and how their columns become fields. */
public final class RowFileOptions {
  @Parameters(
      arity = "1..*",
      paramLabel = "FILE",
      description =
          "JSON lines, CSV or TSV with a header, or Parquet, by its name's end; .gz is unpacked; - is standard input.")
  private List<String> files;

  @Option(
      names = "--format",
      paramLabel = "FORM",
      description =
          "Form of the files where their names do not tell it: ${COMPLETION-CANDIDATES} (standard input: JSONL).")
  private Format format;

  @Option(
      names = "--map",
      paramLabel = "FIELD=COLUMN,...",
      description = {
        "Columns that have other names than the fields, such as item=asin,text=title+description,time=ts.",
        "Columns joined by + become one text; COLUMN[] takes a list and joins its parts."
      })
  private String map;

  /**
   * The files, in the order of the command.
   *
   * @throws UsageException where standard input is named twice, or a form is not known
   */
  public List<RowFile> files() {
    if (files.stream().filter(Input.STANDARD::equals).count() > 1) {
      throw new UsageException("- (standard input) can be read once");
    }
    List<RowFile> all = files.stream().map(name -> new RowFile(name, format)).toList();
    // A name that tells nothing is refused before the first file is read.
    all.forEach(RowFile::form);
    return all;
  }

  /**
   * How columns become fields.
   *
   * @param fields those that there are
   * @throws UsageException where {@code --map} is not of its form
   */
  public Mapping mapping(List<String> fields) {
    return Mapping.parse(map, fields);
  }
}
