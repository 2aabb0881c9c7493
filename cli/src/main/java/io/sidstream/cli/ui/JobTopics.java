package io.sidstream.cli.ui;

import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.cli.report.ReportCommand;
import io.sidstream.cli.report.ReportData;
import io.sidstream.cli.report.ReportData.Row;
import io.sidstream.cli.status.TopicState;
import io.sidstream.cli.tokens.TopicFollower;
import io.sidstream.cli.ui.LiveView.Prefix;
import io.sidstream.client.TokenTable;
import io.sidstream.client.TokenTableException;
import io.sidstream.client.TokenView;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelParts;
import io.sidstream.schemas.ModelPieces;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * What the page knows of a job: the token table by the client, the rest of the topics followed from
 * their beginning. Reading begins with the first question, so that a page that nobody opens costs
 * nothing. Any thread.
 */
final class JobTopics implements AutoCloseable {
  private static final int NEIGHBOURS = 8;

  private final KafkaOptions kafka;
  private final WireFormat wire = new WireFormat();

  // Guarded by this.
  private TopicFollower follower;
  private TokenTable table;

  // Guarded by the state.
  private final TopicState state = new TopicState();
  private final ModelPieces encoders = new ModelPieces();
  private long records;
  private long rowRecords;

  /** Nothing read yet. */
  JobTopics(KafkaOptions kafka) {
    this.kafka = kafka;
  }

  /** Begins to read, unless it has. */
  synchronized void begin() {
    if (follower == null) {
      table =
          TokenTable.builder(kafka.bootstrap())
              .prefix(kafka.prefix())
              .properties(kafka.properties())
              .embeddings(false)
              .open();
      follower =
          new TopicFollower(
              kafka.bootstrap(),
              kafka.prefix(),
              kafka.properties(),
              ReportCommand.TOPICS,
              this::take);
    }
  }

  private void take(ConsumerRecord<byte[], byte[]> record) {
    String topic = record.topic().substring(kafka.prefix().length());
    synchronized (state) {
      state.take(record, topic);
      records++;
      // Revisions and dead letters change no row.
      rowRecords += topic.equals("dead-letters") || topic.equals("versions") ? 0 : 1;
      if (topic.equals("models")) {
        encoder(record);
      }
    }
  }

  private void encoder(ConsumerRecord<byte[], byte[]> record) {
    try {
      ModelParts.Key key = ModelParts.Key.of(new String(record.key(), StandardCharsets.UTF_8));
      if (key.kind() != ModelPartKind.ENCODER) {
        return;
      }
      if (record.value() == null) {
        encoders.remove(key);
      } else {
        encoders.put(wire.decode(record.value(), ModelPart.class));
      }
    } catch (RuntimeException e) {
      // What is no part of a model is counted by the state; without its encoder a version says so
      // when it is asked for a token.
      return;
    }
  }

  /** What keeps it from reading, or the table from agreeing; empty for nothing. */
  synchronized String problem() {
    if (!follower.problem().isEmpty()) {
      return follower.problem();
    }
    TokenTableException failure = table.failure();
    return failure == null ? "" : failure.getMessage();
  }

  /** The table as it is now. */
  synchronized TokenView view() {
    return table.view();
  }

  /** Whether all that was there at the start has been read. */
  synchronized boolean caughtUp() {
    return follower.caughtUp();
  }

  /**
   * The table, with a version in it.
   *
   * @throws RefusedException where there is none yet
   */
  TokenView committed() {
    TokenView view = view();
    if (view.version() == 0) {
      String problem = problem();
      throw new RefusedException(
          RefusedException.NOT_YET,
          "no complete token version of %s* on %s has been read yet%s: wait for the first ('sidstream status')"
              .formatted(
                  kafka.prefix(), kafka.bootstrap(), problem.isEmpty() ? "" : "; " + problem));
    }
    return view;
  }

  /**
   * The encoder of a version.
   *
   * @throws RefusedException where it is not complete
   */
  byte[] encoder(int version) {
    synchronized (state) {
      return encoders
          .whole(version, ModelPartKind.ENCODER)
          .map(ModelPieces.Whole::bytes)
          .orElseThrow(
              () ->
                  new RefusedException(
                      RefusedException.NOT_YET,
                      "the encoder of token version %d is not on topic %smodels: no text can be given a token until it is; ask again"
                          .formatted(version, kafka.prefix())));
    }
  }

  /** Where it reads. */
  KafkaOptions kafka() {
    return kafka;
  }

  /** An answer from the state, which nothing changes meanwhile. */
  <T> T of(Function<TopicState, T> question) {
    synchronized (state) {
      return question.apply(state);
    }
  }

  /**
   * How far it has read.
   *
   * @param all changes with every record
   * @param rows changes with those that may change an item
   */
  record Stamp(long all, long rows) {}

  /** How far it has read; for {@link #of}. */
  Stamp stamp() {
    synchronized (state) {
      // What has moved is by the newest version, so that a commit changes rows, too.
      long rows = 31 * rowRecords + state.versions(VersionState.COMMIT).size() + 1;
      return new Stamp(31 * records + rows, rows);
    }
  }

  /** An item; null for null and for one without a token. */
  Row row(String item) {
    return of(s -> item == null ? null : ReportData.row(item, s));
  }

  /** The first of some items that have a token. */
  List<Row> rows(List<String> items) {
    return of(
        s ->
            items.stream()
                .map(item -> ReportData.row(item, s))
                .filter(Objects::nonNull)
                .limit(NEIGHBOURS)
                .toList());
  }

  /**
   * What shares the prefixes of a token, longest first.
   *
   * @param but an item that is left out; null for none
   */
  List<Prefix> prefixes(TokenTree tree, int[] codes, String but) {
    List<Prefix> all = new ArrayList<>();
    for (int length = codes.length - 1; length >= 1; length--) {
      int[] prefix = Arrays.copyOf(codes, length);
      List<String> near =
          tree.levels() < length
              ? List.of()
              : tree.items(prefix).stream().filter(other -> !other.equals(but)).toList();
      all.add(new Prefix(prefix, near.size(), rows(near)));
    }
    return all;
  }

  @Override
  public synchronized void close() {
    if (follower != null) {
      follower.close();
      table.close();
    }
  }
}
