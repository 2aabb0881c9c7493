package io.sidstream.job.simulation;

import io.sidstream.job.record.Interaction;
import io.sidstream.job.record.Item;
import io.sidstream.model.learn.LearnPlan;
import io.sidstream.schemas.VersionState;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Inputs in phases, a round a phase, made so that what a round learns from does not depend on when
 * anything arrives: then its bits must not, either. Items come first, one a phase after the first
 * one; then the events of all shards but one, which alone has enough to begin the round; then its
 * own. Each of these waits until what came before is in a complete checkpoint, and a phase until
 * readers have the revision of the one before.
 */
final class Script {
  private static final int MOST_PHASES = 4;
  private static final int ITEMS = 10;
  private static final int USERS = 4;

  private enum Part {
    ITEMS,
    OTHERS,
    OWN,
    REVISION
  }

  private final SplittableRandom random;
  private final int shards;
  private final int phases;
  private final List<List<String>> users = new ArrayList<>();
  private int phase;
  private Part part = Part.ITEMS;
  private int events;
  private int items;
  private long time = 1_000;

  /** The checkpoint that must be complete, or 0; and the crashes until it was triggered. */
  private long awaited;

  private int crashes;

  Script(long number, int shards) {
    random = new SplittableRandom(number);
    this.shards = shards;
    phases = 1 + random.nextInt(MOST_PHASES);
    for (int s = 0; s < shards; s++) {
      users.add(new ArrayList<>());
    }
    for (int u = 0; users.stream().anyMatch(of -> of.size() < USERS); u++) {
      List<String> of = users.get(LearnPlan.shard("u" + u, shards));
      if (of.size() < USERS) {
        of.add("u" + u);
      }
    }
  }

  /** Sends what is next if its time has come; true when all has been learnt. */
  boolean next(Simulation simulation) {
    if (part == Part.REVISION) {
      long revisions =
          simulation.topics.versions.all().stream()
              .filter(v -> v.getState() == VersionState.REVISION)
              .count();
      if (revisions <= phase) {
        return false;
      }
      phase++;
      part = Part.ITEMS;
    }
    if (phase == phases) {
      return true;
    }
    if (part != Part.ITEMS && !settled(simulation)) {
      return false;
    }
    awaited = 0;
    int wanted = (phase == 0 ? Settings.BOOTSTRAP_EVENTS : Settings.ROUND_EVENTS) / shards;
    switch (part) {
      case ITEMS -> {
        sendItems(simulation);
        part = Part.OTHERS;
      }
      case OTHERS -> {
        for (int s = 1; s < shards; s++) {
          sendEvents(simulation, users.get(s), wanted - 2);
        }
        part = Part.OWN;
      }
      default -> {
        sendEvents(simulation, users.get(0), wanted);
        part = Part.REVISION;
      }
    }
    return false;
  }

  private boolean settled(Simulation simulation) {
    if (awaited > 0 && crashes == simulation.crashes) {
      return simulation.completed() >= awaited;
    }
    awaited = simulation.quiet() ? simulation.triggerCheckpoint() : 0;
    crashes = simulation.crashes;
    return false;
  }

  private void sendItems(Simulation simulation) {
    if (phase == 0) {
      for (int i = 0; i < ITEMS; i++) {
        sendItem(simulation, "i" + items++, false);
      }
    } else if (random.nextInt(3) == 0) {
      sendItem(simulation, "i" + items++, false);
    } else {
      // The first ones stay, so that there always is something to learn.
      sendItem(simulation, "i" + (ITEMS / 2 + random.nextInt(ITEMS / 2)), random.nextBoolean());
    }
  }

  private void sendItem(Simulation simulation, String name, boolean deleted) {
    Item item = new Item();
    item.item = name;
    item.deleted = deleted;
    item.vector = deleted ? null : FreeInputs.vector(random);
    time += 1 + random.nextInt(1_000);
    item.time = time;
    simulation.topics.item(item, simulation.now());
  }

  private void sendEvents(Simulation simulation, List<String> of, int count) {
    List<Interaction> sent = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      time += 1 + random.nextInt(1_000);
      String user = of.get(random.nextInt(of.size()));
      // Of those that stay: what an item that comes again wakes would begin a round too early.
      int item = random.nextInt(items - ITEMS / 2);
      item += item < ITEMS / 2 ? 0 : ITEMS / 2;
      sent.add(FreeInputs.interaction("e" + events++, user, "i" + item, time));
    }
    for (Interaction event : sent) {
      simulation.topics.interaction(event, simulation.now());
    }
    // Once more, which is nothing new.
    simulation.topics.interaction(sent.get(random.nextInt(count)), simulation.now());
  }

  @Override
  public String toString() {
    return "phase " + phase + ", " + part + ", checkpoint " + awaited;
  }
}
