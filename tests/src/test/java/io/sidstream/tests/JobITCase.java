package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.run.JobRun;
import io.sidstream.cli.tokens.TokenAudit;
import io.sidstream.cli.tokens.Verification;
import io.sidstream.job.SidstreamJob;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Topics;
import io.sidstream.schemas.DeadLetter;
import io.sidstream.schemas.InteractionEvent;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.WireFormat;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole job against a real broker: what goes in, what comes out, what a stranger can check. */
class JobITCase {
  private static final Duration LONG = Duration.ofSeconds(90);
  private static final Duration VISIBLE = Duration.ofSeconds(30);
  private static final Duration CHECKPOINT = Duration.ofMillis(500);

  @TempDir Path folder;

  @Test
  void tokensAreUniqueAndEveryCommitAddsUp() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "whole");
    Topics.create(config);
    try (Inputs in = new Inputs(config);
        TokenLog out = TinyJob.log(config, true);
        JobRun run = JobRun.start(config, folder, 18_281, SidstreamJob::build)) {
      in.items(0, 60);
      in.interactions(0, 300, 60);
      out.await("the first version", LONG, () -> out.committed() >= 1 && out.interactions() == 300);
      in.items(60, 80);
      int before = out.committed();
      int[] sent = {300};
      out.await(
          "two more versions",
          LONG,
          () -> {
            boolean consumed = out.interactions() == sent[0];
            if (out.committed() >= before + 2) {
              return consumed && out.begun() == out.committed() && out.items().size() == 80;
            }
            if (consumed) {
              in.interactions(sent[0], sent[0] += 100, 80);
            }
            return false;
          });
      out.awaitVerified();
      assertThat(out.versions.stream().mapToLong(v -> v.getMovedItems()).sum())
          .as("tokens moved, so that the check had something to check")
          .isPositive();
      assertThat(out.deadLetters).isEmpty();
      assertThat(run.restartedAfter()).isEmpty();
    }
  }

  @Test
  void anItemIsVisibleAfterACheckpointAndGoneAfterItsDeletion() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "live");
    Topics.create(config);
    try (Inputs in = new Inputs(config);
        TokenLog out = TinyJob.log(config, true);
        JobRun run = JobRun.start(config, folder, 18_281, SidstreamJob::build)) {
      in.items(0, 50);
      out.await("the first version", LONG, () -> out.committed() == 1 && out.items().size() == 50);
      List<Long> took = new ArrayList<>();
      for (int n = 0; n < 5; n++) {
        String item = "new" + n;
        long sent = System.nanoTime();
        in.put(item, Inputs.vector(item));
        in.flush();
        out.await("a token of " + item, VISIBLE, () -> out.token(item) != null);
        took.add(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - sent));
      }
      System.out.printf(
          "item event to visible token, checkpoint interval %d ms: %s ms%n",
          CHECKPOINT.toMillis(), took);

      in.delete("new0");
      in.flush();
      out.await("no token of new0", VISIBLE, () -> out.token("new0") == null);
      List<TokenLog.Row> rows = out.rows.get("new0");
      TokenLog.Row gone = rows.get(rows.size() - 1);
      assertThat(gone.version()).isEqualTo(1);
      assertThat(gone.commit()).isEqualTo(2);
      assertThat(gone.previous()).as("it was not in the table of version 1").isNull();

      in.delete(Inputs.name(3));
      in.flush();
      out.await("no token of an old item", VISIBLE, () -> out.token(Inputs.name(3)) == null);
      TokenLog.Row first = out.rows.get(Inputs.name(3)).get(0);
      TokenLog.Row removal = out.rows.get(Inputs.name(3)).get(1);
      assertThat(removal.previous().getCodes()).isEqualTo(first.token().getCodes());

      in.put("new0", Inputs.vector("again"));
      in.put(Inputs.name(3), Inputs.vector(Inputs.name(3)));
      // Never there: nothing to remove.
      in.delete("never");
      in.flush();
      out.await(
          "tokens of re-created items",
          VISIBLE,
          () -> out.token("new0") != null && out.token(Inputs.name(3)) != null);

      int[] sent = {200};
      in.interactions(0, 200, 50);
      out.await(
          "the next version",
          LONG,
          () -> {
            boolean consumed = out.interactions() == sent[0];
            if (out.committed() >= 2) {
              return consumed && out.begun() == out.committed();
            }
            if (consumed) {
              in.interactions(sent[0], sent[0] += 100, 50);
            }
            return false;
          });
      out.awaitVerified();
      assertThat(out.items()).hasSize(55).doesNotContain("never");
      assertThat(run.restartedAfter()).isEmpty();
    }
  }

  @Test
  void anIdleItemIsEvictedAndATouchedOneKeepsItsToken() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "evict", "items.retention=8 s");
    Topics.create(config);
    try (Inputs in = new Inputs(config);
        TokenLog out = TinyJob.log(config, true);
        JobRun run = JobRun.start(config, folder, 18_281, SidstreamJob::build)) {
      Touches touches = new Touches(in);
      in.items(0, 50);
      out.await(
          "the first version",
          LONG,
          () -> {
            touches.of(50);
            return out.committed() >= 1 && out.items().size() == 50;
          });
      Set<String> touched = new TreeSet<>();
      for (int i = 0; i < 20; i++) {
        touched.add(Inputs.name(i));
      }
      out.await(
          "tombstones of the idle items, and tokens of the touched ones",
          LONG,
          () -> {
            touches.of(20);
            return out.items().equals(touched);
          });
      for (String item : touched) {
        assertThat(out.rows.get(item)).as("rows of " + item).noneMatch(row -> row.token() == null);
      }

      String back = Inputs.name(30);
      in.put(back, Inputs.vector(back));
      in.flush();
      out.await(
          "a token of an item that came back",
          VISIBLE,
          () -> {
            // It too, or it is gone again before a slow machine shows it.
            touches.of(31);
            return out.token(back) != null;
          });
      TokenAudit.Report report =
          Verification.run(
              Broker.bootstrap(),
              config.get(JobOptions.TOPICS_PREFIX),
              new Properties(),
              false,
              true,
              VISIBLE);
      assertThat(report.problems()).isEmpty();
      assertThat(report.removed()).as("evicted, for verify").isGreaterThanOrEqualTo(29);
      out.awaitVerified();
      assertThat(out.deadLetters).isEmpty();
      assertThat(run.restartedAfter()).isEmpty();
    }
  }

  @Test
  void retentionIsSwitchedOnAndOffOnTheStateOfTheJob() throws Exception {
    JobConfig never = TinyJob.config(Broker.bootstrap(), "switch");
    JobConfig evicting = TinyJob.config(Broker.bootstrap(), "switch", "items.retention=8 s");
    Topics.create(never);
    try (Inputs in = new Inputs(never);
        TokenLog out = TinyJob.log(never, true)) {
      try (JobRun run = JobRun.start(never, folder, 18_281, SidstreamJob::build)) {
        in.items(0, 50);
        out.await("the first version", LONG, () -> out.items().size() == 50);
        assertThat(run.restartedAfter()).isEmpty();
      }
      try (JobRun run = JobRun.start(evicting, folder, 18_281, SidstreamJob::build)) {
        assertThat(run.restoredFrom()).isPresent();
        Touches touches = new Touches(in);
        out.await(
            "tombstones of what came before there was a retention",
            LONG,
            () -> {
              touches.of(20);
              return out.items().size() == 20;
            });
        assertThat(run.restartedAfter()).isEmpty();
      }
      try (JobRun run = JobRun.start(never, folder, 18_281, SidstreamJob::build)) {
        assertThat(run.restoredFrom()).isPresent();
        in.put("new", Inputs.vector("new"));
        in.flush();
        out.await("a token", LONG, () -> out.token("new") != null);
        assertThat(out.items()).hasSize(21).contains(Inputs.name(0), Inputs.name(19));
        out.awaitVerified();
        assertThat(run.restartedAfter()).isEmpty();
      }
    }
  }

  /** Interactions that keep the first items alive. */
  private static final class Touches {
    private final Inputs in;
    private long next = System.nanoTime();
    private int sent;

    Touches(Inputs in) {
      this.in = in;
    }

    /** One with each of the first items, at most twice a second. */
    void of(int items) {
      if (System.nanoTime() - next < 0) {
        return;
      }
      next = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(500);
      for (int i = 0; i < items; i++, sent++) {
        in.interact("touch" + sent, "u" + sent % 40, Inputs.name(i), Inputs.DAY.plusSeconds(sent));
      }
      in.flush();
    }
  }

  @Test
  void rubbishGoesToTheDeadLettersAndTheJobGoesOn() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "rubbish");
    Topics.create(config);
    String versions = Topics.versions(config);
    String control = Topics.control(config);
    String models = Topics.models(config);
    WireFormat wire = new WireFormat();
    SplittableRandom random = new SplittableRandom(11);
    byte[] noise = new byte[200];
    random.nextBytes(noise);
    byte[] good = wire.encode(Inputs.item("bad", Inputs.vector("bad")));
    byte[] interaction = wire.encode(Inputs.interaction("x1", "bad", Inputs.name(0), Inputs.DAY));
    byte[] unknown = good.clone();
    unknown[5] ^= 1;
    float[] nan = Inputs.vector("bad");
    nan[3] = Float.NaN;
    Instant far = Instant.parse("3000-01-01T00:00:00Z");
    ItemEvent future = Inputs.item("bad", Inputs.vector("bad"));
    future.setTime(far);
    ItemEvent huge = Inputs.item("bad", Inputs.vector("bad"));
    huge.setVector(null);
    huge.setText("long ".repeat(2 * 1024 * 1024));
    InteractionEvent negative = Inputs.interaction("x2", "bad", Inputs.name(0), Inputs.DAY);
    negative.setWeight(-1f);
    InteractionEvent weightless = Inputs.interaction("x3", "bad", Inputs.name(0), Inputs.DAY);
    weightless.setWeight(Float.NaN);

    record Bad(String topic, byte[] key, byte[] value, String code) {}
    byte[] bad = Inputs.bytes("bad");
    try (Inputs in = new Inputs(config);
        TokenLog out = TinyJob.log(config, true);
        JobRun run = JobRun.start(config, folder, 18_281, SidstreamJob::build)) {
      String items = in.items;
      String events = in.interactions;
      List<Bad> all =
          List.of(
              new Bad(items, bad, noise, "UNDECODABLE"),
              new Bad(items, bad, new byte[0], "UNDECODABLE"),
              new Bad(items, bad, Arrays.copyOf(good, good.length - 3), "UNDECODABLE"),
              new Bad(items, bad, interaction, "WRONG_SCHEMA"),
              new Bad(items, bad, unknown, "UNKNOWN_SCHEMA"),
              new Bad(items, bad, wire.encode(Inputs.item("bad", nan)), "VECTOR_NOT_FINITE"),
              new Bad(
                  items,
                  bad,
                  wire.encode(Inputs.item("bad", new float[TinyJob.DIM + 1])),
                  "VECTOR_WRONG_DIMENSION"),
              new Bad(
                  items,
                  bad,
                  wire.encode(Inputs.item("bad", new float[TinyJob.DIM])),
                  "VECTOR_ZERO"),
              new Bad(
                  items,
                  new byte[0],
                  wire.encode(Inputs.item("", Inputs.vector("bad"))),
                  "ID_EMPTY"),
              new Bad(items, new byte[0], null, "ID_EMPTY"),
              new Bad(items, Inputs.bytes("other"), good, "KEY_MISMATCH"),
              // A broker takes no record without a key into a compacted topic.
              new Bad(items, new byte[] {(byte) 0xff}, null, "KEY_NOT_UTF8"),
              new Bad(items, bad, wire.encode(future), "TIME_IN_FUTURE"),
              new Bad(items, bad, wire.encode(huge), "TEXT_TOO_LONG"),
              new Bad(events, bad, noise, "UNDECODABLE"),
              new Bad(events, bad, new byte[0], "UNDECODABLE"),
              new Bad(events, bad, good, "WRONG_SCHEMA"),
              new Bad(events, bad, null, "NULL_VALUE"),
              new Bad(events, null, interaction, "KEY_MISSING"),
              new Bad(events, Inputs.bytes("other"), interaction, "KEY_MISMATCH"),
              new Bad(events, bad, wire.encode(negative), "WEIGHT_INVALID"),
              new Bad(events, bad, wire.encode(weightless), "WEIGHT_INVALID"),
              new Bad(
                  events,
                  bad,
                  wire.encode(Inputs.interaction("x4", "bad", Inputs.name(0), far)),
                  "TIME_IN_FUTURE"),
              new Bad(
                  events,
                  bad,
                  wire.encode(Inputs.interaction("", "bad", Inputs.name(0), Inputs.DAY)),
                  "EVENT_ID_EMPTY"),
              new Bad(
                  events,
                  bad,
                  wire.encode(Inputs.interaction("x5", "bad", "", Inputs.DAY)),
                  "ID_EMPTY"),
              new Bad(versions, Inputs.bytes("1"), noise, "UNDECODABLE"),
              new Bad(versions, Inputs.bytes("1"), new byte[0], "UNDECODABLE"),
              new Bad(versions, Inputs.bytes("1"), null, "NULL_VALUE"),
              new Bad(versions, Inputs.bytes("1"), good, "WRONG_SCHEMA"),
              new Bad(versions, Inputs.bytes("COMMIT/1"), unknown, "UNKNOWN_SCHEMA"),
              new Bad(control, null, noise, "UNDECODABLE"),
              new Bad(control, bad, null, "NULL_VALUE"),
              new Bad(control, bad, good, "WRONG_SCHEMA"),
              new Bad(control, bad, unknown, "UNKNOWN_SCHEMA"),
              // The learner's part is for the job, other parts are not read by it.
              new Bad(models, Inputs.bytes("0/LEARNER/0"), noise, "UNDECODABLE"),
              new Bad(models, Inputs.bytes("0/LEARNER/7"), good, "WRONG_SCHEMA"),
              new Bad(models, Inputs.bytes("1/LEARNER/0"), unknown, "UNKNOWN_SCHEMA"));
      in.items(0, 30);
      Map<String, Bad> sent = new HashMap<>();
      for (Bad record : all) {
        RecordMetadata at = in.sendNow(record.topic, record.key, record.value);
        sent.put(at.topic() + "-" + at.partition() + "@" + at.offset(), record);
      }
      in.items(30, 60);
      in.interactions(0, 100, 60);
      out.await(
          "good records go through, bad ones to the dead letters",
          LONG,
          () ->
              out.committed() >= 1
                  && out.items().size() == 60
                  && out.interactions() == 100
                  && out.deadLetters.size() >= all.size());
      in.put("late", Inputs.vector("late"));
      in.flush();
      out.await("a later item has a token", VISIBLE, () -> out.token("late") != null);
      assertThat(run.failure()).isEmpty();
      assertThat(run.restartedAfter()).isEmpty();
      assertThat(out.deadLetters).as("each once").hasSize(all.size());
      assertThat(out.items()).doesNotContain("bad", "other", "");
      for (DeadLetter letter : out.deadLetters) {
        String at = letter.getTopic() + "-" + letter.getPartition() + "@" + letter.getOffset();
        Bad record = sent.remove(at);
        assertThat(record).as("a record at %s", at).isNotNull();
        assertThat(letter.getCode()).as(at + ": " + letter.getReason()).isEqualTo(record.code);
        assertThat(letter.getReason()).isNotBlank();
        assertThat(array(letter.getKey())).isEqualTo(record.key);
        assertThat(letter.getValueLength())
            .isEqualTo(record.value == null ? -1 : record.value.length);
        byte[] kept = array(letter.getValue());
        assertThat(kept)
            .as("the bytes of %s", at)
            .isEqualTo(record.value == null ? null : Arrays.copyOf(record.value, kept.length));
        if (record.value != null && record.value.length < 800_000) {
          assertThat(kept).hasSize(record.value.length);
        }
      }
      assertThat(sent).as("records without a dead letter").isEmpty();
    }
  }

  @Test
  void duplicatesCountOnceAndEarlyInteractionsWaitForTheirItem() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "order");
    Topics.create(config);
    try (Inputs in = new Inputs(config);
        TokenLog out = TinyJob.log(config, true);
        JobRun run = JobRun.start(config, folder, 18_281, SidstreamJob::build)) {
      in.items(0, 50);
      // Or the only revision, that of the first model, might count interactions before their items.
      out.await("the items", LONG, () -> out.items().size() == 50);
      in.interactions(0, 200, 50);
      // Again, and once more in another order of time: 40 late events, 200 duplicates.
      in.interactions(0, 200, 50);
      for (int u = 0; u < 40; u++) {
        in.interact("late" + u, "u" + u, Inputs.name(u), Inputs.DAY.minusSeconds(60));
      }
      // Each user's newest event names an item that is not there yet.
      for (int u = 0; u < 40; u++) {
        in.interact("early" + u, "u" + u, "coming", Inputs.DAY.plusSeconds(5000));
      }
      // What waits for its item is not learnt, and not counted yet.
      out.await("all with an item", LONG, () -> out.interactions() == 240);
      // A round more, which says how many wait.
      in.interactions(600, 620, 50);
      out.await("a round more", LONG, () -> out.interactions() == 260);
      assertThat(out.revision().getWaitingInteractions()).isEqualTo(40);
      assertThat(out.idEmbeddings).doesNotContainKey("coming");

      in.put("coming", Inputs.vector("coming"));
      in.flush();
      out.await("its token", VISIBLE, () -> out.token("coming") != null);
      // Enough for rounds, in which the users' windows are learnt from.
      in.interactions(200, 600, 50);
      out.await(
          "the interactions that waited are used",
          LONG,
          () ->
              out.interactions() == 700
                  && out.revision().getWaitingInteractions() == 0
                  && out.idEmbeddings.containsKey("coming"));
      assertThat(out.deadLetters).isEmpty();
      assertThat(run.restartedAfter()).isEmpty();
    }
  }

  private static byte[] array(ByteBuffer buffer) {
    if (buffer == null) {
      return null;
    }
    byte[] bytes = new byte[buffer.remaining()];
    buffer.duplicate().get(bytes);
    return bytes;
  }
}
