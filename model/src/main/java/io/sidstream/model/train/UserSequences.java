package io.sidstream.model.train;

import java.util.Arrays;

/** The newest items of each user, by dense user index, oldest first. Not thread-safe. */
public final class UserSequences {
  private final int keep;
  private int size;
  private int[][] items = new int[64][];
  private long[][] times = new long[64][];

  /** Users with a target, and how often each item is one: what sampled softmax corrects by. */
  private int usersWithTarget;

  private int[] targets = new int[64];

  /**
   * An empty store.
   *
   * @param keep items kept of a user: the longest sequence and one more, the last target (51)
   */
  public UserSequences(int keep) {
    if (keep < 2) {
      throw new IllegalArgumentException(
          "keep is " + keep + "; it must be 2 or more: an input and its target");
    }
    this.keep = keep;
  }

  /** Users allocated so far. */
  public int size() {
    return size;
  }

  /** The user's items, oldest first; empty for a user without any. Not to be changed. */
  public int[] items(int user) {
    return user < size && items[user] != null ? items[user] : EMPTY;
  }

  /** Event times of {@link #items}, milliseconds. Not to be changed. */
  public long[] times(int user) {
    return user < size && times[user] != null ? times[user] : NEVER;
  }

  /** Users with two items or more. */
  public int usersWithTarget() {
    return usersWithTarget;
  }

  /** How often the item is a target, that is not the oldest of a user's items. */
  public int targets(int item) {
    return item < targets.length ? targets[item] : 0;
  }

  private void count(int user, int by) {
    int[] a = items(user);
    usersWithTarget += a.length > 1 ? by : 0;
    for (int i = 1; i < a.length; i++) {
      if (a[i] >= targets.length) {
        targets = Arrays.copyOf(targets, Math.max(a[i] + 1, 2 * targets.length));
      }
      targets[a[i]] += by;
    }
  }

  private static final int[] EMPTY = {};
  private static final long[] NEVER = {};

  /** Replaces what is known of the user; the newest are kept, as many as the store keeps. */
  public void set(int user, int[] newItems, long[] newTimes) {
    if (newItems.length != newTimes.length) {
      throw new IllegalArgumentException(
          "user " + user + " has " + newItems.length + " items and " + newTimes.length + " times");
    }
    allocate(user);
    count(user, -1);
    int from = Math.max(0, newItems.length - keep);
    items[user] = Arrays.copyOfRange(newItems, from, newItems.length);
    times[user] = Arrays.copyOfRange(newTimes, from, newTimes.length);
    count(user, 1);
  }

  /** Appends one event, which must not be older than the user's last. */
  public void append(int user, int item, long time) {
    int[] a = items(user);
    long[] t = times(user);
    if (t.length > 0 && time < t[t.length - 1]) {
      throw new IllegalArgumentException(
          "event of user "
              + user
              + " at "
              + time
              + " is older than the last, "
              + t[t.length - 1]
              + "; sort by time first");
    }
    int[] b = Arrays.copyOf(a, a.length + 1);
    long[] u = Arrays.copyOf(t, t.length + 1);
    b[a.length] = item;
    u[t.length] = time;
    set(user, b, u);
  }

  private void allocate(int user) {
    if (user >= items.length) {
      int n = Math.max(user + 1, items.length + items.length / 2);
      items = Arrays.copyOf(items, n);
      times = Arrays.copyOf(times, n);
    }
    size = Math.max(size, user + 1);
  }
}
