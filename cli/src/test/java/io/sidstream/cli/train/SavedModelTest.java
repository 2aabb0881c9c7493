package io.sidstream.cli.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.file.ModelFile;
import io.sidstream.model.quantize.EncodeResult;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointTrainer;
import io.sidstream.model.train.Phase;
import io.sidstream.model.train.UserSequences;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A model file as {@code train --save} writes it, of a training too small to be of use. */
class SavedModelTest {
  private static final int ITEMS = 12;
  private static final JointConfig CONFIG =
      JointConfig.builder()
          .contentDim(3)
          .hidden(List.of(3))
          .semanticDim(2)
          .idDim(2)
          .codewords(4)
          .metrics(List.of(Metric.COSINE, Metric.EUCLIDEAN))
          .blocks(1)
          .heads(1)
          .ffn(3)
          .maxLen(3)
          .sharedNegatives(4)
          .batchUsers(2)
          .build();
  private static final ModelFile.Provenance PROVENANCE =
      new ModelFile.Provenance("abc123", Map.of("codewords", "4"), 42, "0.1.0", 1_700_000_000_000L);

  private static UserSequences users() {
    UserSequences users = new UserSequences(4);
    for (int user = 0; user < 4; user++) {
      for (int event = 0; event < 4; event++) {
        users.append(user, (3 * user + 2 * event) % ITEMS, event);
      }
    }
    return users;
  }

  private static float[] vector(int item) {
    return new float[] {item / 8f, -1 + item % 5, 0.5f * (item % 3)};
  }

  private static List<String> names() {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < ITEMS; i++) {
      names.add("item ü " + i);
    }
    return names;
  }

  /**
   * Writes the stored example of the present format to the path that is given; what training gives
   * differs from machine to machine, so that the digests below change with it.
   */
  public static void main(String[] arguments) throws IOException {
    ItemTable items = JointTrainer.newItemTable(CONFIG);
    for (int i = 0; i < ITEMS; i++) {
      items.put(i, vector(i), 1000 + i);
    }
    JointTrainer trainer = new JointTrainer(CONFIG, items, users(), 42);
    trainer.initialiseCodebooks(ITEMS);
    for (int step = 0; step < 5; step++) {
      trainer.step(new int[] {step % 4, (step + 1) % 4}, Phase.JOINT);
    }
    trainer.adopt(trainer.candidate(new float[] {0, 0}));
    float[] weights = trainer.recommender().parameters();
    for (int i = 0; i < weights.length; i++) {
      weights[i] = i / 1024f;
    }
    ModelFile file = new ModelFile(PROVENANCE, SavedModel.sections(trainer, items, names()));
    try (var out = Files.newOutputStream(Path.of(arguments[0]))) {
      file.write(out);
    }
    System.out.println(
        "tokenizer "
            + trainer.inUse().digest()
            + ", codes "
            + Arrays.toString(Arrays.copyOf(items.codes(), 2 * ITEMS)));
  }

  @Test
  void readsTheStoredFileOfFormat1() throws IOException {
    ModelFile file;
    try (InputStream in = getClass().getResourceAsStream("saved-model-1.sidm")) {
      file = ModelFile.fromBytes(in.readAllBytes());
    }
    assertThat(file.provenance()).isEqualTo(PROVENANCE);
    assertThat(file.names())
        .containsExactly(SavedModel.TOKENIZER, SavedModel.TRAINER, SavedModel.ITEMS);
    TokenizerModel tokenizer = TokenizerModel.fromBytes(file.section(SavedModel.TOKENIZER));
    assertThat(tokenizer.digest())
        .isEqualTo("2c7b9c0e90f7d0158aa78d3cfab3c7fa521c34c32df79b911fff1f1032cec729");

    byte[] section = file.section(SavedModel.ITEMS);
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(section));
    assertThat(in.readInt()).isEqualTo(ITEMS);
    for (String name : names()) {
      assertThat(in.readUTF()).isEqualTo(name);
      in.skipBytes(in.readInt());
    }
    assertThat(in.available()).isZero();
    ItemTable items = JointTrainer.newItemTable(CONFIG);
    SavedModel.readItems(section, items);
    assertThat(items.knownCount()).isEqualTo(ITEMS);
    EncodeResult out = new EncodeResult();
    tokenizer.encode(items.content(), ITEMS, null, out);
    for (int i = 0; i < ITEMS; i++) {
      assertThat(items.knownAt(i)).isEqualTo(i);
      assertThat(items.arrival(i)).isEqualTo(1000 + i);
      assertThat(Arrays.copyOfRange(items.content(), 3 * i, 3 * i + 3)).isEqualTo(vector(i));
    }
    assertThat(Arrays.copyOf(items.codes(), 2 * ITEMS))
        .containsExactly(1, 3, 1, 3, 2, 0, 0, 2, 0, 1, 3, 3, 1, 3, 2, 0, 2, 2, 0, 1, 3, 3, 3, 0)
        .isEqualTo(Arrays.copyOf(out.codes, 2 * ITEMS));

    JointTrainer trainer = new JointTrainer(CONFIG, items, users(), 1);
    byte[] state = file.section(SavedModel.TRAINER);
    trainer.readState(new DataInputStream(new ByteArrayInputStream(state)));
    assertThat(trainer.steps()).isEqualTo(5);
    assertThat(trainer.inUse().digest()).isEqualTo(tokenizer.digest());
    float[] weights = trainer.recommender().parameters();
    for (int i = 0; i < weights.length; i++) {
      assertThat(weights[i]).isEqualTo(i / 1024f);
    }
    ByteArrayOutputStream again = new ByteArrayOutputStream();
    trainer.writeState(new DataOutputStream(again));
    assertThat(again.toByteArray()).isEqualTo(state);
  }
}
