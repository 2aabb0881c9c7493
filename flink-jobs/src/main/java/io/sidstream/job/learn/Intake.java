package io.sidstream.job.learn;

import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.SequencedEvent;
import io.sidstream.model.learn.LearnPlan;
import io.sidstream.model.learn.LearnedRow;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Takes what waits in a shard's queues into its tables: all items first, then the events of a
 * round, each in order of event time. A call does as much as it is given time for, and all that it
 * did is in state.
 *
 * <p>An event with an item that has not come waits for it outside the queues, for {@code
 * learn.unknown-retention} and among at most {@code learn.unknown-max}; then it is dropped and
 * counted. It begins no round.
 */
final class Intake {
  /**
   * Bounds of what is kept.
   *
   * @param sequence newest events kept of a user: inputs and the target of the last
   * @param unknown events kept that wait for their item
   * @param unknownMs how long one waits, ms
   * @param userMs how long a user without events is kept, ms
   */
  record Bounds(int sequence, int unknown, long unknownMs, long userMs) {}

  /** Events kept that wait for one item, the newest. */
  private static final int MOST_OF_ITEM = 1_000;

  /** Users looked at in a call of the sweep. */
  private static final int SWEEP = 256;

  /** A sweep for users that are to be forgotten begins so many times in the time they are kept. */
  private static final int SWEEPS = 16;

  private final ShardTables tables;
  private final LearnPlan plan;
  private final Bounds bounds;
  private final EventQueue.Front<EmbeddedItem> items;
  private final EventQueue.Front<SequencedEvent> events;
  private final QueueAge queued = new QueueAge();

  /** Since when the first of those waits that wait for their item, as it was last seen; 0: none. */
  private volatile long waitingSince;

  Intake(ShardTables tables, LearnPlan plan, Bounds bounds) {
    this.tables = tables;
    this.plan = plan;
    this.bounds = bounds;
    items = tables.itemQueue.front();
    events = tables.eventQueue.front();
  }

  /** An item event arrives. */
  void arrive(LearnProgress at, EmbeddedItem item) throws Exception {
    items.add(item.time, LearnPlan.hash(item.item), at.arrivals++, item);
    at.queuedItems++;
  }

  /** An interaction arrives. */
  void arrive(LearnProgress at, SequencedEvent event) throws Exception {
    events.add(event.time, LearnPlan.hash(event.user), event.order, event);
    at.queuedEvents++;
    queued.came();
  }

  /** Looks at what waits, for who measures. */
  void look(LearnProgress at, long now) {
    queued.look(at.queuedEvents, now);
    if (at.waiting == 0) {
      waitingSince = 0;
    }
  }

  /** Since when the oldest queued event waits, ms; 0 for none. From any thread. */
  long queuedSince() {
    return queued.oldest();
  }

  /** Since when the first event waits for its item, ms; 0 for none. From any thread. */
  long waitingSince() {
    return waitingSince;
  }

  /** Takes queued items; true when none is left. */
  boolean takeItems(LearnProgress at, Deadline deadline) throws Exception {
    if (at.queuedItems > 0) {
      items.take(
          item -> {
            if (deadline.isOver()) {
              return false;
            }
            put(at, item);
            at.queuedItems--;
            return true;
          });
    }
    return at.queuedItems == 0;
  }

  private void put(LearnProgress at, EmbeddedItem event) throws Exception {
    Long known = tables.itemNumbers.get(event.item);
    if (event.deleted) {
      if (known != null) {
        if (tables.learned(known).idSteps() > 0) {
          tables.gone.put(at.gone++, event.item);
        }
        tables.removeItem(at, known, tables.meta(known));
      }
      return;
    }
    if (known == null) {
      tables.addItem(at, event.item, event.vector, event.time);
      wake(at, event.item);
    } else if (!Arrays.equals(tables.itemContent.get(known), event.vector)) {
      tables.itemContent.put(known, event.vector);
      LearnedRow row = tables.learned(known);
      // Its codes are forgotten, so that the new content gets its nearest ones, as in Tokenize.
      tables.put(known, new LearnedRow(at.version, null, row.idSteps(), row.id()));
    }
  }

  /** Queues what has waited for an item. */
  private void wake(LearnProgress at, String item) throws Exception {
    long[] numbers = tables.waitingByItem.get(item);
    if (numbers == null) {
      return;
    }
    tables.waitingByItem.remove(item);
    for (long number : numbers) {
      SequencedEvent event = tables.waiting.get(number);
      if (event != null) {
        tables.waiting.remove(number);
        at.waiting--;
        arrive(at, event);
      }
    }
  }

  /**
   * Takes events of the round until as many as are wanted are taken, or no more are queued.
   *
   * @param now processing time, ms
   * @return whether that is so
   */
  boolean takeEvents(LearnProgress at, long now, Deadline deadline) throws Exception {
    if (at.queuedEvents > 0 && at.taken < at.wanted) {
      events.take(
          event -> {
            if (at.taken >= at.wanted || deadline.isOver()) {
              return false;
            }
            at.queuedEvents--;
            take(at, event, now);
            return true;
          });
    }
    return at.queuedEvents == 0 || at.taken >= at.wanted;
  }

  private void take(LearnProgress at, SequencedEvent event, long now) throws Exception {
    Long item = event.placed ? tables.itemNumbers.get(event.item) : null;
    if (event.placed && item == null) {
      await(at, event, now);
      return;
    }
    at.interactions++;
    at.taken++;
    if (!event.placed) {
      return;
    }
    tables.put(item, tables.meta(item).interacted(event.time));
    UserRow before = tables.user(event.user);
    UserRow row = before == null ? tables.addUser(at, event.user) : before;
    int freshBefore = row.freshIn(at.round);
    UserRow next = row.with(item, event.time, now, at.round, bounds.sequence);
    if (next == null) {
      // Older than all that is kept of the user: counted, and no more.
      return;
    }
    if (row.round() != at.round) {
      tables.touched.put(at.touched++, event.user);
      if (plan.heldOut(event.user)) {
        at.heldOut(event.user, LearnPlan.GATE_WINDOWS);
      }
    }
    if (row.items().length == 1 && next.items().length == 2) {
      next = tables.replayable(at, event.user, next);
    }
    if (next.fresh() == plan.model().maxLen() && next.fresh() > freshBefore) {
      // The window cannot tell more new events apart: it goes out, and a new count begins.
      tables.fullWindows.put(at.full++, window(event.user, next));
      next = next.learnt();
    }
    tables.put(event.user, next);
  }

  /** A full window with its user. */
  private static byte[] window(String user, UserRow row) {
    byte[] name = user.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    byte[] bytes = row.toBytes();
    return ByteBuffer.allocate(4 + name.length + bytes.length)
        .putInt(name.length)
        .put(name)
        .put(bytes)
        .array();
  }

  /** The user of a full window. */
  static String userOf(byte[] window) {
    return new String(
        window, 4, ByteBuffer.wrap(window).getInt(), java.nio.charset.StandardCharsets.UTF_8);
  }

  /** The row of a full window. */
  static UserRow rowOf(byte[] window) {
    return UserRow.fromBytes(
        Arrays.copyOfRange(window, 4 + ByteBuffer.wrap(window).getInt(), window.length));
  }

  private void await(LearnProgress at, SequencedEvent event, long now) throws Exception {
    if (at.waiting >= bounds.unknown) {
      expire(at, Long.MAX_VALUE, 1);
    }
    long[] same = tables.waitingByItem.get(event.item);
    if (same != null && same.length == MOST_OF_ITEM) {
      tables.waiting.remove(same[0]);
      at.waiting--;
      at.waitingDropped++;
      same = Arrays.copyOfRange(same, 1, same.length);
    }
    event.waitsSince = now;
    long number = at.waitingTail++;
    at.waiting++;
    tables.waiting.put(number, event);
    long[] all = same == null ? new long[1] : Arrays.copyOf(same, same.length + 1);
    all[all.length - 1] = number;
    tables.waitingByItem.put(event.item, all);
  }

  /** Drops events that have waited for their item long enough, some in a call. */
  void expire(LearnProgress at, long now) throws Exception {
    expire(at, now - bounds.unknownMs, SWEEP);
  }

  private void expire(LearnProgress at, long before, int most) throws Exception {
    for (int i = 0; i < most && at.waitingHead < at.waitingTail; ) {
      SequencedEvent event = tables.waiting.get(at.waitingHead);
      if (event == null) {
        // Its item has come meanwhile.
        at.waitingHead++;
        continue;
      }
      if (event.waitsSince > before) {
        waitingSince = event.waitsSince;
        return;
      }
      tables.waiting.remove(at.waitingHead);
      forget(event.item, at.waitingHead++);
      at.waiting--;
      at.waitingDropped++;
      i++;
    }
  }

  private void forget(String item, long number) throws Exception {
    long[] numbers = tables.waitingByItem.get(item);
    long[] left = Arrays.stream(numbers).filter(n -> n != number).toArray();
    if (left.length == 0) {
      tables.waitingByItem.remove(item);
    } else {
      tables.waitingByItem.put(item, left);
    }
  }

  /** Looks at some users whether they are to be forgotten, where a sweep is due. */
  void forgetUsers(LearnProgress at, long now) throws Exception {
    if (at.userSweepPlace == 0) {
      if (now - at.userSweepAt < bounds.userMs / SWEEPS) {
        return;
      }
      at.userSweepAt = now;
      at.userSweepPlace = at.users;
    }
    // From the last place down: who comes to a freed place has been looked at.
    at.userSweepPlace = Math.min(at.userSweepPlace, at.users);
    for (int i = 0; i < SWEEP && at.userSweepPlace > 0; i++) {
      String user = tables.userPlaces.get(--at.userSweepPlace);
      UserRow row = tables.user(user);
      if (now - row.lastSeen() >= bounds.userMs) {
        tables.removeUser(at, user, row);
      }
    }
  }
}
