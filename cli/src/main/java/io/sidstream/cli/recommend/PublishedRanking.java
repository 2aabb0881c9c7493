package io.sidstream.cli.recommend;

import io.sidstream.cli.tokens.TokenLog;
import io.sidstream.model.serve.ServedModel;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * The model and the items of the newest committed token version, read from the topics of versions,
 * tokens, models and ID embeddings, and nothing else.
 *
 * <p>The topics are written by different transactions, which become visible one by one. What is
 * read is of one moment of the job if no version is under way (none has begun after the last
 * commit, and no row is of a later one), and the recommenders are of the revision that the newest
 * REVISION record says, and no ID embedding is newer. Otherwise the topics are read again.
 */
public final class PublishedRanking {
  private static final String[] TOPICS = {"versions", "tokens", "models", "id-embeddings"};
  private static final Duration AGAIN = Duration.ofMillis(500);

  private final int version;
  private final long revision;
  private final List<String> names;
  private final Map<String, Integer> index;
  private final ServedModel model;

  PublishedRanking(int version, long revision, List<String> names, ServedModel model) {
    this.version = version;
    this.revision = revision;
    this.names = names;
    this.model = model;
    index = new HashMap<>();
    for (int i = 0; i < names.size(); i++) {
      index.put(names.get(i), i);
    }
  }

  /**
   * Reads the topics.
   *
   * @param prefix what the topics' names begin with
   * @param properties of the Kafka client
   * @param patience how long the topics are read again where they are not of one moment
   * @throws IllegalStateException where they are not by then, no version is committed, or a topic
   *     is missing
   */
  public static PublishedRanking read(
      String bootstrap, String prefix, Properties properties, Duration patience) {
    long until = System.nanoTime() + patience.toNanos();
    while (true) {
      PublishedTopics topics = new PublishedTopics(prefix);
      TokenLog.read(bootstrap, prefix, properties, Set.of(TOPICS), TOPICS, topics::take);
      String disagreement = topics.disagreement();
      if (disagreement == null) {
        return topics.ranking();
      }
      if (System.nanoTime() > until) {
        throw new IllegalStateException(
            "the topics %s* on %s are not of one moment after %d s: %s; try again, or wait longer (--wait)"
                .formatted(prefix, bootstrap, patience.toSeconds(), disagreement));
      }
      LockSupport.parkNanos(AGAIN.toNanos());
    }
  }

  /** Token version. */
  public int version() {
    return version;
  }

  /** Recommender revision. */
  public long revision() {
    return revision;
  }

  /** The items, by index of {@link #model()}: those with a token, in the order of their names. */
  public List<String> names() {
    return names;
  }

  /** Index of an item; -1 where it has no token. */
  public int index(String item) {
    return index.getOrDefault(item, -1);
  }

  /** The model. */
  public ServedModel model() {
    return model;
  }
}
