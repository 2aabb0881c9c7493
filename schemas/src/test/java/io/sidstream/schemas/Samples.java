package io.sidstream.schemas;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.avro.specific.SpecificRecord;

/**
 * One record of each kind with every field set, as of release 0.1, and the generator of the stored
 * bytes {@code samples/<release>/<record>.bin}. Stored bytes of a release never change; a new
 * release adds a folder:
 *
 * <pre>
 * {@code java -cp ... io.sidstream.schemas.Samples schemas/src/test/resources/samples/<release>}
 * </pre>
 */
final class Samples {
  private static final Instant TIME = Instant.ofEpochMilli(1_400_000_000_123L);

  private Samples() {}

  static List<SpecificRecord> all() {
    TokenRef previous =
        TokenRef.newBuilder().setVersion(6).setCodes(List.of(1, 2, 255)).setSuffix(3).build();
    return List.of(
        DeadLetter.newBuilder()
            .setTopic("sidstream.items")
            .setPartition(3)
            .setOffset(12_345_678_901L)
            .setTimestamp(TIME)
            .setCode("VECTOR_NOT_FINITE")
            .setReason("vector[7] is NaN; expected: finite numbers")
            .setKey(ByteBuffer.wrap(new byte[] {1, 2}))
            .setValue(ByteBuffer.wrap(new byte[] {3}))
            .setValueLength(1)
            .setTime(TIME)
            .build(),
        IdEmbedding.newBuilder()
            .setItem("a")
            .setVersion(7)
            .setRevision(70)
            .setE(Vectors.toList(new float[] {.5f, -1.25f}))
            .build(),
        InteractionEvent.newBuilder()
            .setEventId("e-1")
            .setUser("u")
            .setItem("a")
            .setKind("purchase")
            .setWeight(2.5f)
            .setTime(TIME)
            .build(),
        ItemEvent.newBuilder()
            .setItem("ä")
            .setTitle("title")
            .setText("text")
            .setAttributes(Map.of("brand", "b"))
            .setVector(Vectors.toList(new float[] {0f, 1e-30f, -3f}))
            .setTime(TIME)
            .build(),
        ItemToken.newBuilder()
            .setItem("a")
            .setVersion(7)
            .setCommit(8)
            .setRevision(70)
            .setCodes(List.of(1, 2, 3))
            .setSuffix(1)
            .setNearest(List.of(1, 2, 4))
            .setDistances(Vectors.toList(new float[] {.1f, .2f, .3f}))
            .setMargins(Vectors.toList(new float[] {.01f, -.02f, .03f}))
            .setPrevious(previous)
            .setTime(TIME)
            .build(),
        ModelPart.newBuilder()
            .setVersion(7)
            .setRevision(70)
            .setPart(ModelPartKind.ENCODER)
            .setIndex(1)
            .setCount(2)
            .setDigest("00ff")
            .setData(ByteBuffer.wrap(new byte[] {9, 8, 7}))
            .setTime(TIME)
            .build(),
        previous,
        VersionRecord.newBuilder()
            .setVersion(7)
            .setState(VersionState.COMMIT)
            .setRevision(70)
            .setReason("round 70")
            .setItems(100)
            .setRows(5)
            .setTombstones(1)
            .setRowsChecksum(-1)
            .setTableChecksum(Long.MIN_VALUE)
            .setModelDigest("ff")
            .setInteractions(1000)
            .setWaitingInteractions(10)
            .setOldItems(90)
            .setMovedItems(4)
            .setChangedCodes(List.of(0L, 1L, 4L))
            .setChangedPrefixes(List.of(0L, 1L, 4L))
            .setQuality(
                Quality.newBuilder()
                    .setUtilisation(List.of(1.0, .9, .8))
                    .setPerplexity(List.of(200.0, 190.0, 180.0))
                    .setUniqueTuples(.85)
                    .setReconstruction(.01)
                    .setExpectedChurn(.04)
                    .setTolerance(List.of(.1, .1, .1))
                    .setReseeded(List.of(0L, 1L, 2L))
                    .setReseededItems(List.of(0L, 3L, 5L))
                    .build())
            .setPrequential(
                Prequential.newBuilder()
                    .setEvents(10)
                    .setHits10(5)
                    .setNdcg10(3.5)
                    .setPopularityHits10(4)
                    .setNewEvents(2)
                    .setNewHits10(1)
                    .setNewPopularityHits10(0)
                    .build())
            .setLoss(3.25)
            .setSteps(60)
            .setTime(TIME)
            .build(),
        ControlMessage.newBuilder()
            .setAction(ControlAction.FORCE)
            .setReason("it is known to be good")
            .setAuthor("ä")
            .setTime(TIME)
            .build());
  }

  /** Writes the stored bytes into a folder. */
  public static void main(String[] args) throws IOException {
    Path folder = Files.createDirectories(Path.of(args[0]));
    WireFormat wire = new WireFormat();
    for (SpecificRecord record : all()) {
      Files.write(folder.resolve(record.getSchema().getName() + ".bin"), wire.encode(record));
    }
  }
}
