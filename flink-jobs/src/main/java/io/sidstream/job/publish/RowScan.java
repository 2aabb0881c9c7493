package io.sidstream.job.publish;

import java.util.Iterator;
import java.util.List;
import java.util.stream.Stream;
import org.apache.flink.runtime.state.KeyedStateBackend;
import org.apache.flink.runtime.state.VoidNamespace;

/** A walk over the items of one subtask, in slices between which its thread does other work. */
final class RowScan implements AutoCloseable {
  private final Stream<String> stream;
  private final Iterator<String> keys;

  /**
   * Begins.
   *
   * @param state name of the state whose keys are walked over
   */
  RowScan(KeyedStateBackend<Object> backend, String state) {
    Stream<String> all = backend.getKeys(state, VoidNamespace.INSTANCE).map(String.class::cast);
    if (!"rocksdb".equals(backend.getBackendTypeIdentifier())) {
      // Only RocksDB walks over a snapshot; a heap table must not be written to meanwhile.
      List<String> copy = all.toList();
      all.close();
      all = copy.stream();
    }
    stream = all;
    keys = all.iterator();
  }

  boolean hasNext() {
    return keys.hasNext();
  }

  String next() {
    return keys.next();
  }

  @Override
  public void close() {
    stream.close();
  }
}
