package io.sidstream.cli.watch;

import io.sidstream.schemas.DeadLetter;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.Prequential;
import io.sidstream.schemas.VersionRecord;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.HdrHistogram.Histogram;

/**
 * What the output topics have said so far: the token table, versions, revisions, dead letters, and
 * how long tokens took. Fed with records in the order of each partition; knows nothing of Kafka.
 * Safe for use by several threads.
 */
public final class Progress {
  private final int levels;
  private final int codebookSize;
  private final String itemsTopic;
  private final String interactionsTopic;

  private final Map<String, ItemToken> table = new HashMap<>();
  private final TreeMap<Integer, VersionRecord> commits = new TreeMap<>();
  private final TreeMap<Integer, Totals> prequential = new TreeMap<>();
  private final Set<String> deadItems = new HashSet<>();
  private final Histogram latency = new Histogram(3);
  private final Set<String> timed = new HashSet<>();
  private long deadLetters;
  private long deadInteractions;
  private String lastDead;
  private long revisions;
  private long interactions;
  private long waitingInteractions;
  private int begun;
  private int held;
  private final List<Summary.Hold> holds = new ArrayList<>();
  private long firstCommitSeen = -1;
  private Totals newest = new Totals();
  private Arrival arrived;

  /**
   * An item that came when a version was in use.
   *
   * @param version the version
   * @param ms until a reader saw its token
   */
  public record Arrival(String item, int version, long ms) {}

  /**
   * Nothing seen yet.
   *
   * @param levels codes of a token
   * @param codebookSize codewords of a level
   * @param itemsTopic full name of the topic of items
   * @param interactionsTopic full name of the topic of interactions
   */
  public Progress(int levels, int codebookSize, String itemsTopic, String interactionsTopic) {
    this.levels = levels;
    this.codebookSize = codebookSize;
    this.itemsTopic = itemsTopic;
    this.interactionsTopic = interactionsTopic;
  }

  /**
   * A row of the tokens topic.
   *
   * @param item its key
   * @param row the row, or null for a tombstone
   * @param sentAt when the item event was sent, ms, or null where that is not known
   * @param seenAt when the row was there for a reader of committed records, ms
   */
  public synchronized void token(String item, ItemToken row, Long sentAt, long seenAt) {
    if (row == null) {
      table.remove(item);
      return;
    }
    table.put(item, row);
    // Only the first row of an item: later ones come from new versions. Items from before the first
    // commit waited
    // for the bootstrap, which is not what latency means.
    if (timed.add(item) && sentAt != null && firstCommitSeen >= 0 && sentAt > firstCommitSeen) {
      long took = Math.max(0, seenAt - sentAt);
      latency.recordValue(took);
      arrived = new Arrival(item, commits.lastKey(), took);
    }
  }

  /** A record of the versions topic, seen at a time, ms. */
  public synchronized void version(VersionRecord record, long seenAt) {
    switch (record.getState()) {
      case BEGIN -> begun = Math.max(begun, record.getVersion());
      case COMMIT -> {
        commits.put(record.getVersion(), record);
        begun = Math.max(begun, record.getVersion());
        if (firstCommitSeen < 0) {
          firstCommitSeen = seenAt;
        }
      }
      case HELD -> {
        held++;
        holds.add(new Summary.Hold(record.getVersion(), record.getRevision(), record.getReason()));
      }
      case REVISION -> {
        revisions++;
        interactions = Math.max(interactions, record.getInteractions());
        waitingInteractions = record.getWaitingInteractions();
        if (record.getPrequential() != null) {
          newest = new Totals();
          newest.add(record.getPrequential());
          prequential
              .computeIfAbsent(record.getVersion(), v -> new Totals())
              .add(record.getPrequential());
        }
      }
    }
  }

  /** A record of the dead letters topic. */
  public synchronized void deadLetter(DeadLetter letter) {
    deadLetters++;
    lastDead = letter.getReason();
    if (letter.getTopic().equals(interactionsTopic)) {
      deadInteractions++;
    } else if (letter.getTopic().equals(itemsTopic) && letter.getKey() != null) {
      deadItems.add(StandardCharsets.UTF_8.decode(letter.getKey().duplicate()).toString());
    }
  }

  /**
   * Interactions that the trainer has used or that were rejected: those that will not be consumed
   * again.
   */
  public synchronized long settledInteractions() {
    return interactions == 0 ? 0 : interactions + deadInteractions;
  }

  /** The newest committed token version, 0 for none. */
  public synchronized int committedVersion() {
    return commits.isEmpty() ? 0 : commits.lastKey();
  }

  /**
   * Whether everything that was sent has arrived: each item has a token or a dead letter, each
   * interaction was consumed or has a dead letter, at least one version was committed and none is
   * in the making.
   */
  public synchronized boolean complete(Iterable<String> items, long sentInteractions) {
    if (commits.isEmpty() || begun > commits.lastKey()) {
      return false;
    }
    if (interactions + deadInteractions < sentInteractions) {
      return false;
    }
    for (String item : items) {
      if (!table.containsKey(item) && !deadItems.contains(item)) {
        return false;
      }
    }
    return true;
  }

  /** The newest item that came after the first version; null for none. */
  public synchronized Arrival arrived() {
    return arrived;
  }

  /** One line for a person. */
  public synchronized String line(long itemsSent, long interactionsSent) {
    StringBuilder s = new StringBuilder();
    s.append(String.format("items %,d sent, %,d with token", itemsSent, table.size()));
    s.append(String.format(" | interactions %,d sent, %,d learnt", interactionsSent, interactions));
    s.append(String.format(" | revision %,d | token version %d", revisions, committedVersion()));
    if (begun > committedVersion()) {
      s.append(" (").append(begun).append(" under way)");
    }
    if (newest.events > 0) {
      s.append(
          String.format(
              " | HR@10 %.3f, popularity %.3f",
              newest.hits10 / newest.events, newest.popularityHits10 / newest.events));
    }
    if (held > 0) {
      s.append(String.format(" | held back %d (%s)", held, holds.get(held - 1).reason()));
    }
    if (deadLetters > 0) {
      s.append(String.format(" | dead letters %,d (the last: %s)", deadLetters, lastDead));
    }
    return s.toString();
  }

  /**
   * The summary of what was seen.
   *
   * @param items distinct items sent
   * @param verified whether it was verified; null where it was not asked for
   * @param run what it cost
   */
  public synchronized Summary summary(long items, Boolean verified, Summary.Run run) {
    long[][] use = new long[levels][codebookSize];
    Map<List<Integer>, Integer> tuples = new HashMap<>();
    Map<List<Integer>, Integer> tokens = new HashMap<>();
    for (ItemToken row : table.values()) {
      List<Integer> nearest = List.copyOf(row.getNearest());
      for (int l = 0; l < levels; l++) {
        use[l][nearest.get(l)]++;
      }
      tuples.merge(nearest, 1, Integer::sum);
      tokens.merge(whole(row), 1, Integer::sum);
    }
    List<Summary.Level> perLevel = new ArrayList<>();
    for (long[] counts : use) {
      perLevel.add(level(counts));
    }
    List<Double> churn = new ArrayList<>();
    List<Summary.Version> ranked = new ArrayList<>();
    for (VersionRecord commit : commits.values()) {
      churn.add(
          commit.getOldItems() == 0 ? 0 : (double) commit.getMovedItems() / commit.getOldItems());
    }
    prequential.forEach(
        (version, totals) -> {
          if (totals.events > 0) {
            ranked.add(totals.average(version));
          }
        });
    boolean some = latency.getTotalCount() > 0;
    return new Summary(
        items,
        table.size(),
        interactions,
        deadLetters,
        commits.size(),
        held,
        List.copyOf(holds),
        revisions,
        perLevel,
        unique(tuples),
        unique(tokens),
        verified,
        churn,
        ranked,
        new Summary.Latency(
            latency.getTotalCount(),
            some ? latency.getValueAtPercentile(50) : null,
            some ? latency.getValueAtPercentile(99) : null),
        run);
  }

  private static List<Integer> whole(ItemToken row) {
    List<Integer> token = new ArrayList<>(row.getCodes());
    token.add(row.getSuffix() == null ? 0 : row.getSuffix());
    return token;
  }

  /** Share of the items whose key no other item has. */
  private double unique(Map<List<Integer>, Integer> counts) {
    long alone = counts.values().stream().filter(n -> n == 1).count();
    return table.isEmpty() ? 0 : (double) alone / table.size();
  }

  private static Summary.Level level(long[] counts) {
    long total = 0;
    int used = 0;
    for (long count : counts) {
      total += count;
      used += count > 0 ? 1 : 0;
    }
    double entropy = 0;
    for (long count : counts) {
      if (count > 0) {
        double p = (double) count / total;
        entropy -= p * Math.log(p);
      }
    }
    return new Summary.Level((double) used / counts.length, total == 0 ? 0 : Math.exp(entropy));
  }

  /** Sums of prequential records. */
  private static final class Totals {
    long events;
    double hits10;
    double ndcg10;
    double popularityHits10;
    long newEvents;
    double newHits10;
    double newPopularityHits10;

    void add(Prequential p) {
      events += p.getEvents();
      hits10 += p.getHits10();
      ndcg10 += p.getNdcg10();
      popularityHits10 += p.getPopularityHits10();
      newEvents += p.getNewEvents();
      newHits10 += p.getNewHits10();
      newPopularityHits10 += p.getNewPopularityHits10();
    }

    Summary.Version average(int version) {
      return new Summary.Version(
          version,
          events,
          hits10 / events,
          ndcg10 / events,
          popularityHits10 / events,
          newEvents,
          newEvents == 0 ? null : newHits10 / newEvents,
          newEvents == 0 ? null : newPopularityHits10 / newEvents);
    }
  }
}
