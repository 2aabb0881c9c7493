package io.sidstream.job.learn;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Users have places without gaps, those with more than one event the first. */
class UserPlacesTest {
  private static final int KEEP = 4;

  @Test
  void whoeverComesAndGoes() throws Exception {
    for (int seed = 0; seed < 50; seed++) {
      Random random = new Random(seed);
      ShardTables tables = new ShardTables(new HeapStore());
      LearnProgress at = new LearnProgress();
      Set<String> users = new HashSet<>();
      for (int step = 0; step < 200; step++) {
        String user = "u" + random.nextInt(30);
        UserRow row = tables.user(user);
        if (row != null && random.nextInt(3) == 0) {
          tables.removeUser(at, user, row);
          users.remove(user);
        } else {
          event(tables, at, user, row, step);
          users.add(user);
        }
        assertPlaces(tables, at, users);
      }
    }
  }

  private static void event(
      ShardTables tables, LearnProgress at, String user, UserRow before, int time)
      throws Exception {
    UserRow row = before == null ? tables.addUser(at, user) : before;
    UserRow next = row.with(1, time, time, 0, KEEP);
    if (next.items().length == 2 && row.items().length == 1) {
      next = tables.replayable(at, user, next);
    }
    tables.put(user, next);
  }

  private static void assertPlaces(ShardTables tables, LearnProgress at, Set<String> users)
      throws Exception {
    List<String> placed = new ArrayList<>();
    for (int place = 0; place < at.users; place++) {
      String user = tables.userPlaces.get(place);
      UserRow row = tables.user(user);
      assertThat(row.place()).as(user).isEqualTo(place);
      assertThat(row.items().length > 1).as(user).isEqualTo(place < at.replayable);
      placed.add(user);
    }
    assertThat(placed).containsExactlyInAnyOrderElementsOf(users);
    assertThat(tables.userPlaces.contains(at.users)).isFalse();
  }
}
