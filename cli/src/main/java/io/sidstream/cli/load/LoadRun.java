package io.sidstream.cli.load;

import io.sidstream.cli.rows.Refusals;
import io.sidstream.cli.rows.Row;
import io.sidstream.cli.rows.RowException;
import io.sidstream.cli.rows.RowFile;
import io.sidstream.cli.rows.RowReader;
import io.sidstream.job.ingest.RecordCheck;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Reads files, checks every record and sends those that the job will take. */
final class LoadRun {
  private final Records records;
  private final Sender sender;
  private final Refusals refusals = new Refusals();
  private final boolean live;
  private final List<String> empty = new ArrayList<>();
  private long accepted;

  /**
   * A run.
   *
   * @param sender where to; null to check only
   * @param live whether a bar may be drawn
   */
  LoadRun(Records records, Sender sender, boolean live) {
    this.records = records;
    this.sender = sender;
    this.live = live;
  }

  /** Records that the job takes. */
  long accepted() {
    return accepted;
  }

  /** The others. */
  Refusals refusals() {
    return refusals;
  }

  /**
   * Takes a file.
   *
   * @throws io.sidstream.cli.UsageException where the file as a whole cannot be read; names it
   */
  void file(RowFile file) throws IOException, InterruptedException {
    long before = accepted + refusals.count();
    try (RowReader reader = file.open(records.headless());
        ProgressBar bar = bar(file, reader)) {
      if (reader.columns() != null && !reader.columns().isEmpty()) {
        records.checkHeader(file.shown(), reader.columns());
      }
      boolean more = true;
      while (more) {
        more = one(file, reader);
        if (bar != null) {
          bar.stepTo(reader.position());
          bar.setExtraMessage(
              String.format(
                  Locale.ROOT, " %,d %s, %,d refused", accepted, records.name(), refusals.count()));
        }
      }
    }
    if (accepted + refusals.count() == before) {
      empty.add(file.shown());
    }
    if (sender != null) {
      sender.flush();
    }
  }

  /** Files that have no record. */
  List<String> empty() {
    return empty;
  }

  /** Takes a record; false at the end of the file. */
  private boolean one(RowFile file, RowReader reader) throws IOException, InterruptedException {
    try {
      Row row = reader.next();
      if (row == null) {
        return false;
      }
      Records.Bytes record = records.record(row);
      Optional<RecordCheck.Refusal> refusal = records.check(record);
      if (refusal.isPresent()) {
        refusals.add(
            refusal.get().rule().name(), file.shown() + ":" + row.number(), refusal.get().reason());
        return true;
      }
      if (sender != null) {
        sender.send(record);
      }
      accepted++;
    } catch (RowException e) {
      refusals.add(e.fault().name(), file.shown() + ":" + e.number(), e.getMessage());
    }
    return true;
  }

  private ProgressBar bar(RowFile file, RowReader reader) {
    if (!live) {
      return null;
    }
    boolean bytes = file.form() != io.sidstream.cli.rows.Format.PARQUET;
    return new ProgressBarBuilder()
        .setTaskName(file.shown())
        .setInitialMax(reader.size())
        .setUnit(bytes ? " MB" : " rows", bytes ? 1_000_000 : 1)
        .setStyle(ProgressBarStyle.ASCII)
        .setUpdateIntervalMillis(200)
        .showSpeed()
        .clearDisplayOnFinish()
        .build();
  }
}
