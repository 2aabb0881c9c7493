package io.sidstream.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.schemas.TokenChecksum;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/**
 * Random histories, written as Publish writes them, read in random order of partitions, from a log
 * that may be compacted, against tables kept as plain maps.
 */
class TokenTablePropertyTest {
  private static final int LEVELS = 3;
  private static final int CODES = 4;

  private record Row(String item, int commit, Token token, Token previous) {}

  /** What the job would have written, and the table as of every version. */
  private static final class History {
    final List<List<Row>> partitions = new ArrayList<>();
    final List<TokenView.Verified> commits = new ArrayList<>();
    final Map<Integer, Map<String, Token>> tables = new TreeMap<>();
    final Map<String, Token> table = new TreeMap<>();
    final Map<String, Row> newest = new HashMap<>();
    final Map<String, Set<Token>> published = new HashMap<>();
    private final Random random;
    private int counted;

    History(Random random) {
      this.random = random;
      for (int p = 0; p < 1 + random.nextInt(3); p++) {
        partitions.add(new ArrayList<>());
      }
      tables.put(0, Map.of());
      int versions = 1 + random.nextInt(6);
      int items = 5 + random.nextInt(40);
      for (int v = 1; v <= versions; v++) {
        // Between versions rows are of the version in use, in a scan of the next one.
        int between = v == 1 ? 0 : random.nextInt(30);
        for (int i = 0; i < between; i++) {
          change("item" + random.nextInt(items), v - 1);
        }
        int scan = random.nextInt(2 * items);
        for (int i = 0; i < scan; i++) {
          change("item" + random.nextInt(items), random.nextInt(4) == 0 && v > 1 ? v - 1 : v);
        }
        counted = v;
        long sum = 0;
        for (var entry : table.entrySet()) {
          sum +=
              TokenChecksum.of(entry.getKey(), entry.getValue().codes(), entry.getValue().suffix());
        }
        commits.add(new TokenView.Verified(v, 10 * v, table.size(), sum, 1000L * v));
        tables.put(v, Map.copyOf(table));
      }
      int open = random.nextInt(30);
      for (int i = 0; i < open; i++) {
        change("item" + random.nextInt(items + 10), random.nextBoolean() ? versions : versions + 1);
      }
    }

    private void change(String item, int version) {
      Token old = table.get(item);
      Token token = random.nextInt(4) == 0 ? null : free(version);
      if (token == null ? old == null : token.sameToken(old)) {
        return;
      }
      int commit = Math.max(version, counted + 1);
      Row last = newest.get(item);
      Token previous = last == null || last.commit < commit ? old : last.previous;
      Row row = new Row(item, commit, token, previous);
      newest.put(item, row);
      partitions.get(Math.floorMod(item.hashCode(), partitions.size())).add(row);
      if (token == null) {
        table.remove(item);
      } else {
        table.put(item, token);
        published.computeIfAbsent(item, i -> new HashSet<>()).add(token);
      }
    }

    private Token free(int version) {
      Set<String> taken = new HashSet<>();
      table.values().forEach(token -> taken.add(token.toString()));
      while (true) {
        int[] codes = random.ints(LEVELS, 0, CODES).toArray();
        Token token = new Token(codes, random.nextInt(3) == 0 ? 1 + random.nextInt(3) : 0, version);
        if (!taken.contains(token.toString())) {
          return token;
        }
      }
    }

    /** As the log cleaner: of a part from the beginning only the last row of each item is left. */
    void compact() {
      for (int p = 0; p < partitions.size(); p++) {
        List<Row> rows = partitions.get(p);
        int cleaned = random.nextInt(rows.size() + 1);
        Map<String, Integer> last = new HashMap<>();
        for (int i = 0; i < cleaned; i++) {
          last.put(rows.get(i).item, i);
        }
        List<Row> left = new ArrayList<>();
        for (int i = 0; i < rows.size(); i++) {
          Row row = rows.get(i);
          boolean expired = row.token == null && row.commit <= commits.size();
          if (i >= cleaned || last.get(row.item) == i && !expired) {
            left.add(row);
          }
        }
        partitions.set(p, left);
      }
    }
  }

  /** Reads a history as TokenTable does. */
  private static final class Reader {
    final History history;
    TableState state = new TableState(0);
    TokenView served = TokenView.empty();

    Reader(History history) {
      this.history = history;
    }

    void take(Row row) {
      byte[] item = row.item.getBytes(StandardCharsets.UTF_8);
      if (row.token == null) {
        state.removal(item, row.commit, row.previous);
      } else {
        state.row(item, row.commit, row.token, row.previous);
      }
    }

    void advance() {
      for (int version : state.verified()) {
        if (version > served.version()) {
          state.promote(version);
          TokenView next = state.view();
          checkChange(served, next);
          served = next;
          state = state.renumbered(1);
          served = state.view();
        }
      }
      if (served.version() > 0 && served.version() == state.floor) {
        served = state.withAdditions(served);
      }
      check();
    }

    void checkChange(TokenView before, TokenView after) {
      Map<String, Token> changed = tokens(before);
      new TokenChange(before, after)
          .forEach(
              (item, was, is) -> {
                assertThat(was).isEqualTo(changed.get(item));
                if (is == null) {
                  changed.remove(item);
                } else {
                  changed.put(item, is);
                }
              });
      Map<String, String> expected = new TreeMap<>();
      Map<String, String> found = new TreeMap<>();
      tokens(after).forEach((item, token) -> expected.put(item, token.toString()));
      changed.forEach((item, token) -> found.put(item, token.toString()));
      assertThat(found).isEqualTo(expected);
    }

    void check() {
      Map<String, Token> committed = new TreeMap<>();
      served.forEachCommitted(committed::put);
      Map<String, String> truth = new TreeMap<>();
      Map<String, String> found = new TreeMap<>();
      history.tables.get(served.version()).forEach((i, token) -> truth.put(i, token.toString()));
      // Which row a token is from is no part of the checksum: where an item changes its mind twice
      // within a version, the table is complete with the first row and the token is the same.
      committed.forEach(
          (item, token) -> {
            found.put(item, token.toString());
            assertThat(history.published.get(item)).contains(token);
          });
      assertThat(found).isEqualTo(truth);
      served.verify();
      Map<String, Token> all = tokens(served);
      assertThat(all).containsAllEntriesOf(committed).hasSize(served.size());
      Set<String> unique = new HashSet<>();
      all.forEach(
          (item, token) -> {
            assertThat(unique.add(token.toString())).as("%s of %s", token, item).isTrue();
            assertThat(served.get(item)).isEqualTo(token);
            assertThat(served.item(token.codes(), token.suffix())).isEqualTo(item);
            if (!committed.containsKey(item)) {
              assertThat(token.version()).isLessThanOrEqualTo(served.version());
            }
          });
      assertThat(served.get("nobody")).isNull();
    }

    void checkPrefixes(Random random) {
      Map<String, Token> all = tokens(served);
      for (int length = 0; length <= LEVELS && served.size() > 0; length++) {
        int[] prefix = random.ints(length, 0, CODES).toArray();
        List<String> items = new ArrayList<>();
        Set<Integer> children = new TreeSet<>();
        for (var entry : all.entrySet()) {
          int[] codes = entry.getValue().codes();
          boolean begins = true;
          for (int l = 0; l < length; l++) {
            begins &= codes[l] == prefix[l];
          }
          if (begins) {
            items.add(entry.getKey());
            children.add(length == LEVELS ? entry.getValue().suffix() : codes[length]);
          }
        }
        assertThat(served.items(prefix)).containsExactlyInAnyOrderElementsOf(items);
        assertThat(served.children(prefix))
            .containsExactly(children.stream().mapToInt(Integer::intValue).toArray());
      }
    }
  }

  private static Map<String, Token> tokens(TokenView view) {
    Map<String, Token> all = new TreeMap<>();
    view.forEach(all::put);
    return all;
  }

  @Property(tries = 100)
  void everyServedVersionIsTheTableOfItsCommit(@ForAll long seed) throws IOException {
    Random random = new Random(seed);
    History history = new History(random);
    boolean compacted = random.nextBoolean();
    if (compacted) {
      history.compact();
    }
    Reader reader = new Reader(history);
    int commit = 0;
    if (random.nextBoolean()) {
      // The versions are read first, as when a table is opened.
      for (TokenView.Verified record : history.commits) {
        reader.state.commit(record);
      }
      commit = history.commits.size();
      reader.state.promote(commit - 1);
    }
    int[] at = new int[history.partitions.size()];
    List<Integer> turns = new ArrayList<>();
    for (int p = 0; p < at.length; p++) {
      turns.addAll(Collections.nCopies(history.partitions.get(p).size(), p));
    }
    turns.addAll(Collections.nCopies(history.commits.size() - commit, -1));
    Collections.shuffle(turns, random);
    for (int partition : turns) {
      if (partition < 0) {
        reader.state.commit(history.commits.get(commit++));
      } else {
        reader.take(history.partitions.get(partition).get(at[partition]++));
      }
      // From a compacted log the states in between may agree with nothing; the end must.
      reader.advance();
      if (random.nextInt(20) == 0) {
        reader.state = throughAFile(reader.state);
        if (reader.served.version() == reader.state.floor
            && reader.state.verified(reader.state.floor)) {
          reader.served = reader.state.view();
        }
      }
    }
    reader.advance();
    int last = history.commits.size();
    assertThat(reader.served.version()).isEqualTo(last);
    reader.checkPrefixes(random);

    // All that may be added is added, but for tokens that another item of the table has.
    Map<String, Token> all = tokens(reader.served);
    Set<String> taken = new HashSet<>();
    all.values().forEach(token -> taken.add(token.toString()));
    history.newest.forEach(
        (item, row) -> {
          boolean fresh =
              row.token != null
                  && row.token.version() <= last
                  && !history.tables.get(last).containsKey(item);
          if (fresh && !all.containsKey(item)) {
            assertThat(taken).contains(row.token.toString());
          }
          if (row.token == null && !history.tables.get(last).containsKey(item)) {
            assertThat(all).doesNotContainKey(item);
          }
        });
  }

  @Test
  void aTokenTakenBackWithinAVersionIsServedFromEitherRow() throws IOException {
    everyServedVersionIsTheTableOfItsCommit(8941);
  }

  private static TableState throughAFile(TableState state) throws IOException {
    Path file = Files.createTempFile("table", ".snapshot");
    try {
      new Snapshot("here", Map.of("t", Map.of(0, 5L)), state).write(file);
      Snapshot read = Snapshot.read(file);
      assertThat(read.source()).isEqualTo("here");
      assertThat(read.offsets()).isEqualTo(Map.of("t", Map.of(0, 5L)));
      return read.state();
    } finally {
      Files.delete(file);
    }
  }
}
