package io.sidstream.job.ingest;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.config.TextLibraries;
import io.sidstream.job.record.Interaction;
import io.sidstream.job.record.Item;
import io.sidstream.job.record.RawRecord;
import io.sidstream.job.record.Rule;
import io.sidstream.schemas.InteractionEvent;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.Vectors;
import io.sidstream.schemas.WireFormat;
import io.sidstream.schemas.WireFormatException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import org.apache.avro.specific.SpecificRecord;

/** The rules of ingest. For one thread. */
final class Validation {
  /** Characters of a value that a reason quotes. */
  private static final int QUOTED = 60;

  private final WireFormat wire = new WireFormat();
  private final int dim;
  private final int textDim;
  private final int maxTextBytes;
  private final int maxIdBytes;
  private final double maxNorm;
  private final long maxFuture;
  private final long minTime;

  /** Why no text can be embedded; null where texts can. */
  private final String withoutTexts;

  private boolean ahead;

  Validation(JobConfig config) {
    dim = config.get(JobOptions.CONTENT_DIM);
    textDim = config.textDim();
    maxTextBytes = config.get(JobOptions.INGEST_MAX_TEXT_BYTES);
    maxIdBytes = config.get(JobOptions.INGEST_MAX_ID_BYTES);
    maxNorm = config.get(JobOptions.INGEST_MAX_VECTOR_NORM);
    maxFuture = config.get(JobOptions.INGEST_MAX_FUTURE).toMillis();
    minTime = config.minTime();
    withoutTexts = TextLibraries.missing().orElse(null);
  }

  /** The item of a record; a null value is its deletion. */
  Item item(RawRecord raw, long now) throws Rejection {
    if (raw.key == null) {
      throw new Rejection(Rule.KEY_MISSING, "key is null; expected: the item");
    }
    if (raw.value == null) {
      Item item = new Item();
      item.item = id("key", text(raw.key));
      item.deleted = true;
      item.time = arrived(raw.timestamp, now);
      return item;
    }
    ItemEvent event = decode(raw.value, ItemEvent.class);
    Item item = new Item();
    item.item = id("item", event.getItem());
    key(raw.key, "item", item.item);
    item.time = time(event.getTime(), now);
    text("text", event.getText());
    float[] vector = Vectors.toArray(event.getVector());
    if (vector != null) {
      vector(vector);
      item.vector = vector;
      return item;
    }
    item.text = content(event);
    if (withoutTexts != null) {
      throw new Rejection(Rule.TEXT_NOT_EMBEDDABLE, "vector is null, and " + withoutTexts);
    }
    if (dim != textDim) {
      throw new Rejection(
          Rule.TEXT_NOT_EMBEDDABLE,
          "vector is null and content.dim is "
              + dim
              + "; expected: a vector, as the text model makes vectors of "
              + textDim);
    }
    return item;
  }

  /** The interaction of a record. */
  Interaction interaction(RawRecord raw, long now) throws Rejection {
    if (raw.key == null) {
      throw new Rejection(Rule.KEY_MISSING, "key is null; expected: the user");
    }
    if (raw.value == null) {
      throw new Rejection(
          Rule.NULL_VALUE, "value is null; expected: an InteractionEvent, which cannot be deleted");
    }
    InteractionEvent event = decode(raw.value, InteractionEvent.class);
    Interaction interaction = new Interaction();
    interaction.user = id("user", event.getUser());
    key(raw.key, "user", interaction.user);
    interaction.item = id("item", event.getItem());
    if (event.getEventId().isEmpty()) {
      throw new Rejection(Rule.EVENT_ID_EMPTY, "eventId is ''; expected: a unique identifier");
    }
    interaction.eventId = id("eventId", event.getEventId());
    interaction.weight = event.getWeight();
    if (!Float.isFinite(interaction.weight) || interaction.weight < 0) {
      throw new Rejection(
          Rule.WEIGHT_INVALID,
          "weight is " + interaction.weight + "; expected: a finite number, not negative");
    }
    interaction.time = time(event.getTime(), now);
    return interaction;
  }

  private <T extends SpecificRecord> T decode(byte[] value, Class<T> type) throws Rejection {
    try {
      return wire.decode(value, type);
    } catch (WireFormatException e) {
      throw new Rejection(Rule.of(e.problem()), e.getMessage());
    }
  }

  private static String text(byte[] key) throws Rejection {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(key)).toString();
    } catch (CharacterCodingException e) {
      throw new Rejection(
          Rule.KEY_NOT_UTF8, "key has bytes that are not UTF-8; expected: the item in UTF-8");
    }
  }

  private String id(String field, String id) throws Rejection {
    if (id.isEmpty()) {
      throw new Rejection(Rule.ID_EMPTY, field + " is ''; expected: an identifier");
    }
    if (longer(id, maxIdBytes)) {
      throw new Rejection(
          Rule.ID_TOO_LONG,
          field + " is " + quote(id) + "; expected: at most " + maxIdBytes + " bytes of UTF-8");
    }
    return id;
  }

  private static void key(byte[] key, String field, String id) throws Rejection {
    if (!Arrays.equals(key, id.getBytes(StandardCharsets.UTF_8))) {
      throw new Rejection(
          Rule.KEY_MISMATCH,
          "key is "
              + quote(new String(key, StandardCharsets.UTF_8))
              + "; expected: the "
              + field
              + ", "
              + quote(id));
    }
  }

  private long time(Instant time, long now) throws Rejection {
    long millis = time.toEpochMilli();
    if (millis < minTime) {
      throw new Rejection(
          Rule.TIME_TOO_OLD,
          "time is "
              + time
              + "; expected: not before "
              + Instant.ofEpochMilli(minTime)
              + unit(millis, 1000, 1, "seconds", now));
    }
    if (millis - maxFuture > now) {
      throw new Rejection(
          Rule.TIME_IN_FUTURE,
          "time is "
              + time
              + "; expected: not after "
              + Instant.ofEpochMilli(now + maxFuture)
              + " (now + max-future)"
              + unit(millis, 1, 1000, "microseconds", now)
              + unit(millis, 1, 1_000_000, "nanoseconds", now));
    }
    return arrived(millis, now);
  }

  /**
   * A time that is not after its record's arrival: by the wrong clock of one sender, an event would
   * stand behind all that come until then, and those would be late.
   */
  private long arrived(long millis, long now) {
    ahead = millis > now;
    return Math.min(millis, now);
  }

  /** Whether the newest record that was accepted was dated after its arrival. */
  boolean ahead() {
    return ahead;
  }

  /** A hint where the number, taken in another unit, is a time that would be accepted. */
  private String unit(long number, long times, long parts, String name, long now) {
    if (Math.abs(number) > Long.MAX_VALUE / times) {
      return "";
    }
    long millis = number * times / parts;
    boolean accepted = millis >= minTime && millis - maxFuture <= now && millis > 86_400_000L * 365;
    return accepted
        ? ". The number is " + number + ": in " + name + ", not milliseconds? Send milliseconds"
        : "";
  }

  private void text(String field, String text) throws Rejection {
    if (text != null && longer(text, maxTextBytes)) {
      throw new Rejection(
          Rule.TEXT_TOO_LONG,
          field + " is " + quote(text) + "; expected: at most " + maxTextBytes + " bytes of UTF-8");
    }
  }

  private String content(ItemEvent event) throws Rejection {
    if (event.getText() != null && !event.getText().isBlank()) {
      return event.getText();
    }
    if (event.getTitle() != null && !event.getTitle().isBlank()) {
      text("title", event.getTitle());
      return event.getTitle();
    }
    throw new Rejection(
        Rule.NO_CONTENT, "vector, text and title are null or blank; expected: one of them");
  }

  private void vector(float[] vector) throws Rejection {
    if (vector.length != dim) {
      throw new Rejection(
          Rule.VECTOR_WRONG_DIMENSION,
          "vector has " + vector.length + " elements; expected: content.dim = " + dim);
    }
    double square = 0;
    for (int i = 0; i < dim; i++) {
      if (!Float.isFinite(vector[i])) {
        throw new Rejection(
            Rule.VECTOR_NOT_FINITE,
            "vector[" + i + "] is " + vector[i] + "; expected: finite numbers");
      }
      square += (double) vector[i] * vector[i];
    }
    if (square > Float.MAX_VALUE) {
      throw new Rejection(
          Rule.VECTOR_NOT_FINITE,
          "vector has a squared norm of " + square + "; expected: at most " + Float.MAX_VALUE);
    }
    double norm = Math.sqrt(square);
    if (norm > maxNorm) {
      throw new Rejection(
          Rule.VECTOR_TOO_LONG,
          "vector has a norm of "
              + norm
              + "; expected: at most ingest.max-vector-norm = "
              + maxNorm);
    }
    if (square < Float.MIN_NORMAL) {
      throw new Rejection(
          Rule.VECTOR_ZERO,
          "vector has a squared norm of " + square + "; expected: at least " + Float.MIN_NORMAL);
    }
  }

  private static boolean longer(String text, int maxBytes) {
    return text.length() > maxBytes
        || (text.length() * 3L > maxBytes
            && text.getBytes(StandardCharsets.UTF_8).length > maxBytes);
  }

  private static String quote(String text) {
    return text.length() <= QUOTED
        ? "'" + text + "'"
        : "'" + text.substring(0, QUOTED) + "...' (" + text.length() + " characters)";
  }
}
