package io.sidstream.cli.report;

import io.sidstream.cli.tokens.TokenTopics;
import io.sidstream.schemas.DeadLetter;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.Prequential;
import io.sidstream.schemas.Quality;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** The topics of a job that has run for a while, written without one: two versions, 40 rounds. */
public final class Catalogue {
  /** Items with a token. */
  public static final int ITEMS = 400;

  /** What an item of a catalogue may be called. */
  public static final String NASTY = "</script><b>{{program}}</b> & \"größe\" \u2028";

  private final WireFormat wire = new WireFormat();
  private final TokenTopics topics;
  private final Random random = new Random(7);

  private Catalogue(TokenTopics topics) {
    this.topics = topics;
  }

  /** Writes them. */
  public static void write(String bootstrap, String prefix) throws Exception {
    try (TokenTopics topics = new TokenTopics(bootstrap, prefix)) {
      new Catalogue(topics).write();
    }
  }

  private void write() throws Exception {
    String[] things = {"kettle", "lantern", "notebook", "lamp", "chair", "bowl", "rug", "clock"};
    String[] stuffs = {"oak", "steel", "linen", "cork", "glass"};
    topics.codebooks(1);
    begin(1);
    int[][] codes = new int[ITEMS][];
    for (int i = 0; i < ITEMS; i++) {
      codes[i] =
          new int[] {
            Math.min(15, (int) Math.abs(random.nextGaussian() * 6)), random.nextInt(14), i % 16
          };
      String title =
          i == 3 ? NASTY : "A %s %s no. %d".formatted(stuffs[i % 5], things[codes[i][0] % 8], i);
      item("item-%03d".formatted(i), title);
      topics.token("item-%03d".formatted(i), 1, i % 97 == 0 ? 1 : 0, codes[i]);
    }
    topics.commit(1);
    for (int r = 1; r <= 40; r++) {
      revision(r, r < 25 ? 1 : 2);
      if (r == 12) {
        held(2, r);
      }
      if (r == 25) {
        topics.codebooks(2);
        begin(2);
        for (int i = 0; i < ITEMS; i += 20) {
          topics.token(
              "item-%03d".formatted(i), 2, 0, codes[i][0], (codes[i][1] + 1) % 16, codes[i][2]);
        }
        topics.commit(2);
      }
    }
    dead();
    topics.flush();
  }

  private void item(String id, String title) {
    ItemEvent event = new ItemEvent();
    event.setItem(id);
    event.setTitle(title);
    event.setAttributes(Map.of());
    event.setTime(Instant.EPOCH);
    topics.send("items", id, wire.encode(event));
  }

  private Quality quality(double churn) {
    Quality q = new Quality();
    q.setUtilisation(List.of(1.0, .9, 1.0));
    q.setPerplexity(List.of(12.0, 11.0, 14.0));
    q.setUniqueTuples(.925);
    q.setReconstruction(.2);
    q.setExpectedChurn(churn);
    q.setTolerance(List.of(0.0, 0.0, 0.0));
    q.setReseeded(List.of(0L, 0L, 0L));
    q.setReseededItems(List.of(0L, 0L, 0L));
    return q;
  }

  private VersionRecord.Builder record(int version, VersionState state, long revision) {
    return VersionRecord.newBuilder()
        .setVersion(version)
        .setState(state)
        .setRevision(revision)
        .setItems(ITEMS)
        .setTime(Instant.ofEpochMilli(1_000_000L * version + revision));
  }

  private void send(VersionRecord.Builder record) {
    topics.send("versions", "0", wire.encode(record.build()));
  }

  private void begin(int version) {
    send(record(version, VersionState.BEGIN, version).setQuality(quality(.04)));
  }

  private void held(int version, int revision) {
    send(
        record(version, VersionState.HELD, revision)
            .setReason("expected churn 0.12 is above quantizer.churn-budget 0.05")
            .setQuality(quality(.12)));
  }

  private void revision(int revision, int version) {
    Prequential p = new Prequential();
    p.setEvents(revision < 3 ? 0L : 1000L);
    p.setHits10(1000 * (.35 + .007 * revision));
    p.setNdcg10(200);
    p.setPopularityHits10(300);
    p.setNewEvents(revision < 3 ? 0L : 100L);
    p.setNewHits10(30 + .4 * revision);
    p.setNewPopularityHits10(1);
    send(
        record(version, VersionState.REVISION, revision)
            .setInteractions(1000L * revision)
            .setWaitingInteractions(7)
            .setLoss(2.0 / revision)
            .setSteps(60)
            .setPrequential(p));
  }

  private void dead() {
    DeadLetter letter = new DeadLetter();
    letter.setTopic("items");
    letter.setPartition(0);
    letter.setOffset(3L);
    letter.setTimestamp(Instant.EPOCH);
    letter.setCode("NO_CONTENT");
    letter.setReason("vector, text and title are null or blank; expected: one of them");
    letter.setValueLength(-1L);
    letter.setTime(Instant.EPOCH);
    topics.send("dead-letters", "x", wire.encode(letter));
  }
}
