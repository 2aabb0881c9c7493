package io.sidstream.job.simulation;

import io.sidstream.job.record.Interaction;
import io.sidstream.job.record.Item;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** Items that come, change and go, and interactions, some late, some twice, some with nothing. */
final class FreeInputs {
  private static final int ITEMS = 20;
  private static final int USERS = 6;

  private final SplittableRandom random;
  private final Map<String, float[]> vectors = new HashMap<>();
  private final List<Interaction> sent = new ArrayList<>();
  private long time = 1_000;

  FreeInputs(SplittableRandom random) {
    this.random = random;
  }

  void next(Simulation simulation) {
    time += random.nextInt(1_000);
    if (random.nextInt(3) == 0 || vectors.size() < Settings.BOOTSTRAP_ITEMS) {
      simulation.topics.item(item(), simulation.now());
    } else if (!sent.isEmpty() && random.nextInt(8) == 0) {
      simulation.topics.interaction(sent.get(random.nextInt(sent.size())), simulation.now());
    } else {
      long late = random.nextInt(random.nextInt(5) == 0 ? 20_000 : 100);
      Interaction event =
          interaction(
              "e" + sent.size(),
              "u" + random.nextInt(USERS),
              "i" + random.nextInt(ITEMS),
              time - late);
      event.weight = random.nextInt(20) == 0 ? 0 : 1;
      sent.add(event);
      simulation.topics.interaction(event, simulation.now());
    }
  }

  private Item item() {
    Item item = new Item();
    item.item = "i" + random.nextInt(ITEMS);
    item.time = time;
    float[] vector = vectors.get(item.item);
    if (vector != null && random.nextInt(4) == 0) {
      item.deleted = true;
      return item;
    }
    if (vector == null || random.nextBoolean()) {
      vector = vector(random);
      vectors.put(item.item, vector);
    }
    item.vector = vector.clone();
    return item;
  }

  static float[] vector(SplittableRandom random) {
    float[] vector = new float[Settings.DIM];
    for (int d = 0; d < vector.length; d++) {
      vector[d] = (random.nextInt(2001) - 1000) / 500f;
    }
    return vector;
  }

  static Interaction interaction(String id, String user, String item, long time) {
    Interaction event = new Interaction();
    event.eventId = id;
    event.user = user;
    event.item = item;
    event.weight = 1;
    event.time = time;
    return event;
  }
}
