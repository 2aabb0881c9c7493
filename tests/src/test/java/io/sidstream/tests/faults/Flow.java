package io.sidstream.tests.faults;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Topics;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.WireFormat;
import io.sidstream.tests.Inputs;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;

/**
 * Sends items (new, changed, deleted), interactions (some late, some twice) and rubbish at a steady
 * rate, from a thread of its own, whatever happens to the broker meanwhile; knows what must come of
 * them.
 */
final class Flow implements AutoCloseable {
  /** Items that interactions name; never deleted. */
  static final int KNOWN = 300;

  /** How many times as much comes in a rush. */
  private static final int RUSH = 10;

  private static final int HUGE_BYTES = 10 * 1024 * 1024;
  private static final int LONG_BYTES = 100_000;

  /**
   * What is sent. At each tick an item is new or changed, in turn.
   *
   * @param first items that are sent at the start, {@link #KNOWN} or more
   * @param catalogue number of items from which on there is a deletion for each new one
   * @param tickMs length of a tick
   * @param interactions of a tick: fewer than the job can learn, or the end waits for a backlog
   * @param rubbishTicks ticks for a record that cannot be used
   * @param rubbishKeys keys of rubbish on the items topic, which keeps the newest of each. One is
   *     used again no sooner than the job has read the one before.
   * @param partition the only one of each topic that gets anything; null where keys say which
   */
  record Load(
      int first,
      int catalogue,
      int tickMs,
      int interactions,
      int rubbishTicks,
      int rubbishKeys,
      Integer partition) {
    /** 15 items and 20 interactions a second, among them one of rubbish. */
    static final Load STANDARD = new Load(KNOWN, 500, 100, 2, 10, Integer.MAX_VALUE, null);

    Load onlyTo(int partition) {
      return new Load(first, catalogue, tickMs, interactions, rubbishTicks, rubbishKeys, partition);
    }
  }

  /**
   * An interaction that is kept back.
   *
   * @param at number of the one with which it is sent
   */
  private record Late(int at, int number) {}

  /** Interactions, one a second of event time, by which one may come late, or twice. */
  private static final int HOUR = 3_600;

  private final Load load;
  private final Inputs in;
  private final JobConfig config;
  private final WireFormat wire = new WireFormat();
  private final SplittableRandom random;
  private final Thread thread = new Thread(this::run, "flow");
  private final Set<String> alive = new TreeSet<>();
  private final List<String> removable = new ArrayList<>();
  private final Set<String> fresh = new TreeSet<>();
  private int items;
  private int interactions;
  private int crowd;
  private int twins;
  private int rushTicks;
  private int rubbish;
  private long records;
  private int ticks;
  private final PriorityQueue<Late> late =
      new PriorityQueue<>(Comparator.comparingInt((Late l) -> l.at));
  private RuntimeException failure;
  private volatile boolean stopped;

  Flow(JobConfig config, long seed, Load load) {
    this.load = load;
    this.config = config;
    in = new Inputs(config, load.partition);
    random = new SplittableRandom(seed);
    thread.setDaemon(true);
  }

  /** Sends the first items, waits for them, and goes on. */
  void start() {
    while (items < load.first) {
      String item = put();
      if (items > KNOWN) {
        removable.add(item);
      }
    }
    in.flush();
    thread.start();
  }

  private void run() {
    try {
      long next = System.nanoTime();
      while (!stopped) {
        tick();
        // A steady rate also on a busy machine; but what a pause has cost is not made up for.
        long now = System.nanoTime();
        next = Math.max(next + load.tickMs * 1_000_000L, now - 1_000_000_000L);
        Thread.sleep(Math.max(1, (next - now) / 1_000_000));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      failure = e;
    }
  }

  private synchronized void tick() {
    int times = rushTicks > 0 ? RUSH : 1;
    rushTicks -= rushTicks > 0 ? 1 : 0;
    for (int i = 0; i < times; i++) {
      send();
    }
  }

  private void send() {
    ticks++;
    if (ticks % 2 == 0) {
      removable.add(put());
    } else {
      String changed = Inputs.name(random.nextInt(KNOWN));
      in.put(changed, Inputs.vector(changed + random.nextInt()));
      records++;
    }
    if (alive.size() - twins > load.catalogue) {
      String gone = removable.remove(random.nextInt(removable.size()));
      alive.remove(gone);
      fresh.remove(gone);
      in.delete(gone);
      records++;
    }
    if (ticks % load.rubbishTicks == 0) {
      sendRubbish();
    }
    sendInteractions();
  }

  /** Some of them late, and some twice, by an hour of event time at most. */
  private void sendInteractions() {
    for (int i = 0; i < load.interactions; i++) {
      int number = interactions++;
      if (random.nextInt(20) == 0) {
        late.add(new Late(number + 1 + random.nextInt(HOUR), number));
      } else {
        sendInteraction(number);
      }
    }
    while (!late.isEmpty() && late.peek().at <= interactions) {
      sendInteraction(late.poll().number);
    }
    if (random.nextInt(10) == 0) {
      sendInteraction(random.nextInt(Math.max(0, interactions - HOUR), interactions));
    }
  }

  private void sendInteraction(int number) {
    in.interactions(number, number + 1, KNOWN);
    records++;
  }

  /** Sends a record that nothing can be made of, to the topics in turn. */
  private void sendRubbish() {
    // A key of its own: the items topic is compacted, also while the job is down.
    String name = "bad" + rubbish;
    byte[] bad = Inputs.bytes("bad" + rubbish % load.rubbishKeys);
    byte[] noise = new byte[random.nextInt(200)];
    random.nextBytes(noise);
    switch (rubbish % 8) {
      case 0 -> in.send(Topics.items(config), bad, noise);
      case 1 -> in.send(Topics.interactions(config), bad, noise);
      case 2 -> in.send(Topics.control(config), bad, noise);
      case 3 -> in.send(Topics.versions(config), bad, noise);
      case 4 -> in.interact("ahead", name, Inputs.name(0), Instant.parse("3000-01-01T00:00:00Z"));
      case 5 -> in.interact("behind", name, Inputs.name(0), Instant.EPOCH);
      case 6 -> {
        // One in eight of 10 MB, the others just too long.
        ItemEvent item = Inputs.item(name, Inputs.vector(name));
        item.setVector(null);
        item.setText("x".repeat(rubbish % 64 == 6 ? HUGE_BYTES : LONG_BYTES));
        in.send(Topics.items(config), bad, wire.encode(item));
      }
      default -> {
        ItemEvent other = Inputs.item("other", Inputs.vector(name));
        in.send(Topics.items(config), bad, wire.encode(other));
      }
    }
    rubbish++;
    records++;
  }

  private String put() {
    String item = Inputs.name(items++);
    alive.add(item);
    fresh.add(item);
    in.put(item, Inputs.vector(item));
    records++;
    return item;
  }

  /** For so many ticks from now on {@value #RUSH} times as much is sent. */
  synchronized void rush(int forTicks) {
    rushTicks = forTicks;
  }

  /**
   * Sends so many interactions of one user, a second apart, every second one of them with the same
   * item.
   */
  synchronized void sendCrowd(int events) {
    for (int i = 0; i < events; i++) {
      String item = Inputs.name(i % 2 == 0 ? 0 : random.nextInt(KNOWN));
      in.interact("c" + crowd, "crowd", item, Inputs.DAY.plusSeconds(crowd));
      crowd++;
      records++;
    }
  }

  /** Sends so many items of one content, none of which is ever deleted. */
  synchronized void sendTwins(int number) {
    float[] vector = Inputs.vector("twin");
    for (int i = 0; i < number; i++) {
      String item = "twin" + twins++;
      alive.add(item);
      fresh.add(item);
      in.put(item, vector);
      records++;
    }
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
    late.forEach(l -> sendInteraction(l.number));
    in.flush();
  }

  /** Items that must have a token; any other must have none. */
  synchronized Set<String> items() {
    return new TreeSet<>(alive);
  }

  /** Interactions sent, those that were sent twice counted once. */
  synchronized long interactions() {
    return interactions + crowd;
  }

  /** Records sent that must become dead letters, each once. */
  synchronized int rubbish() {
    return rubbish;
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
