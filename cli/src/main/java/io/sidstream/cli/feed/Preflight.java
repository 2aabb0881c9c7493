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
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
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

  /**
   * Every item has its row of vectors.
   *
   * @param vectors null for items that bring their own, or text
   * @param file where they are
   * @throws UsageException that names the first item without
   */
  public static void checkRows(DataSet set, NpyVectors vectors, Path file) {
    if (vectors == null) {
      return;
    }
    for (SourceItem item : set.items()) {
      if (item.row() >= vectors.rows()) {
        throw new UsageException(
            String.format(
                "--vectors %s has %d rows; item %s needs row %d (its idx is %d)",
                file, vectors.rows(), item.id(), item.row(), item.row() + 1));
      }
    }
  }

  /**
   * Without this, a data set of which the job accepts no time would be a topic of dead letters.
   *
   * @throws UsageException that names the time, and the setting or the fix
   */
  public static void checkTimes(DataSet set, JobConfig config) {
    if (set.interactions() == 0) {
      return;
    }
    Instant first = Instant.ofEpochMilli(set.time()[0]);
    Instant last = Instant.ofEpochMilli(set.time()[set.interactions() - 1]);
    if (first.toEpochMilli() < config.minTime()) {
      throw new UsageException(
          String.format(
              "--data: the first interaction is of %s, %s is %s: give unix seconds in the third column, or --set %s=%s",
              first,
              JobOptions.INGEST_MIN_TIME.key(),
              config.get(JobOptions.INGEST_MIN_TIME),
              JobOptions.INGEST_MIN_TIME.key(),
              first));
    }
    Duration ahead = config.get(JobOptions.INGEST_MAX_FUTURE);
    if (last.isAfter(Instant.now().plus(ahead))) {
      throw new UsageException(
          String.format(
              "--data: the last interaction is of %s, more than %s (%s) ahead of now: give unix seconds in the third column",
              last, JobOptions.INGEST_MAX_FUTURE.key(), ahead));
    }
  }
}
