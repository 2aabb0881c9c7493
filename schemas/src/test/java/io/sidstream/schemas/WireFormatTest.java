package io.sidstream.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sidstream.schemas.WireFormatException.Problem;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.avro.Schema;
import org.apache.avro.SchemaNormalization;
import org.apache.avro.generic.GenericData;
import org.apache.avro.io.Encoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.avro.specific.SpecificDatumWriter;
import org.apache.avro.specific.SpecificRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class WireFormatTest {
  private final WireFormat wire = new WireFormat();

  static List<SpecificRecord> samples() {
    return Samples.all();
  }

  @ParameterizedTest
  @MethodSource("samples")
  void readsWhatItWrote(SpecificRecord record) {
    assertThat(wire.decode(wire.encode(record), record.getClass())).isEqualTo(record);
  }

  @ParameterizedTest
  @MethodSource("samples")
  void writesMarkerAndFingerprintThatAvroReads(SpecificRecord record) throws Exception {
    byte[] bytes = wire.encode(record);
    assertThat(bytes).startsWith(0xC3, 0x01);
    assertThat(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(2))
        .isEqualTo(SchemaNormalization.parsingFingerprint64(record.getSchema()));
    var avro =
        new org.apache.avro.message.BinaryMessageDecoder<>(GenericData.get(), record.getSchema());
    assertThat(String.valueOf(avro.decode(bytes))).contains("\"");
  }

  @ParameterizedTest
  @MethodSource("samples")
  void refusesEveryTruncation(SpecificRecord record) {
    byte[] bytes = wire.encode(record);
    for (int n = 0; n < bytes.length; n++) {
      Problem expected = n < 10 ? Problem.TOO_SHORT : Problem.TRUNCATED;
      assertThat(problem(Arrays.copyOf(bytes, n), record.getClass()))
          .as("%d bytes", n)
          .isEqualTo(expected);
    }
  }

  @ParameterizedTest
  @MethodSource("samples")
  void refusesBytesBehindTheDatum(SpecificRecord record) {
    byte[] bytes = wire.encode(record);
    assertThatThrownBy(() -> wire.decode(Arrays.copyOf(bytes, bytes.length + 3), record.getClass()))
        .hasMessageContaining(record.getSchema().getName())
        .hasMessageContaining("has 3 too many");
  }

  @Test
  void namesTheFingerprintItDoesNotKnow() {
    byte[] bytes = wire.encode(item());
    Arrays.fill(bytes, 2, 10, (byte) 0xAB);
    assertThatThrownBy(() -> wire.decode(bytes, ItemEvent.class))
        .hasMessageContaining("abababababababab")
        .hasMessageContaining("ItemEvent is");
    assertThat(problem(bytes, ItemEvent.class)).isEqualTo(Problem.UNKNOWN_SCHEMA);
  }

  @Test
  void refusesAnotherRecordAndAnotherMarker() {
    byte[] bytes = wire.encode(item());
    assertThat(problem(bytes, InteractionEvent.class)).isEqualTo(Problem.WRONG_SCHEMA);
    bytes[0] = 0;
    assertThatThrownBy(() -> wire.decode(bytes, ItemEvent.class))
        .hasMessageContaining("begins with 00 01 and looks like a schema registry's format");
    assertThat(problem(bytes, ItemEvent.class)).isEqualTo(Problem.BAD_MARKER);
    byte[] json = "{\"item\":\"A\"}".getBytes(java.nio.charset.StandardCharsets.UTF_8);
    assertThatThrownBy(() -> wire.decode(json, ItemEvent.class))
        .hasMessageContaining("begins with 7B 22 and looks like JSON");
  }

  @Test
  void takesNoMemoryForLengthsThatCannotBe() {
    // An item that announces a text, a vector or attributes of two thousand million elements, and
    // ends.
    long huge = 2_000_000_000L;
    byte[][] tails = {
      bytes(0, huge), // item
      bytes(0, 1, 'a', 0, 1, huge), // text
      bytes(0, 1, 'a', 0, 0, huge), // attributes
      bytes(0, 1, 'a', 0, 0, 0, 1, huge), // vector
      bytes(0, 1, 'a', 0, 0, 0, 1, -huge, 4), // vector in a block with its size
    };
    for (byte[] tail : tails) {
      byte[] head = Arrays.copyOf(wire.encode(item()), 10);
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      all.writeBytes(head);
      all.write(tail, 1, tail.length - 1);
      long before = allocated();
      assertThat(problem(all.toByteArray(), ItemEvent.class)).isEqualTo(Problem.TRUNCATED);
      assertThat(allocated() - before).isLessThan(10_000_000);
    }
  }

  @Test
  void refusesOrReadsAnyBytes() {
    Random random = new Random(1);
    Map<Problem, Integer> seen = new EnumMap<>(Problem.class);
    List<SpecificRecord> records = Samples.all();
    for (int i = 0; i < 50_000; i++) {
      SpecificRecord record = records.get(random.nextInt(records.size()));
      byte[] bytes = wire.encode(record);
      for (int flips = random.nextInt(4); flips >= 0; flips--) {
        bytes[
                random.nextInt(10) == 0
                    ? random.nextInt(10)
                    : 10 + random.nextInt(bytes.length - 10)] =
            (byte) random.nextInt();
      }
      if (random.nextInt(4) == 0) {
        bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 20));
      }
      try {
        wire.decode(bytes, record.getClass());
      } catch (WireFormatException e) {
        assertThat(e.getMessage()).isNotBlank();
        seen.merge(e.problem(), 1, Integer::sum);
      }
    }
    assertThat(seen.keySet())
        .contains(Problem.TOO_SHORT, Problem.BAD_MARKER, Problem.UNKNOWN_SCHEMA, Problem.TRUNCATED)
        .contains(Problem.MALFORMED, Problem.TRAILING_BYTES);
  }

  /**
   * What an earlier or later release could look like: fields missing, added, moved, of a smaller
   * type.
   */
  @Test
  void resolvesTheWritersSchema() throws Exception {
    Schema other =
        new Schema.Parser()
            .parse(
                """
                {"type": "record", "name": "ItemEvent", "namespace": "io.sidstream.schemas", "fields": [
                  {"name": "added", "type": {"type": "array", "items": "string"}},
                  {"name": "time", "type": "int"},
                  {"name": "vector", "type": {"type": "array", "items": "float"}},
                  {"name": "item", "type": "string"}]}
                """);
    GenericData.Record written = new GenericData.Record(other);
    written.put("added", List.of("x", "yy"));
    written.put("time", 12);
    written.put("vector", List.of(3f, -4f));
    written.put("item", "a");
    ByteBuffer buffer =
        new org.apache.avro.message.BinaryMessageEncoder<GenericData.Record>(
                GenericData.get(), other)
            .encode(written);
    byte[] bytes = new byte[buffer.remaining()];
    buffer.get(bytes);

    WireFormat reading =
        new WireFormat(f -> f == SchemaNormalization.parsingFingerprint64(other) ? other : null);
    ItemEvent event = reading.decode(bytes, ItemEvent.class);

    assertThat(event.getItem()).isEqualTo("a");
    assertThat(Vectors.toArray(event.getVector())).containsExactly(3f, -4f);
    assertThat(event.getTime().toEpochMilli()).isEqualTo(12);
    assertThat(event.getTitle()).isNull();
    assertThat(event.getAttributes()).isEmpty();
    assertThatThrownBy(
            () -> reading.decode(Arrays.copyOf(bytes, bytes.length - 1), ItemEvent.class))
        .hasMessageContaining("ends too early");
  }

  @Test
  void floatsKeepTheirBits() {
    float[] odd = {Float.NaN, -0f, Float.MIN_VALUE, Float.NEGATIVE_INFINITY, 1f / 3};
    ItemEvent event = item();
    event.setVector(Vectors.toList(odd));
    assertThat(Vectors.toArray(wire.decode(wire.encode(event), ItemEvent.class).getVector()))
        .isEqualTo(odd);
    event.setVector(List.of(1f, 2f));
    assertThat(Vectors.toArray(wire.decode(wire.encode(event), ItemEvent.class).getVector()))
        .containsExactly(1f, 2f);
    assertThat(Vectors.toArray(null)).isNull();
  }

  /** Avro lets a writer cut an array into blocks, with or without their length in bytes. */
  @ParameterizedTest
  @ValueSource(ints = {64, 100, 1_000, 100_000})
  void readsVectorsInBlocksAsAvroDoes(int blockBytes) throws IOException {
    float[] values = new float[777];
    Random random = new Random(blockBytes);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    ItemEvent event = item();
    event.setVector(Vectors.toList(values));
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(Arrays.copyOf(wire.encode(event), 10));
    Encoder blocks =
        new EncoderFactory().configureBlockSize(blockBytes).blockingBinaryEncoder(out, null);
    event.setVector(new ArrayList<>(event.getVector()));
    new SpecificDatumWriter<>(ItemEvent.class).write(event, blocks);
    blocks.flush();

    ItemEvent read = wire.decode(out.toByteArray(), ItemEvent.class);
    assertThat(Vectors.toArray(read.getVector())).isEqualTo(values);
    assertThat(read).isEqualTo(event);
    // What is behind the array is read where it is.
    assertThat(read.getTime()).isEqualTo(event.getTime());
  }

  @Test
  void aStrangersBlocksOfOneElementCostNoMoreThanTheirNumber() throws IOException {
    int n = 200_000;
    ItemEvent event = item();
    event.setVector(List.of(7f));
    byte[] one = wire.encode(event);
    byte[] block = bytes(1);
    byte[] element =
        ByteBuffer.allocate(5).put(block).order(ByteOrder.LITTLE_ENDIAN).putFloat(7f).array();
    int at = indexOf(one, element);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(one, 0, at);
    for (int i = 0; i < n; i++) {
      out.writeBytes(element);
    }
    out.write(one, at + element.length, one.length - at - element.length);

    wire.decode(one, ItemEvent.class);
    long before = allocated();
    ItemEvent read = wire.decode(out.toByteArray(), ItemEvent.class);
    assertThat(allocated() - before).isLessThan(40_000_000);
    assertThat(read.getVector()).hasSize(n).containsOnly(7f);
  }

  private static int indexOf(byte[] bytes, byte[] part) {
    for (int i = 0; i <= bytes.length - part.length; i++) {
      if (Arrays.equals(bytes, i, i + part.length, part, 0, part.length)) {
        return i;
      }
    }
    throw new AssertionError("not there");
  }

  private static ItemEvent item() {
    return (ItemEvent) Samples.all().get(3);
  }

  private Problem problem(byte[] bytes, Class<? extends SpecificRecord> type) {
    WireFormatException e =
        catchThrowableOfType(WireFormatException.class, () -> wire.decode(bytes, type));
    return e == null ? null : e.problem();
  }

  private static long allocated() {
    var threads =
        (com.sun.management.ThreadMXBean) java.lang.management.ManagementFactory.getThreadMXBean();
    return threads.getThreadAllocatedBytes(Thread.currentThread().getId());
  }

  /** Zigzag numbers; a character stands for itself. */
  private static byte[] bytes(Object... parts) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (Object part : parts) {
      if (part instanceof Character c) {
        out.write(c);
        continue;
      }
      long n = ((Number) part).longValue();
      long raw = n << 1 ^ n >> 63;
      for (; (raw & ~0x7FL) != 0; raw >>>= 7) {
        out.write((int) (raw & 0x7F | 0x80));
      }
      out.write((int) raw);
    }
    return out.toByteArray();
  }
}
