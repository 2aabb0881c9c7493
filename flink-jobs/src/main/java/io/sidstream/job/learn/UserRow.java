package io.sidstream.job.learn;

import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * The newest events of a user, oldest first, in order of event time, ties in order of arrival.
 * Immutable.
 *
 * @param place where the user stands among the users, from 0, for uniform draws
 * @param lastSeen processing time of the last event, ms
 * @param round number of the round that {@code fresh} counts for
 * @param fresh how many of the last events that round has to learn
 * @param items {@code [n]} numbers of the items
 * @param times {@code [n]} event times, ms
 */
record UserRow(int place, long lastSeen, long round, int fresh, long[] items, long[] times) {
  private static final byte FORMAT = 2;
  private static final int HEAD = 1 + 4 + 8 + 8 + 4;

  static UserRow at(int place) {
    return new UserRow(place, 0, 0, 0, new long[0], new long[0]);
  }

  byte[] toBytes() {
    ByteBuffer out = ByteBuffer.allocate(HEAD + 16 * items.length);
    out.put(FORMAT).putInt(place).putLong(lastSeen).putLong(round).putInt(fresh);
    for (int i = 0; i < items.length; i++) {
      out.putLong(items[i]).putLong(times[i]);
    }
    return out.array();
  }

  static UserRow fromBytes(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes);
    StateFormat.require("a user", in.get(), FORMAT);
    int place = in.getInt();
    long lastSeen = in.getLong();
    long round = in.getLong();
    int fresh = in.getInt();
    int n = in.remaining() / 16;
    long[] items = new long[n];
    long[] times = new long[n];
    for (int i = 0; i < n; i++) {
      items[i] = in.getLong();
      times[i] = in.getLong();
    }
    return new UserRow(place, lastSeen, round, fresh, items, times);
  }

  UserRow at(int newPlace, long seen) {
    return new UserRow(newPlace, seen, round, fresh, items, times);
  }

  /** Fresh events of a round. */
  int freshIn(long ofRound) {
    return round == ofRound ? fresh : 0;
  }

  /** As one whose fresh events went out. */
  UserRow learnt() {
    return new UserRow(place, lastSeen, round, 0, items, times);
  }

  /**
   * With an event in its place; the oldest goes where there are more than {@code keep}. The event
   * is fresh where all behind it is, too; else it is late, and only stands in its place.
   *
   * @return null where it is older than all of a full row
   */
  UserRow with(long item, long time, long seen, long ofRound, int keep) {
    int n = items.length;
    int at = n;
    while (at > 0 && times[at - 1] > time) {
      at--;
    }
    if (at == 0 && n >= keep) {
      return null;
    }
    int had = freshIn(ofRound);
    int nowFresh = at >= n - had ? had + 1 : had;
    int drop = Math.max(0, n + 1 - keep);
    return new UserRow(
        place,
        seen,
        ofRound,
        Math.min(nowFresh, n + 1 - drop),
        insert(items, drop, at, item),
        insert(times, drop, at, time));
  }

  private static long[] insert(long[] from, int drop, int at, long value) {
    long[] to = Arrays.copyOfRange(from, drop, from.length + 1);
    int place = at - drop;
    System.arraycopy(from, at, to, place + 1, from.length - at);
    to[place] = value;
    return to;
  }
}
