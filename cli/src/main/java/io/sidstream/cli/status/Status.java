package io.sidstream.cli.status;

import io.sidstream.schemas.DeadLetter;
import io.sidstream.schemas.Prequential;
import io.sidstream.schemas.Quality;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * What a job is worth, in numbers; written as one JSON object with these names.
 *
 * @param brokers of the cluster
 * @param version newest committed token version, 0 for none
 * @param committed when it was committed, null for none
 * @param underWay version that has begun and is not committed, null for none
 * @param underWaySince when it began
 * @param items on the items topic
 * @param itemsWithToken with a token
 * @param revision newest revision of the recommender, 0 for none
 * @param revisionTime when it was made
 * @param interactions that the trainer has used
 * @param waitingInteractions whose item has not arrived
 * @param ranked events that were ranked before they were learnt from, since the newest version that
 *     any were ranked under
 * @param hr10 share of them in the first ten, null for none
 * @param popularityHr10 the same of a ranking by popularity
 * @param newHr10 of items with fewer than 5 interactions
 * @param utilisation per level, share of codewords in use by the newest version
 * @param uniqueTuples share of items alone in their tuple before repair
 * @param churn share of old items whose token the newest version changed
 * @param held candidates that the gate held back
 * @param lastHold reason of the newest of them, null for none
 * @param lag records of each input topic that the job has not confirmed; null where unknown
 * @param deadLetters by rule
 * @param lastDeadLetter time, rule and reason of the newest, null for none
 * @param problems what a check found wrong; empty for healthy
 */
public record Status(
    int brokers,
    int version,
    String committed,
    Integer underWay,
    String underWaySince,
    long items,
    long itemsWithToken,
    long revision,
    String revisionTime,
    long interactions,
    long waitingInteractions,
    long ranked,
    Double hr10,
    Double popularityHr10,
    Double newHr10,
    List<Double> utilisation,
    Double uniqueTuples,
    Double churn,
    int held,
    String lastHold,
    Map<String, Long> lag,
    Map<String, Long> deadLetters,
    String lastDeadLetter,
    List<String> problems) {
  /** How long something has gone on, in a problem. */
  private static final Pattern AGE = Pattern.compile("for \\d+ (s|min|d|h \\d+ min)");

  /**
   * When a job counts as ill.
   *
   * @param maxLag records of a topic that may be unconfirmed; null for any number
   * @param maxAge how old the newest version record may be; null for any age
   * @param maxScan how long a version may be under way
   */
  public record Limits(Long maxLag, Duration maxAge, Duration maxScan) {}

  /**
   * Sums up what the topics say.
   *
   * @param state with versions, tokens, items and dead letters
   * @param lag per input topic, null where unknown
   * @param now the time that ages are measured to
   */
  public static Status of(
      TopicState state, int brokers, Map<String, Long> lag, Limits limits, Instant now) {
    VersionRecord commit = state.newest(VersionState.COMMIT);
    VersionRecord begin = state.newest(VersionState.BEGIN);
    VersionRecord revision = state.newest(VersionState.REVISION);
    VersionRecord hold = state.newest(VersionState.HELD);
    int version = commit == null ? 0 : commit.getVersion();
    boolean underWay = begin != null && begin.getVersion() > version;
    Quality quality =
        state.versions(VersionState.BEGIN).stream()
            .filter(v -> v.getVersion() == version)
            .map(VersionRecord::getQuality)
            .filter(Objects::nonNull)
            .reduce((a, b) -> b)
            .orElse(null);
    Ranked ranked = Ranked.newest(state.versions(VersionState.REVISION));
    DeadLetter dead = state.lastDeadLetter();
    Status status =
        new Status(
            brokers,
            version,
            commit == null ? null : commit.getTime().toString(),
            underWay ? begin.getVersion() : null,
            underWay ? begin.getTime().toString() : null,
            state.items().size(),
            state.rows().size(),
            revision == null ? 0 : revision.getRevision(),
            revision == null ? null : revision.getTime().toString(),
            revision == null ? 0 : revision.getInteractions(),
            revision == null ? 0 : revision.getWaitingInteractions(),
            ranked.events,
            ranked.share(ranked.hits),
            ranked.share(ranked.popularity),
            ranked.newEvents == 0 ? null : ranked.newHits / ranked.newEvents,
            quality == null ? List.of() : List.copyOf(quality.getUtilisation()),
            quality == null ? null : quality.getUniqueTuples(),
            commit == null || commit.getOldItems() == 0
                ? null
                : (double) commit.getMovedItems() / commit.getOldItems(),
            state.versions(VersionState.HELD).size(),
            hold == null
                ? null
                : "version %d at revision %d: %s"
                    .formatted(hold.getVersion(), hold.getRevision(), hold.getReason()),
            lag,
            state.deadLetters(),
            dead == null
                ? null
                : "%s %s: %s".formatted(dead.getTime(), dead.getCode(), dead.getReason()),
            new ArrayList<>());
    status.check(state, limits, now);
    return status;
  }

  /** Whether nothing but ages differs. */
  boolean saysTheSameAs(Status other) {
    return withoutAges().equals(other.withoutAges());
  }

  private Status withoutAges() {
    return new Status(
        brokers,
        version,
        committed,
        underWay,
        underWaySince,
        items,
        itemsWithToken,
        revision,
        revisionTime,
        interactions,
        waitingInteractions,
        ranked,
        hr10,
        popularityHr10,
        newHr10,
        utilisation,
        uniqueTuples,
        churn,
        held,
        lastHold,
        lag,
        deadLetters,
        lastDeadLetter,
        problems.stream().map(p -> AGE.matcher(p).replaceAll("for")).toList());
  }

  private void check(TopicState state, Limits limits, Instant now) {
    if (version == 0) {
      problems.add("no token version is committed yet");
    }
    if (underWay != null) {
      Duration since = Duration.between(Instant.parse(underWaySince), now);
      if (since.compareTo(limits.maxScan) > 0) {
        problems.add(
            "version %d is under way for %s, longer than %s"
                .formatted(underWay, text(since), text(limits.maxScan)));
      }
    }
    if (limits.maxAge != null && !state.versions().isEmpty()) {
      Instant newest = state.versions().get(state.versions().size() - 1).getTime();
      Duration age = Duration.between(newest, now);
      if (age.compareTo(limits.maxAge) > 0) {
        problems.add(
            "nothing has happened for %s, longer than %s"
                .formatted(text(age), text(limits.maxAge)));
      }
    }
    if (limits.maxLag != null && lag != null) {
      lag.forEach(
          (topic, records) -> {
            if (records > limits.maxLag) {
              problems.add(
                  String.format(
                      Locale.ROOT,
                      "%s: %,d records are not confirmed, more than %,d",
                      topic,
                      records,
                      limits.maxLag));
            }
          });
    }
  }

  /** A duration for people, in its greatest unit or two. */
  static String text(Duration d) {
    long s = Math.max(0, d.toSeconds());
    if (s < 60) {
      return s + " s";
    }
    if (s < 3600) {
      return s / 60 + " min";
    }
    return s < 86_400 ? s / 3600 + " h " + s % 3600 / 60 + " min" : s / 86_400 + " d";
  }

  /** One screen for a person. */
  public String screen(String bootstrap, Instant now) {
    StringBuilder s = new StringBuilder();
    line(s, "brokers", "%d, at %s", brokers, bootstrap);
    line(
        s,
        "version",
        "%s%s",
        version == 0
            ? "none yet"
            : version + ", committed " + ago(committed, now) + " (" + committed + ")",
        underWay == null
            ? ""
            : "; version " + underWay + " under way, begun " + ago(underWaySince, now));
    line(s, "items", "%,d known, %,d with token", items, itemsWithToken);
    line(
        s,
        "learning",
        revision == 0
            ? "no revision yet"
            : "revision %,d, made %s; %,d interactions used, %,d wait for their item",
        revision,
        revision == 0 ? "" : ago(revisionTime, now),
        interactions,
        waitingInteractions);
    line(
        s,
        "quality",
        ranked == 0
            ? "no event was ranked yet (only those newer than the model are)"
            : "HR@10 %.3f, popularity %.3f%s; %,d events ranked",
        hr10,
        popularityHr10,
        newHr10 == null ? "" : String.format(Locale.ROOT, ", new items %.3f", newHr10),
        ranked);
    if (!utilisation.isEmpty()) {
      line(
          s,
          "codewords",
          "in use %s; alone in their tuple before repair %.1f %%",
          String.join(
              ", ",
              utilisation.stream()
                  .map(u -> String.format(Locale.ROOT, "%.0f %%", 100 * u))
                  .toList()),
          100 * uniqueTuples);
    }
    if (churn != null) {
      line(
          s,
          "churn",
          "%.2f %% of old items changed their token in version %d",
          100 * churn,
          version);
    }
    line(s, "gate", held == 0 ? "held nothing back" : "held back %d; the last: %s", held, lastHold);
    line(s, "lag", lag == null ? "unknown (no offsets of the job's group)" : "%s", lag);
    long dead = deadLetters.values().stream().mapToLong(Long::longValue).sum();
    line(
        s,
        "errors",
        dead == 0 ? "no dead letters" : "%,d dead letters %s; the last: %s",
        dead,
        deadLetters,
        lastDeadLetter);
    line(s, "state", "%s", problems.isEmpty() ? "OK" : "NOT OK: " + String.join("; ", problems));
    return s.toString();
  }

  private static String ago(String time, Instant now) {
    return text(Duration.between(Instant.parse(time), now)) + " ago";
  }

  private static void line(StringBuilder s, String name, String format, Object... values) {
    s.append(String.format(Locale.ROOT, "%-10s ", name));
    s.append(String.format(Locale.ROOT, format, values)).append(System.lineSeparator());
  }

  /** Sums of what was ranked under one version. */
  private static final class Ranked {
    long events;
    double hits;
    double popularity;
    long newEvents;
    double newHits;

    static Ranked newest(List<VersionRecord> revisions) {
      Ranked sums = new Ranked();
      int version = -1;
      for (int i = revisions.size() - 1; i >= 0; i--) {
        VersionRecord v = revisions.get(i);
        Prequential p = v.getPrequential();
        if (p == null || p.getEvents() == 0) {
          continue;
        }
        if (version < 0) {
          version = v.getVersion();
        }
        if (v.getVersion() != version) {
          break;
        }
        sums.events += p.getEvents();
        sums.hits += p.getHits10();
        sums.popularity += p.getPopularityHits10();
        sums.newEvents += p.getNewEvents();
        sums.newHits += p.getNewHits10();
      }
      return sums;
    }

    Double share(double sum) {
      return events == 0 ? null : sum / events;
    }
  }
}
