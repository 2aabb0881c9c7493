package io.sidstream.schemas;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelPartsTest {
  private static final Instant NOW = Instant.ofEpochMilli(1_400_000_000_123L);

  @ParameterizedTest
  @CsvSource({"0, 1", "1, 1", "899999, 1", "900000, 1", "900001, 2", "2700000, 3", "2700001, 4"})
  void joinsWhatItSplitInAnyOrderAndWithDuplicates(int length, int count) {
    byte[] whole = bytes(length);
    List<ModelPart> pieces = ModelParts.split(7, 70, ModelPartKind.ENCODER, whole, NOW);

    assertThat(ModelParts.pieces(length)).isEqualTo(count);
    assertThat(pieces).hasSize(count);
    assertThat(pieces)
        .allSatisfy(
            p -> assertThat(p.getData().remaining()).isLessThanOrEqualTo(ModelParts.PIECE_BYTES));
    assertThat(pieces).extracting(ModelParts::key).isEqualTo(keys(length));
    assertThat(ModelParts.join(pieces)).isEqualTo(whole);
    List<ModelPart> again = new ArrayList<>(pieces);
    again.addAll(pieces);
    Collections.shuffle(again, new Random(length));
    assertThat(ModelParts.join(again)).isEqualTo(whole);
  }

  private static List<String> keys(int length) {
    return ModelParts.keys(7, ModelPartKind.ENCODER, length);
  }

  @Test
  void everyPieceIsBelowTheBrokersLimit() {
    List<ModelPart> pieces =
        ModelParts.split(
            Integer.MAX_VALUE, Long.MAX_VALUE, ModelPartKind.LEARNER, bytes(2_000_000), NOW);
    WireFormat wire = new WireFormat();
    assertThat(pieces)
        .allSatisfy(p -> assertThat(wire.encode(p).length).isLessThan(1_000_000))
        .allSatisfy(p -> assertThat(wire.decode(wire.encode(p), ModelPart.class)).isEqualTo(p));
  }

  @Test
  void namesThePiecesThatAreMissing() {
    List<ModelPart> pieces = split(3_000_000);
    assertThatThrownBy(() -> ModelParts.join(List.of(pieces.get(2), pieces.get(0))))
        .isInstanceOf(ModelPartException.class)
        .hasMessage(
            "RECOMMENDER of token version 7, revision 70, has 2 of 4 pieces; missing: [1, 3]");
    assertThatThrownBy(() -> ModelParts.join(List.of())).hasMessageContaining("at least one");
  }

  @Test
  void refusesPiecesOfSeveralPartsAndRevisions() {
    List<ModelPart> pieces = split(1_000_000);
    List<ModelPart> later =
        ModelParts.split(7, 71, ModelPartKind.RECOMMENDER, bytes(1_000_000), NOW);
    assertThatThrownBy(() -> ModelParts.join(List.of(pieces.get(0), later.get(1))))
        .hasMessageContaining("revision 71")
        .hasMessageContaining("of another part than piece 0 of 2")
        .hasMessageContaining("revision 70");
    List<ModelPart> other = ModelParts.split(7, 70, ModelPartKind.ENCODER, bytes(1_000_000), NOW);
    assertThatThrownBy(() -> ModelParts.join(List.of(pieces.get(0), other.get(1))))
        .hasMessageContaining("ENCODER");
  }

  @Test
  void refusesBytesThatAreNotThoseOfTheDigest() {
    List<ModelPart> pieces = split(1_000_000);
    ModelPart flipped = split(1_000_000).get(1);
    byte[] data = new byte[flipped.getData().remaining()];
    flipped.getData().duplicate().get(data);
    data[5] ^= 1;
    flipped.setData(ByteBuffer.wrap(data));
    assertThatThrownBy(() -> ModelParts.join(List.of(pieces.get(0), flipped)))
        .isInstanceOf(ModelPartException.class)
        .hasMessageContaining("its pieces say " + pieces.get(0).getDigest());
    assertThatThrownBy(() -> ModelParts.join(List.of(pieces.get(0), pieces.get(1), flipped)))
        .hasMessageContaining("came twice, with other bytes");
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "-1, 0", "2, 2", "2, -1", "2147483647, 5"})
  void refusesAnIndexOrACountThatCannotBe(int count, int index) {
    ModelPart piece = split(10).get(0);
    piece.setCount(count);
    piece.setIndex(index);
    assertThatThrownBy(() -> ModelParts.join(List.of(piece)))
        .isInstanceOf(ModelPartException.class)
        .hasMessageContaining("expected: a count in 1..2386 and an index below it");
    assertThatThrownBy(() -> new ModelPieces().put(piece)).isInstanceOf(ModelPartException.class);
  }

  @Test
  void readsItsKeys() {
    ModelParts.Key key = ModelParts.Key.of("12/RECOMMENDER/3");
    assertThat(key).isEqualTo(new ModelParts.Key(12, ModelPartKind.RECOMMENDER, 3));
    assertThat(key).hasToString("12/RECOMMENDER/3");
    assertThat(ModelParts.Key.of("1/OF_A_LATER_RELEASE/0").kind()).isEqualTo(ModelPartKind.UNKNOWN);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "1",
        "1/ENCODER",
        "1/ENCODER/0/0",
        "x/ENCODER/0",
        "1/ENCODER/-1",
        "-1/ENCODER/0",
        "1/ENCODER/"
      })
  void refusesOtherKeys(String text) {
    assertThatThrownBy(() -> ModelParts.Key.of(text))
        .isInstanceOf(ModelPartException.class)
        .hasMessageContaining("'" + text + "'; expected: version/part/index");
  }

  // The topic.

  @Test
  void aPartIsThereWhenAllPiecesAreOfOneRevision() {
    ModelPieces pieces = new ModelPieces();
    List<ModelPart> first = split(1_900_000);
    byte[] newer = bytes(1_000_000);
    List<ModelPart> second = ModelParts.split(7, 71, ModelPartKind.RECOMMENDER, newer, NOW);

    pieces.put(first.get(2));
    pieces.put(first.get(0));
    assertThat(whole(pieces)).isEmpty();
    pieces.put(first.get(1));
    assertThat(whole(pieces).orElseThrow().revision()).isEqualTo(70);
    // Compaction leaves the newest record of each key, so the older revision is gone in part.
    pieces.put(second.get(0));
    assertThat(whole(pieces)).isEmpty();
    pieces.put(second.get(1));
    // The older revision's last piece stays, and is of no account.
    assertThat(whole(pieces).orElseThrow().revision()).isEqualTo(71);
    assertThat(whole(pieces).orElseThrow().bytes()).isEqualTo(newer);
    assertThat(pieces.whole(7, ModelPartKind.ENCODER)).isEmpty();
    assertThat(pieces.whole(8, ModelPartKind.RECOMMENDER)).isEmpty();
  }

  @Test
  void removedAndForgottenPiecesAreGone() {
    ModelPieces pieces = new ModelPieces();
    split(1_000_000).forEach(pieces::put);
    ModelPieces apart = pieces.copy();
    pieces.remove(ModelParts.Key.of("7/ENCODER/1"));
    pieces.remove(ModelParts.Key.of("6/RECOMMENDER/1"));
    pieces.forgetBelow(7);
    assertThat(whole(pieces)).isPresent();
    pieces.remove(ModelParts.Key.of("7/RECOMMENDER/1"));
    assertThat(whole(pieces)).isEmpty();
    assertThat(whole(apart)).isPresent();
    apart.forget(7, ModelPartKind.RECOMMENDER);
    assertThat(whole(apart)).isEmpty();
    split(10).forEach(pieces::put);
    pieces.forgetBelow(8);
    assertThat(whole(pieces)).isEmpty();
  }

  private static java.util.Optional<ModelPieces.Whole> whole(ModelPieces pieces) {
    return pieces.whole(7, ModelPartKind.RECOMMENDER);
  }

  private static List<ModelPart> split(int length) {
    return ModelParts.split(7, 70, ModelPartKind.RECOMMENDER, bytes(length), NOW);
  }

  private static byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    new Random(length).nextBytes(bytes);
    return bytes;
  }
}
