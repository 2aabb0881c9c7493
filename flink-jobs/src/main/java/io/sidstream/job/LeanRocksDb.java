package io.sidstream.job;

import java.util.Collection;
import org.apache.flink.state.rocksdb.RocksDBOptionsFactory;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.DBOptions;
import org.rocksdb.InfoLogLevel;
import org.rocksdb.Logger;

/**
 * RocksDB without the file of its own options, so that a checkpoint in which nothing changed writes
 * next to nothing.
 *
 * <p>RocksDB keeps a text of all options, 7 KB and 4.5 KB a state, beside its data, and Flink
 * uploads it with every incremental checkpoint of every subtask, although nobody reads it: Flink
 * opens RocksDB with options of its own. There is no switch for it. But RocksDB reads the text
 * again after writing it and does without where it does not say the same; the name of a folder of
 * logs that ends in a space does not survive that. The folder is never made: what RocksDB logs goes
 * nowhere, as in Flink's default.
 *
 * <p>The manifest, RocksDB's journal of its files, goes along with every checkpoint, too, and grows
 * by each one that changed something. Beyond some kilobytes it is begun anew, with the files that
 * there are.
 */
public final class LeanRocksDb implements RocksDBOptionsFactory {
  private static final long serialVersionUID = 1;

  /** Of a manifest that is begun anew with the next change. */
  private static final long MANIFEST_BYTES = 4096;

  @Override
  public DBOptions createDBOptions(DBOptions options, Collection<AutoCloseable> toClose) {
    Logger silent =
        new Logger(options) {
          @Override
          protected void log(InfoLogLevel level, String message) {}
        };
    toClose.add(silent);
    options.setLogger(silent);
    return options
        .setFailIfOptionsFileError(false)
        .setDbLogDir("no folder ")
        .setMaxManifestFileSize(MANIFEST_BYTES);
  }

  @Override
  public ColumnFamilyOptions createColumnOptions(
      ColumnFamilyOptions options, Collection<AutoCloseable> toClose) {
    return options;
  }
}
