package io.sidstream.cli.load;

import io.sidstream.cli.rows.RowFile;
import io.sidstream.job.config.JobConfig;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Function;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code sidstream load}: files into the job's topics. */
@Command(
    name = "load",
    mixinStandardHelpOptions = true,
    description = "Load a catalogue or its interactions from files into the job's topics.",
    subcommands = {LoadCommand.Items.class, LoadCommand.Interactions.class})
public final class LoadCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "name what to load: items or interactions");
  }

  /** {@code load items FILE...}. */
  @Command(
      name = "items",
      mixinStandardHelpOptions = true,
      description = {
        "Load items. Fields: item (the identifier), title, text or vector, time; other columns become attributes.",
        "Without a time an item is of now. An item that is there already is replaced."
      },
      footer = {
        "",
        "Examples:",
        "  sidstream load items items.jsonl --bootstrap localhost:9092",
        "  sidstream load items meta.csv.gz --map item=asin,text=title+description --dry-run",
        "",
        "Exit codes: 0 all loaded, 1 some refused (the others are loaded) or failed, 2 asked for wrongly."
      })
  static final class Items implements Callable<Integer> {
    @Mixin LoadOptions options;
    @Spec CommandSpec spec;

    @Override
    public Integer call() throws Exception {
      return run(options, ItemRecords::new, spec);
    }
  }

  /** {@code load interactions FILE...}. */
  @Command(
      name = "interactions",
      mixinStandardHelpOptions = true,
      description = {
        "Load interactions. Fields: user, item, time, and optionally kind, weight, eventId.",
        "Time: seconds or milliseconds since 1970, or ISO 8601. CSV and TSV without a header have user, item, time.",
        "Without an eventId one is made of user, item, kind and time, so that a file loaded twice counts once."
      },
      footer = {
        "",
        "Examples:",
        "  sidstream load interactions interactions.tsv.gz --bootstrap localhost:9092",
        "  sidstream load interactions ratings.parquet --map user=reviewer,item=asin,time=ts --rate 500",
        "",
        "Exit codes: 0 all loaded, 1 some refused (the others are loaded) or failed, 2 asked for wrongly."
      })
  static final class Interactions implements Callable<Integer> {
    @Mixin LoadOptions options;
    @Spec CommandSpec spec;

    @Override
    public Integer call() throws Exception {
      return run(options, InteractionRecords::new, spec);
    }
  }

  private static int run(LoadOptions options, Function<LoadOptions, Records> kind, CommandSpec spec)
      throws Exception {
    options.check();
    List<RowFile> files = options.input.files();
    Records records = kind.apply(options);
    JobConfig config = options.config(0);
    long began = System.nanoTime();
    boolean live = Boolean.getBoolean("sidstream.tty");
    LoadRun run;
    if (options.dryRun) {
      run = new LoadRun(records, null, live);
      for (RowFile file : files) {
        run.file(file);
      }
    } else {
      try (Sender sender = new Sender(options.kafka, config, records.topic(config), options.rate)) {
        run = new LoadRun(records, sender, live);
        for (RowFile file : files) {
          run.file(file);
        }
      }
    }
    double seconds = (System.nanoTime() - began) / 1e9;
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        Locale.ROOT,
        options.dryRun
            ? "%,d %s would be loaded, %,d refused%n"
            : "%,d %s loaded, %,d refused, in %.1f s to %s on %s%n",
        run.accepted(),
        records.name(),
        run.refusals().count(),
        seconds,
        records.topic(config),
        options.dryRun ? "" : options.kafka.bootstrap());
    out.flush();
    PrintWriter err = spec.commandLine().getErr();
    run.empty().forEach(file -> err.println("sidstream: " + file + " has no record"));
    if (run.refusals().count() > 0) {
      err.print("refused, by rule:\n" + run.refusals().text());
      err.flush();
    }
    return run.refusals().count() == 0 ? 0 : 1;
  }
}
