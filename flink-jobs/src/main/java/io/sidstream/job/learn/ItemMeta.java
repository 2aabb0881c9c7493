package io.sidstream.job.learn;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What a shard keeps of an item besides content and what is learnt.
 *
 * @param name the item
 * @param place where it stands among the items, from 0, for uniform draws
 * @param arrival event time from which it is known: its own, or that of an earlier interaction, ms
 * @param interactions interactions so far
 */
record ItemMeta(String name, int place, long arrival, int interactions) {
  private static final byte FORMAT = 1;

  byte[] toBytes() {
    byte[] utf8 = name.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(17 + utf8.length)
        .put(FORMAT)
        .putInt(place)
        .putLong(arrival)
        .putInt(interactions)
        .put(utf8)
        .array();
  }

  static ItemMeta fromBytes(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    StateFormat.require("an item", in.get(), FORMAT);
    int place = in.getInt();
    long arrival = in.getLong();
    int interactions = in.getInt();
    return new ItemMeta(
        new String(bytes, 17, bytes.length - 17, StandardCharsets.UTF_8),
        place,
        arrival,
        interactions);
  }

  ItemMeta at(int newPlace) {
    return new ItemMeta(name, newPlace, arrival, interactions);
  }

  /** With one interaction more. */
  ItemMeta interacted(long time) {
    return new ItemMeta(name, place, Math.min(arrival, time), interactions + 1);
  }
}
