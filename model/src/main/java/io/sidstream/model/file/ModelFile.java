package io.sidstream.model.file;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * The container of a model: named sections of bytes with a {@link Provenance}, closed by a digest.
 * Big-endian:
 *
 * <pre>
 * "SIDM"  int format  provenance: utf dataDigest, long seed, utf codeVersion, long time, int count, count x (utf key, utf value)
 * int sections, each: utf name, int length, bytes
 * SHA-256 (32 bytes) of all that precedes
 * </pre>
 *
 * Foreign, truncated and corrupt files are refused with an {@link IllegalArgumentException} that
 * says which. Immutable.
 */
public final class ModelFile {
  /** The format written, and the newest that is read. */
  public static final int FORMAT = 1;

  private static final byte[] MAGIC = "SIDM".getBytes(StandardCharsets.US_ASCII);
  private static final int DIGEST_LENGTH = 32;

  private final Provenance provenance;
  private final Map<String, byte[]> sections;

  /**
   * Where a model came from.
   *
   * @param dataDigest digest of the data it was trained on
   * @param parameters every setting of the training, by name
   * @param seed the seed of all its random draws
   * @param codeVersion version of the program
   * @param time ms since the epoch, as the caller says
   */
  public record Provenance(
      String dataDigest, Map<String, String> parameters, long seed, String codeVersion, long time) {
    /** Sorts the parameters, so that equal models have equal bytes. */
    public Provenance {
      parameters = Collections.unmodifiableMap(new TreeMap<>(parameters));
    }
  }

  /** A container of sections, in their order; the bytes are copied. */
  public ModelFile(Provenance provenance, Map<String, byte[]> sections) {
    this.provenance = provenance;
    this.sections = new LinkedHashMap<>();
    sections.forEach((name, bytes) -> this.sections.put(name, bytes.clone()));
  }

  /** Where the model came from. */
  public Provenance provenance() {
    return provenance;
  }

  /** The names of the sections, in order. */
  public List<String> names() {
    return List.copyOf(sections.keySet());
  }

  /**
   * A copy of a section.
   *
   * @throws IllegalArgumentException naming the sections there are, when this is none of them
   */
  public byte[] section(String name) {
    byte[] bytes = sections.get(name);
    if (bytes == null) {
      throw new IllegalArgumentException(
          "Model file has no section '" + name + "'; it has " + sections.keySet());
    }
    return bytes.clone();
  }

  /** The container as bytes. */
  public byte[] toBytes() {
    ByteArrayOutputStream buffer = new ByteArrayOutputStream();
    try {
      write(buffer);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return buffer.toByteArray();
  }

  /** Writes {@link #toBytes}. */
  public void write(OutputStream stream) throws IOException {
    MessageDigest sha = Sha256.start();
    DataOutputStream out = new DataOutputStream(new DigestOutputStream(stream, sha));
    out.write(MAGIC);
    out.writeInt(FORMAT);
    out.writeUTF(provenance.dataDigest());
    out.writeLong(provenance.seed());
    out.writeUTF(provenance.codeVersion());
    out.writeLong(provenance.time());
    out.writeInt(provenance.parameters().size());
    for (Map.Entry<String, String> parameter : provenance.parameters().entrySet()) {
      out.writeUTF(parameter.getKey());
      out.writeUTF(parameter.getValue());
    }
    out.writeInt(sections.size());
    for (Map.Entry<String, byte[]> section : sections.entrySet()) {
      out.writeUTF(section.getKey());
      out.writeInt(section.getValue().length);
      out.write(section.getValue());
    }
    stream.write(sha.digest());
  }

  /**
   * Reads what {@link #toBytes} wrote.
   *
   * @throws IllegalArgumentException saying what is wrong
   */
  public static ModelFile fromBytes(byte[] bytes) {
    if (bytes.length < MAGIC.length || !Arrays.equals(MAGIC, 0, 4, bytes, 0, 4)) {
      throw new IllegalArgumentException(
          "Not a model file: "
              + bytes.length
              + " bytes that do not start with 'SIDM'; was another file named?");
    }
    if (bytes.length < MAGIC.length + Integer.BYTES + DIGEST_LENGTH) {
      throw new IllegalArgumentException(
          "Model file is truncated: "
              + bytes.length
              + " bytes do not hold even an empty model; copy it again");
    }
    int format = ByteBuffer.wrap(bytes).getInt(MAGIC.length);
    if (format < 1 || format > FORMAT) {
      throw new IllegalArgumentException(
          "Model file has format "
              + format
              + ", this version reads 1 to "
              + FORMAT
              + "; use a newer version");
    }
    int length = bytes.length - DIGEST_LENGTH;
    if (!Arrays.equals(Sha256.of(bytes, length), Arrays.copyOfRange(bytes, length, bytes.length))) {
      throw new IllegalArgumentException(
          "Model file of "
              + bytes.length
              + " bytes is truncated or corrupt: its SHA-256 does not match; copy it again");
    }
    try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(bytes, 8, length - 8))) {
      String dataDigest = in.readUTF();
      long seed = in.readLong();
      String codeVersion = in.readUTF();
      long time = in.readLong();
      Map<String, String> parameters = new TreeMap<>();
      for (int i = in.readInt(); i > 0; i--) {
        parameters.put(in.readUTF(), in.readUTF());
      }
      Map<String, byte[]> sections = new LinkedHashMap<>();
      for (int i = in.readInt(); i > 0; i--) {
        String name = in.readUTF();
        int size = in.readInt();
        if (size < 0 || size > in.available()) {
          throw new IllegalArgumentException(
              "Model file section '"
                  + name
                  + "' says "
                  + size
                  + " bytes where "
                  + in.available()
                  + " are left");
        }
        sections.put(name, in.readNBytes(size));
      }
      if (in.available() > 0) {
        throw new IllegalArgumentException(
            "Model file has " + in.available() + " bytes after its last section");
      }
      return new ModelFile(
          new Provenance(dataDigest, parameters, seed, codeVersion, time), sections);
    } catch (IOException e) {
      throw new IllegalArgumentException("Model file ends inside its header: " + e.getMessage(), e);
    }
  }
}
