package io.sidstream.tests.faults;

import io.sidstream.job.config.JobConfig;
import io.sidstream.tests.Inputs;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;

/**
 * Sends items (new, changed, deleted) and interactions (some of them twice) at a steady rate, from
 * a thread of its own, whatever happens to the broker meanwhile; knows what must come of them.
 */
final class Flow implements AutoCloseable {
  /** Items that interactions name; never deleted. */
  static final int KNOWN = 300;

  /** From so many items on there is a deletion for each new one. */
  private static final int ENOUGH = 500;

  private static final int TICK_MS = 100;

  private final Inputs in;
  private final SplittableRandom random;
  private final Thread thread = new Thread(this::run, "flow");
  private final Set<String> alive = new TreeSet<>();
  private final List<String> removable = new ArrayList<>();
  private final Set<String> fresh = new TreeSet<>();
  private int items;
  private int interactions;
  private long records;
  private int ticks;
  private RuntimeException failure;
  private volatile boolean stopped;

  Flow(JobConfig config, long seed) {
    in = new Inputs(config);
    random = new SplittableRandom(seed);
    thread.setDaemon(true);
  }

  /** Sends the first items, waits for them, and goes on. */
  void start() {
    while (items < KNOWN) {
      put();
    }
    in.flush();
    thread.start();
  }

  private void run() {
    try {
      while (!stopped) {
        tick();
        Thread.sleep(TICK_MS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      failure = e;
    }
  }

  private synchronized void tick() {
    ticks++;
    if (ticks % 2 == 0) {
      removable.add(put());
    } else {
      String changed = Inputs.name(random.nextInt(KNOWN));
      in.put(changed, Inputs.vector(changed + random.nextInt()));
      records++;
    }
    if (alive.size() > ENOUGH) {
      String gone = removable.remove(random.nextInt(removable.size()));
      alive.remove(gone);
      fresh.remove(gone);
      in.delete(gone);
      records++;
    }
    in.interactions(interactions, interactions + 4, KNOWN);
    if (random.nextInt(10) == 0) {
      // One that was sent before: counts once.
      int again = random.nextInt(Math.max(0, interactions - 100), interactions + 4);
      in.interactions(again, again + 1, KNOWN);
      records++;
    }
    interactions += 4;
    records += 4;
  }

  private String put() {
    String item = Inputs.name(items++);
    alive.add(item);
    fresh.add(item);
    in.put(item, Inputs.vector(item));
    records++;
    return item;
  }

  /** From now on {@link #fresh} tells what is sent. */
  synchronized void mark() {
    fresh.clear();
  }

  /** New items that were sent since {@link #mark}, and not deleted again. */
  synchronized Set<String> fresh() {
    return Set.copyOf(fresh);
  }

  /** Stops, and waits until the broker has all that was sent. */
  void stop() throws InterruptedException {
    stopped = true;
    thread.join();
    if (failure != null) {
      throw failure;
    }
    in.flush();
  }

  /** Items that must have a token; any other must have none. */
  synchronized Set<String> items() {
    return new TreeSet<>(alive);
  }

  /** Interactions sent, those that were sent twice counted once. */
  synchronized long interactions() {
    return interactions;
  }

  /** Records sent. */
  synchronized long records() {
    return records;
  }

  @Override
  public void close() {
    stopped = true;
    thread.interrupt();
    in.close();
  }
}
