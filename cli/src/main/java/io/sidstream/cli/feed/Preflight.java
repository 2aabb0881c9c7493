package io.sidstream.cli.feed;

import io.sidstream.cli.UsageException;
import io.sidstream.cli.data.DataSet;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.cli.data.SourceItem;
import io.sidstream.cli.rows.Refusals;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.ingest.RecordCheck;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.Optional;

/** Asks the job's own rules of every item of a data set before anything starts. */
public final class Preflight {
  private Preflight() {}

  /**
   * What would become dead letters, for a person; empty for nothing.
   *
   * @throws UsageException where so many items would that too few are left for a first model; names
   *     the rule, the first item and what is wrong with it
   */
  public static String check(DataSet set, NpyVectors vectors, JobConfig config) {
    RecordCheck check = new RecordCheck(config);
    WireFormat wire = new WireFormat();
    Refusals refusals = new Refusals();
    long now = System.currentTimeMillis();
    long time = set.interactions() == 0 ? now : set.time()[0];
    for (SourceItem item : set.items()) {
      byte[] key = item.id().getBytes(StandardCharsets.UTF_8);
      Optional<RecordCheck.Refusal> refusal =
          check.item(key, wire.encode(Feeder.event(item, vectors, time)), now);
      if (refusal.isPresent()) {
        refusals.add(refusal.get().rule().name(), item.id(), refusal.get().reason());
      }
    }
    if (refusals.count() == 0) {
      return "";
    }
    int items = set.items().size();
    long left = items - refusals.count();
    int needed = Math.min(items, config.get(JobOptions.BOOTSTRAP_ITEMS));
    if (left < needed) {
      throw new UsageException(
          String.format(
              Locale.ROOT,
              "--data: %,d of %,d items break a rule of the job, and the first model waits for %s = %,d:%n%s",
              refusals.count(),
              items,
              JobOptions.BOOTSTRAP_ITEMS.key(),
              needed,
              refusals.text().stripTrailing()));
    }
    return String.format(
        Locale.ROOT,
        "%,d of %,d items break a rule of the job and become dead letters:%n%s",
        refusals.count(),
        items,
        refusals.text());
  }
}
