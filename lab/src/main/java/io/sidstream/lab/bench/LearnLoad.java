package io.sidstream.lab.bench;

import io.sidstream.job.record.EmbeddedItem;
import io.sidstream.job.record.SequencedEvent;
import io.sidstream.model.math.Rng;

/**
 * Items and interactions for {@link BenchLearn}, each made from its number when it is wanted, so
 * that none of them is on the heap: of twenty users fifteen have one event at first, four two and
 * one {@value #FEW_LEAST} to {@value #FEW_MOST}. Names are hashes, so that tables are read and
 * written all over.
 */
final class LearnLoad {
  private static final int FEW_LEAST = 3;
  private static final int FEW_MOST = 11;

  /** Clusters that vectors lie around. */
  private static final int CLUSTERS = 64;

  private static final long FIRST_TIME = 1_700_000_000_000L;

  private final int items;
  private final int users;
  private final int dim;
  private final long seed;
  private final float[][] centres;
  private long events;

  LearnLoad(int items, int users, int dim, long seed) {
    this.items = items;
    this.users = users;
    this.dim = dim;
    this.seed = seed;
    centres = new float[CLUSTERS][];
    Rng rng = new Rng(Rng.hash(seed, 1, 0));
    for (int c = 0; c < CLUSTERS; c++) {
      centres[c] = gaussian(rng);
    }
  }

  /** Takes what is made. */
  interface Taker<T> {
    void take(T made) throws Exception;
  }

  private float[] gaussian(Rng rng) {
    float[] v = new float[dim];
    for (int d = 0; d < dim; d++) {
      v[d] = rng.nextGaussian();
    }
    return v;
  }

  private static String name(String kind, long hash) {
    return kind + Long.toHexString(hash);
  }

  private String user(int number) {
    return name("u", Rng.hash(seed, 2, number));
  }

  private String item(int number) {
    return name("i", Rng.hash(seed, 3, number));
  }

  /** All items, in order of number. */
  void items(Taker<EmbeddedItem> to) throws Exception {
    for (int i = 0; i < items; i++) {
      Rng rng = new Rng(Rng.hash(seed, 4, i));
      EmbeddedItem item = new EmbeddedItem();
      item.item = item(i);
      item.vector = gaussian(rng);
      float[] centre = centres[rng.nextInt(CLUSTERS)];
      for (int d = 0; d < dim; d++) {
        item.vector[d] = centre[d] + item.vector[d] / 2;
      }
      item.time = FIRST_TIME + i;
      to.take(item);
    }
  }

  private int eventsOf(int user) {
    Rng rng = new Rng(Rng.hash(seed, 5, user));
    int of20 = rng.nextInt(20);
    return of20 < 15 ? 1 : of20 < 19 ? 2 : FEW_LEAST + rng.nextInt(FEW_MOST - FEW_LEAST + 1);
  }

  /** The events that users have at first: every user's first, then the second of who has one. */
  void firstEvents(Taker<SequencedEvent> to) throws Exception {
    for (int n = 0; n < FEW_MOST; n++) {
      for (int u = 0; u < users; u++) {
        if (n < eventsOf(u)) {
          to.take(event(user(u), anyItem()));
        }
      }
    }
  }

  /** More events, of any of the users with any of the items. */
  void moreEvents(int count, Taker<SequencedEvent> to) throws Exception {
    for (int i = 0; i < count; i++) {
      int u = new Rng(Rng.hash(seed, 6, events)).nextInt(users);
      to.take(event(user(u), anyItem()));
    }
  }

  /** One event each of users that were not there before, with items that are. */
  void newUsers(int count, Taker<SequencedEvent> to) throws Exception {
    for (int i = 0; i < count; i++) {
      to.take(event(name("n", Rng.hash(seed, 7, events)), anyItem()));
    }
  }

  /** Events of users that were not there before, each with an item that never comes. */
  void neverItems(int count, Taker<SequencedEvent> to) throws Exception {
    for (int i = 0; i < count; i++) {
      to.take(
          event(name("s", Rng.hash(seed, 8, events)), name("never", Rng.hash(seed, 9, events))));
    }
  }

  /** Events made so far. */
  long events() {
    return events;
  }

  /** The square of a draw: some are named far more often than others. */
  private String anyItem() {
    double draw = new Rng(Rng.hash(seed, 10, events)).nextDouble();
    return item((int) (items * draw * draw));
  }

  private SequencedEvent event(String user, String item) {
    SequencedEvent event = new SequencedEvent();
    event.user = user;
    event.item = item;
    event.time = FIRST_TIME + items + events;
    event.order = events++;
    event.placed = true;
    return event;
  }
}
