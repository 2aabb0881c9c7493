package io.sidstream.job.learn;

import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.FloatsType;
import io.sidstream.job.record.Records;
import io.sidstream.job.record.SequencedEvent;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.learn.LearnedRow;
import java.io.ByteArrayOutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apache.flink.api.common.state.KeyedStateStore;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.state.ValueState;
import org.apache.flink.api.common.state.ValueStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;

/**
 * Keyed state of a shard; all of it is that of the current key. Items have a number, in order of
 * coming, that is not given again; users go by name. Both also have a place, 0 to their number less
 * 1: who goes leaves it to the last, so that a uniform draw is one look-up. Users with more than
 * one event, whom there is something to learn from, have the first places.
 */
final class ShardTables {
  /** Size of a piece of a model in state, bytes: RocksDB dislikes values of many MiB. */
  private static final int PIECE = 1 << 19;

  private static final TypeInformation<byte[]> BYTES =
      PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;

  final ValueState<LearnProgress> progress;
  final EventQueue<EmbeddedItem> itemQueue;
  final EventQueue<SequencedEvent> eventQueue;
  final MapState<Long, SequencedEvent> waiting;
  final MapState<String, long[]> waitingByItem;
  final MapState<String, Long> itemNumbers;
  final MapState<Integer, Long> itemPlaces;
  private final MapState<Long, byte[]> itemMetas;
  private final MapState<Long, byte[]> itemLearned;
  final MapState<Long, float[]> itemContent;
  private final MapState<String, byte[]> users;
  final MapState<Integer, String> userPlaces;
  final MapState<Integer, String> touched;
  final MapState<Integer, byte[]> fullWindows;
  final MapState<Integer, String> gone;
  final MapState<Integer, byte[]> storedRows;
  final MapState<Integer, byte[]> tokenizers;
  final MapState<Integer, byte[]> mergedPieces;
  private final MapState<Integer, byte[]> model;

  /** Where the tables are. */
  interface Store {
    <T> ValueState<T> value(ValueStateDescriptor<T> descriptor);

    <K, V> MapState<K, V> map(MapStateDescriptor<K, V> descriptor);

    /** Whether a map's entries come in the order of their keys' bytes. */
    boolean ordered();

    /** State of an operator. */
    static Store of(KeyedStateStore state, boolean ordered) {
      return new Store() {
        @Override
        public <T> ValueState<T> value(ValueStateDescriptor<T> descriptor) {
          return state.getState(descriptor);
        }

        @Override
        public <K, V> MapState<K, V> map(MapStateDescriptor<K, V> descriptor) {
          return state.getMapState(descriptor);
        }

        @Override
        public boolean ordered() {
          return ordered;
        }
      };
    }
  }

  ShardTables(Store store) {
    progress =
        store.value(
            new ValueStateDescriptor<>("progress", TypeInformation.of(LearnProgress.class)));
    itemQueue =
        new EventQueue<>(
            store.map(EventQueue.descriptor("item-queue", Records.type(EmbeddedItem.class))),
            store.ordered());
    eventQueue =
        new EventQueue<>(
            store.map(EventQueue.descriptor("event-queue", Records.type(SequencedEvent.class))),
            store.ordered());
    waiting = map(store, "waiting", Types.LONG, Records.type(SequencedEvent.class));
    waitingByItem =
        map(
            store,
            "waiting-by-item",
            Types.STRING,
            PrimitiveArrayTypeInfo.LONG_PRIMITIVE_ARRAY_TYPE_INFO);
    itemNumbers = map(store, "item-numbers", Types.STRING, Types.LONG);
    itemPlaces = map(store, "item-places", Types.INT, Types.LONG);
    itemMetas = map(store, "items", Types.LONG, BYTES);
    itemLearned = map(store, "learned", Types.LONG, BYTES);
    itemContent = map(store, "content", Types.LONG, FloatsType.INSTANCE);
    users = map(store, "users", Types.STRING, BYTES);
    userPlaces = map(store, "user-places", Types.INT, Types.STRING);
    touched = map(store, "touched", Types.INT, Types.STRING);
    fullWindows = map(store, "full-windows", Types.INT, BYTES);
    gone = map(store, "gone", Types.INT, Types.STRING);
    storedRows = map(store, "stored-rows", Types.INT, BYTES);
    tokenizers = map(store, "tokenizers", Types.INT, BYTES);
    mergedPieces = map(store, "merged", Types.INT, BYTES);
    model = map(store, "model", Types.INT, BYTES);
  }

  private static <K, V> MapState<K, V> map(
      Store store, String name, TypeInformation<K> key, TypeInformation<V> value) {
    return store.map(new MapStateDescriptor<>(name, key, value));
  }

  /** Null where the item is gone. */
  ItemMeta meta(long item) throws Exception {
    byte[] bytes = itemMetas.get(item);
    return bytes == null ? null : ItemMeta.fromBytes(bytes);
  }

  void put(long item, ItemMeta meta) throws Exception {
    itemMetas.put(item, meta.toBytes());
  }

  LearnedRow learned(long item) throws Exception {
    return LearnedRow.fromBytes(itemLearned.get(item));
  }

  void put(long item, LearnedRow row) throws Exception {
    itemLearned.put(item, row.toBytes());
  }

  /** Null for a user without a row. */
  UserRow user(String name) throws Exception {
    byte[] bytes = users.get(name);
    return bytes == null ? null : UserRow.fromBytes(bytes);
  }

  void put(String name, UserRow row) throws Exception {
    users.put(name, row.toBytes());
  }

  /** A new item; its number. */
  long addItem(LearnProgress at, String name, float[] vector, long time) throws Exception {
    long item = at.nextItem++;
    itemNumbers.put(name, item);
    itemPlaces.put(at.items, item);
    put(item, new ItemMeta(name, at.items, time, 0));
    put(item, LearnedRow.fresh(at.version));
    itemContent.put(item, vector);
    at.items++;
    return item;
  }

  /** The item goes; its place is the last one's now. */
  void removeItem(LearnProgress at, long item, ItemMeta meta) throws Exception {
    int last = --at.items;
    long moved = itemPlaces.get(last);
    itemPlaces.remove(last);
    if (moved != item) {
      itemPlaces.put(meta.place(), moved);
      put(moved, meta(moved).at(meta.place()));
      // The sweep may have been past the place, but not at the item that comes to it.
      at.sweepPlace = Math.min(at.sweepPlace, meta.place());
    }
    itemNumbers.remove(meta.name());
    itemMetas.remove(item);
    itemLearned.remove(item);
    itemContent.remove(item);
  }

  /** A new user's empty row. */
  UserRow addUser(LearnProgress at, String name) throws Exception {
    userPlaces.put(at.users, name);
    return UserRow.at(at.users++);
  }

  /** The row of a user that has a second event, with a place among those that have. */
  UserRow replayable(LearnProgress at, String name, UserRow row) throws Exception {
    int to = at.replayable++;
    moveUser(to, row.place());
    userPlaces.put(to, name);
    return row.at(to, row.lastSeen());
  }

  /** The user goes; its place, and then that one's, is the last one's now. */
  void removeUser(LearnProgress at, String name, UserRow row) throws Exception {
    int free = row.place();
    if (free < at.replayable) {
      int last = --at.replayable;
      moveUser(last, free);
      free = last;
    }
    int last = --at.users;
    moveUser(last, free);
    userPlaces.remove(last);
    users.remove(name);
  }

  /** The user at a place comes to another, which is free or left. */
  private void moveUser(int from, int to) throws Exception {
    if (from != to) {
      String moved = userPlaces.get(from);
      userPlaces.put(to, moved);
      UserRow of = user(moved);
      put(moved, of.at(to, of.lastSeen()));
    }
  }

  /** The tokenizers that an item may not have adopted yet, by version, up to the one in use. */
  SortedMap<Integer, TokenizerModel> tokenizers(LearnProgress at) throws Exception {
    SortedMap<Integer, TokenizerModel> all = new TreeMap<>();
    for (int version = at.oldestTokenizer; version <= at.version; version++) {
      all.put(version, TokenizerModel.fromBytes(tokenizers.get(version)));
    }
    return all;
  }

  /** Pieces that bytes are cut into. */
  static int pieces(int bytes) {
    return Math.max(1, (bytes + PIECE - 1) / PIECE);
  }

  /** Bytes as pieces for state. */
  static List<byte[]> cut(byte[] whole) {
    List<byte[]> cut = new ArrayList<>();
    for (int i = 0; i < pieces(whole.length); i++) {
      cut.add(Arrays.copyOfRange(whole, i * PIECE, Math.min(whole.length, (i + 1) * PIECE)));
    }
    return cut;
  }

  /** Puts a piece of the model's other copy. */
  void putModel(int copy, int piece, byte[] whole) throws Exception {
    int from = piece * PIECE;
    model.put(
        2 * piece + copy, Arrays.copyOfRange(whole, from, Math.min(whole.length, from + PIECE)));
  }

  /** The model's copy in use; empty for none yet. */
  byte[] model(LearnProgress at) throws Exception {
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    for (int i = 0; i < at.pieces[at.copy]; i++) {
      whole.writeBytes(model.get(2 * i + at.copy));
    }
    return whole.toByteArray();
  }
}
