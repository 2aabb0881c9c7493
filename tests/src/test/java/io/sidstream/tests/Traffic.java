package io.sidstream.tests;

import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;

/**
 * An endless stream of interactions, new items, changed items and deletions, the same every time,
 * that goes as fast as the job; knows what must come of it.
 */
final class Traffic {
  static final int FIRST_ITEMS = 3_000;
  private static final int STEP = 50;

  private final Inputs in;
  private final SplittableRandom random = new SplittableRandom(3);
  private final Set<String> items = new TreeSet<>();
  private final int firstItems;
  private int next;
  private int interactions;

  /** For a job that was sent {@link #FIRST_ITEMS} items. */
  Traffic(Inputs in) {
    this(in, FIRST_ITEMS);
  }

  /** For a job that was sent so many items. */
  Traffic(Inputs in, int firstItems) {
    this.in = in;
    this.firstItems = firstItems;
    next = firstItems;
    for (int i = 0; i < firstItems; i++) {
      items.add(Inputs.name(i));
    }
  }

  /** Interactions sent. */
  long interactions() {
    return interactions;
  }

  /** Items that must have a token. */
  Set<String> items() {
    return items;
  }

  /** Sends more where the job has kept up. */
  void keepGoing(TokenLog log) {
    // A first batch before the first revision.
    if (interactions > log.interactions() + 150) {
      return;
    }
    in.interactions(interactions, interactions += STEP, firstItems);
    for (int n = 0; n < 3; n++) {
      String item = Inputs.name(next++);
      items.add(item);
      in.put(item, Inputs.vector(item));
    }
    String changed = Inputs.name(random.nextInt(next));
    items.add(changed);
    in.put(changed, Inputs.vector(changed + random.nextInt()));
    // None that interactions name: those would wait for it for ever.
    String gone = Inputs.name(firstItems + random.nextInt(next - firstItems));
    items.remove(gone);
    in.delete(gone);
    in.flush();
  }

  /** Whether all that was sent has come out, and no version is under way. */
  boolean settled(TokenLog log) {
    return log.interactions() == interactions
        && log.begun() == log.committed()
        && log.items().equals(items);
  }
}
