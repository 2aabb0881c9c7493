package io.sidstream.cli.tokens;

import io.sidstream.client.Token;
import io.sidstream.schemas.TokenChecksum;
import io.sidstream.schemas.VersionRecord;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Proves what the token topics promise, or says what is wrong:
 *
 * <ul>
 *   <li>checksums: the table of every COMMIT has its count and checksum, as far as its rows are
 *       still in the log; that of the newest always;
 *   <li>uniqueness: in none of these tables two items have the same token;
 *   <li>chain: a row replaces what the row before it published;
 *   <li>codes: every code is inside its codebook; of a row whose version's codebooks were removed,
 *       inside the oldest that are left, as it is valid under those, too;
 *   <li>completeness: every item of the items topic has a token, but those that were rejected, or
 *       removed by a tombstone (deleted, or evicted).
 * </ul>
 */
public final class TokenAudit {
  /** How many problems of a kind are told one by one. */
  private static final int TOLD = 10;

  private final TokenLog log;
  private final boolean shared;
  private final Map<String, List<String>> problems = new LinkedHashMap<>();
  private final Map<String, Integer> counts = new LinkedHashMap<>();

  /** What may be said of a version. */
  public enum State {
    /** Its table is in the log and is what COMMIT says. */
    VERIFIED,
    /** Rows of it have been compacted away, so that nobody can tell. */
    GONE,
    /** Its table is not what COMMIT says. */
    WRONG
  }

  /**
   * What was found.
   *
   * @param versions state of each committed version
   * @param items tokens in the newest committed table
   * @param unique share of them that no other item has, 0..1
   * @param removed items of the items topic that a tombstone took out of the table
   * @param problems what is wrong; empty where all is well
   */
  public record Report(
      Map<Integer, State> versions,
      long items,
      double unique,
      long removed,
      List<String> problems) {

    /** Whether nothing is wrong. */
    public boolean passed() {
      return problems.isEmpty();
    }

    /** For a person. */
    public String text() {
      StringBuilder s = new StringBuilder();
      long verified = versions.values().stream().filter(v -> v == State.VERIFIED).count();
      long gone = versions.values().stream().filter(v -> v == State.GONE).count();
      int newest = versions.keySet().stream().mapToInt(v -> v).max().orElse(0);
      s.append(
          "version %d: %,d items, %.2f %% with a token of their own%n"
              .formatted(newest, items, 100 * unique));
      s.append("COMMIT records that agree: %d of %d".formatted(verified, versions.size()));
      s.append(gone == 0 ? "" : "; %d cannot be checked any more".formatted(gone));
      s.append(String.format("%n"));
      problems.forEach(problem -> s.append("wrong: ").append(problem).append(String.format("%n")));
      return s.append(passed() ? "verified" : "not verified").toString();
    }
  }

  private TokenAudit(TokenLog log, boolean shared) {
    this.log = log;
    this.shared = shared;
  }

  /**
   * Audits what was read.
   *
   * @param shared whether items may share a token, as with resolve.strategy none
   * @param complete whether every item must have a token by now
   */
  static Report of(TokenLog log, boolean shared, boolean complete) {
    return new TokenAudit(log, shared).audit(complete);
  }

  private Report audit(boolean complete) {
    log.unreadable.forEach(what -> problem("records that do not belong", what));
    if (log.commits.isEmpty()) {
      problem("versions", "no version is committed");
    }
    Map<Integer, State> versions = new TreeMap<>();
    boolean intact = log.commits.isEmpty() || log.commits.firstKey() == 1;
    Map<Integer, long[]> deltas = deltas();
    double unique = 0;
    long items = 0;
    for (VersionRecord commit : log.commits.values()) {
      int version = commit.getVersion();
      intact &= delta(commit, deltas.getOrDefault(version, new long[3]));
      Map<String, Token> table = log.table(version);
      State state = table(commit, table, intact);
      versions.put(version, state);
      if (state == State.VERIFIED || version == log.newest()) {
        unique = unique(version, table);
        items = table.size();
      }
    }
    log.rows.forEach(
        (item, rows) -> {
          rows.forEach(row -> codes(item, row));
          chain(item, rows);
        });
    long removed = complete && log.items != null ? completeness() : 0;
    List<String> all = new ArrayList<>();
    problems.forEach(
        (kind, told) -> {
          told.forEach(what -> all.add(kind + ": " + what));
          int more = counts.get(kind) - told.size();
          if (more > 0) {
            all.add(kind + ": and " + more + " more");
          }
        });
    return new Report(versions, items, unique, removed, all);
  }

  private void problem(String kind, String what) {
    List<String> told = problems.computeIfAbsent(kind, k -> new ArrayList<>());
    if (told.size() < TOLD) {
      told.add(what);
    }
    counts.merge(kind, 1, Integer::sum);
  }

  /** Version to {rows, tombstones, checksum of the rows} as the log has them, each item once. */
  private Map<Integer, long[]> deltas() {
    Map<Integer, long[]> deltas = new HashMap<>();
    log.rows.forEach(
        (item, rows) -> {
          for (int i = 0; i < rows.size(); i++) {
            TokenLog.Row row = rows.get(i);
            if (i + 1 < rows.size() && rows.get(i + 1).commit() == row.commit()) {
              continue;
            }
            long[] sums = deltas.computeIfAbsent(row.commit(), v -> new long[3]);
            if (row.token() != null) {
              sums[0]++;
              sums[2] += checksum(item, row.token());
            } else if (row.previous() != null) {
              sums[1]++;
            }
          }
        });
    return deltas;
  }

  /** Whether all rows that a COMMIT counts are in the log. */
  private boolean delta(VersionRecord commit, long[] sums) {
    if (sums[0] > commit.getRows() || sums[1] > commit.getTombstones()) {
      problem(
          "checksums",
          "version %d: the log has %d rows and %d removals that it counts, COMMIT says %d and %d"
              .formatted(
                  commit.getVersion(), sums[0], sums[1], commit.getRows(), commit.getTombstones()));
    } else if (sums[0] == commit.getRows() && sums[2] != commit.getRowsChecksum()) {
      problem(
          "checksums",
          "version %d: its %d rows have checksum %016x, COMMIT says %016x"
              .formatted(commit.getVersion(), sums[0], sums[2], commit.getRowsChecksum()));
    }
    return sums[0] == commit.getRows()
        && sums[1] == commit.getTombstones()
        && sums[2] == commit.getRowsChecksum();
  }

  private State table(VersionRecord commit, Map<String, Token> table, boolean intact) {
    long sum = 0;
    for (var entry : table.entrySet()) {
      sum += checksum(entry.getKey(), entry.getValue());
    }
    if (table.size() == commit.getItems() && sum == commit.getTableChecksum()) {
      return State.VERIFIED;
    }
    if (!intact && commit.getVersion() != log.newest()) {
      return State.GONE;
    }
    problem(
        "checksums",
        "version %d: the table has %d items with checksum %016x, COMMIT says %d and %016x"
            .formatted(
                commit.getVersion(),
                table.size(),
                sum,
                commit.getItems(),
                commit.getTableChecksum()));
    return State.WRONG;
  }

  private static long checksum(String item, Token token) {
    return TokenChecksum.of(item, token.codes(), token.suffix());
  }

  private double unique(int version, Map<String, Token> table) {
    Map<String, String> holders = new HashMap<>();
    Map<String, Integer> holding = new HashMap<>();
    table.forEach(
        (item, token) -> {
          String other = holders.putIfAbsent(token.toString(), item);
          holding.merge(token.toString(), 1, Integer::sum);
          if (other != null && !shared) {
            problem(
                "uniqueness",
                "version %d: items %s and %s both have token %s"
                    .formatted(version, other, item, token));
          }
        });
    long alone = holding.values().stream().filter(n -> n == 1).count();
    return table.isEmpty() ? 0 : (double) alone / table.size();
  }

  private void codes(String item, TokenLog.Row row) {
    if (row.token() == null) {
      return;
    }
    int version = row.token().version();
    boolean removed = !log.codebooks.isEmpty() && version < log.codebooks.firstKey();
    int[] sizes = log.codebooks.get(removed ? log.codebooks.firstKey() : version);
    if (sizes == null) {
      problem(
          "codes",
          "%s of item %s is of version %d, whose codebooks are not on the models topic"
              .formatted(row.place(), item, version));
      return;
    }
    for (int[] codes : List.of(row.token().codes(), row.nearest())) {
      boolean inside = codes.length == sizes.length;
      for (int l = 0; inside && l < sizes.length; l++) {
        inside = codes[l] >= 0 && codes[l] < sizes[l];
      }
      if (!inside) {
        problem(
            "codes",
            "%s: item %s has codes %s; the codebooks of version %d have %s codewords"
                .formatted(
                    row.place(),
                    item,
                    java.util.Arrays.toString(codes),
                    removed ? log.codebooks.firstKey() : version,
                    java.util.Arrays.toString(sizes)));
        return;
      }
    }
  }

  private void chain(String item, List<TokenLog.Row> rows) {
    for (int i = 1; i < rows.size(); i++) {
      TokenLog.Row row = rows.get(i);
      TokenLog.Row before = rows.get(i - 1);
      if (row.commit() < before.commit()) {
        problem(
            "chain",
            "%s: item %s has commit %d after commit %d"
                .formatted(row.place(), item, row.commit(), before.commit()));
        continue;
      }
      // Rows of one commit all say what the table of the version before has.
      Token expected = row.commit() == before.commit() ? before.previous() : before.token();
      if (expected == null ? row.previous() != null : !expected.sameToken(row.previous())) {
        problem(
            "chain",
            "%s: item %s says that it replaces %s, but its token was %s"
                .formatted(row.place(), item, row.previous(), expected));
      }
    }
  }

  private long completeness() {
    long removed = 0;
    for (String item : log.items) {
      List<TokenLog.Row> rows = log.rows.get(item);
      if (rows != null) {
        removed += rows.get(rows.size() - 1).token() == null ? 1 : 0;
      } else if (!log.dead.contains(item)) {
        problem("completeness", "item " + item + " has no token, no tombstone and no dead letter");
      }
    }
    return removed;
  }
}
