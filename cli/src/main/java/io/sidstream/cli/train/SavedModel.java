package io.sidstream.cli.train;

import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.file.ModelFile;
import io.sidstream.model.file.Sha256;
import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.JointTrainer;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A trained model as the sections of a {@link ModelFile}:
 *
 * <ul>
 *   <li>{@value #TOKENIZER}: {@link TokenizerModel#toBytes}, absent without a quantizer;
 *   <li>{@value #TRAINER}: {@link JointTrainer#writeState}, all that training goes on from;
 *   <li>{@value #ITEMS}: int n, then n times utf name, int length, {@link ItemTable#row}.
 * </ul>
 */
public final class SavedModel {
  /** The section of the tokenizer. */
  public static final String TOKENIZER = "tokenizer";

  /** The section of the trainer's state. */
  public static final String TRAINER = "trainer";

  /** The section of the items. */
  public static final String ITEMS = "items";

  private SavedModel() {}

  /** The sections of a model. */
  static Map<String, byte[]> sections(JointTrainer trainer, ItemTable items, List<String> names)
      throws IOException {
    Map<String, byte[]> sections = new LinkedHashMap<>();
    if (trainer.inUse() != null) {
      sections.put(TOKENIZER, trainer.inUse().toBytes());
    }
    ByteArrayOutputStream state = new ByteArrayOutputStream(1 << 20);
    trainer.writeState(new DataOutputStream(state));
    sections.put(TRAINER, state.toByteArray());
    ByteArrayOutputStream rows = new ByteArrayOutputStream(1 << 20);
    DataOutputStream out = new DataOutputStream(rows);
    out.writeInt(names.size());
    for (int i = 0; i < names.size(); i++) {
      byte[] row = items.row(i);
      out.writeUTF(names.get(i));
      out.writeInt(row.length);
      out.write(row);
    }
    sections.put(ITEMS, rows.toByteArray());
    return sections;
  }

  /**
   * Reads the section of the items.
   *
   * @param items an empty table of the same widths
   */
  static void readItems(byte[] section, ItemTable items) throws IOException {
    DataInputStream in = new DataInputStream(new ByteArrayInputStream(section));
    int n = in.readInt();
    for (int i = 0; i < n; i++) {
      in.readUTF();
      items.readRow(i, in.readNBytes(in.readInt()));
    }
  }

  /**
   * SHA-256 (hex) of the sections, names and bytes: that of the model itself, whenever and by
   * whatever it was made.
   */
  public static String digest(Map<String, byte[]> sections) {
    MessageDigest sha = Sha256.start();
    sections.forEach(
        (name, bytes) -> {
          sha.update(name.getBytes(StandardCharsets.UTF_8));
          sha.update(bytes);
        });
    return HexFormat.of().formatHex(sha.digest());
  }
}
