package io.sidstream.cli.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.cli.UsageException;
import io.sidstream.model.file.Sha256;
import java.io.BufferedInputStream;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Reads a folder with a data set.
 *
 * <ul>
 *   <li>{@code items.jsonl} (or {@code .gz}): one JSON object a line with {@code item}
 *       (identifier), and optionally {@code idx} (from 1: row idx - 1 of a file of vectors; without
 *       it the row is the line), {@code title}, {@code text}; what else it has becomes attributes.
 *   <li>{@code interactions.tsv} (or {@code .gz}): user TAB item TAB unix seconds, no header.
 * </ul>
 *
 * Both in UTF-8. Interactions with items that are not among the items read are left out.
 */
public final class DataSetReader {
  private static final String ITEMS = "items.jsonl";
  private static final String INTERACTIONS = "interactions.tsv";
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  /** What some programs begin a file of UTF-8 with. */
  private static final char BYTE_ORDER_MARK = '\uFEFF';

  /** Of an identifier, as {@link java.io.DataOutput#writeUTF} writes it into a model. */
  private static final int MOST_BYTES = 65_535;

  /** Characters of a line that a message quotes. */
  private static final int MOST_SHOWN = 80;

  /** 0000-01-01T00:00:00Z. */
  private static final long FIRST_SECOND = -62_167_219_200L;

  /** 9999-12-31T23:59:59Z; seconds beyond are those of a clock of milliseconds. */
  private static final long LAST_SECOND = 253_402_300_799L;

  private DataSetReader() {}

  /**
   * Reads a folder.
   *
   * @param folder the data set
   * @param maxItems how many items to take, from the first line on; 0 for all
   * @throws UsageException where a file is missing or a line is not as described; names file and
   *     line
   */
  public static DataSet read(Path folder, int maxItems) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new UsageException("--data " + folder + " is not a folder");
    }
    MessageDigest digest = Sha256.start();
    Path itemsFile = either(folder, ITEMS);
    Path eventsFile = either(folder, INTERACTIONS);
    Map<String, Integer> index = new HashMap<>();
    List<SourceItem> items = new ArrayList<>();
    BitSet rows = new BitSet();
    try (BufferedReader lines = open(itemsFile)) {
      int line = 0;
      for (String text;
          (text = lines.readLine()) != null && !(maxItems > 0 && line >= maxItems); ) {
        line++;
        update(digest, text);
        SourceItem item = item(text, itemsFile, line);
        if (index.put(item.id(), items.size()) != null) {
          throw new UsageException(
              itemsFile + ":" + line + ": item " + item.id() + " is there twice");
        }
        if (rows.get(item.row())) {
          throw new UsageException(
              itemsFile
                  + ":"
                  + line
                  + ": idx "
                  + (item.row() + 1)
                  + " (where none is given, the line) is that of an earlier item, too; each item needs a row of its own");
        }
        rows.set(item.row());
        items.add(item);
      }
    } catch (ZipException | EOFException | CharacterCodingException e) {
      throw broken(itemsFile, e);
    }
    if (items.isEmpty()) {
      throw new UsageException(itemsFile + " has no items");
    }
    // No line begins with it, so that lines of one file are not those of the other.
    digest.update((byte) 0);
    List<String> users = new ArrayList<>();
    List<Integer> what = new ArrayList<>();
    List<Long> times = new ArrayList<>();
    Map<String, String> names = new HashMap<>();
    int unknown = 0;
    String example = null;
    try (BufferedReader lines = open(eventsFile)) {
      int line = 0;
      for (String text; (text = lines.readLine()) != null; ) {
        line++;
        String[] cells = text.split("\t", -1);
        if (cells.length != 3 || cells[0].isEmpty()) {
          throw new UsageException(
              eventsFile
                  + ":"
                  + line
                  + ": expected user TAB item TAB unix seconds, not '"
                  + shown(text)
                  + "'");
        }
        Integer i = index.get(cells[1]);
        if (i == null) {
          if (unknown++ == 0) {
            example = "'" + cells[1] + "' in line " + line;
          }
          continue;
        }
        update(digest, text);
        times.add(1000L * seconds(cells[2], eventsFile, line));
        users.add(names.computeIfAbsent(cells[0], name -> name));
        what.add(i);
      }
    } catch (ZipException | EOFException | CharacterCodingException e) {
      throw broken(eventsFile, e);
    }
    if (times.isEmpty() && unknown > 0) {
      throw new UsageException(
          String.format(
              Locale.ROOT,
              "%s: none of its %,d interactions names an item of %s, as %s: give the interactions of these items%s",
              eventsFile,
              unknown,
              itemsFile.getFileName(),
              example,
              maxItems > 0 ? ", or a larger --max-items than " + maxItems : ""));
    }
    return DataSet.sorted(
        String.valueOf(folder.toAbsolutePath().normalize().getFileName()),
        HexFormat.of().formatHex(digest.digest()),
        "rating",
        items,
        users.toArray(new String[0]),
        what.stream().mapToInt(Integer::intValue).toArray(),
        times.stream().mapToLong(Long::longValue).toArray(),
        unknown == 0
            ? ""
            : String.format(
                Locale.ROOT,
                "%s: %,d interactions name no item of %s, as %s, and are left out",
                eventsFile.getFileName(),
                unknown,
                itemsFile.getFileName(),
                example));
  }

  private static SourceItem item(String text, Path file, int line) {
    JsonNode node;
    try {
      node = JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw new UsageException(file + ":" + line + ": not JSON: " + e.getOriginalMessage());
    }
    String id = node.path("item").asText("");
    if (id.isEmpty()) {
      throw new UsageException(file + ":" + line + ": no 'item' (the identifier, a text)");
    }
    int bytes = id.chars().map(c -> c > 0x7FF ? 3 : c > 0x7F || c == 0 ? 2 : 1).sum();
    if (bytes > MOST_BYTES) {
      throw new UsageException(
          String.format(
              Locale.ROOT,
              "%s:%d: 'item' has %,d bytes, %s...; an identifier has at most %,d",
              file,
              line,
              bytes,
              id.substring(0, 20),
              MOST_BYTES));
    }
    JsonNode idx = node.get("idx");
    boolean whole = idx == null || idx.canConvertToExactIntegral() && idx.canConvertToInt();
    int number = idx == null ? line : idx.asInt();
    if (!whole || number < 1) {
      throw new UsageException(
          String.format(
              "%s:%d: idx %s is not a whole number from 1 to %d",
              file, line, idx, Integer.MAX_VALUE));
    }
    Map<String, String> attributes = new LinkedHashMap<>();
    node.fields()
        .forEachRemaining(
            field -> {
              JsonNode value = field.getValue();
              switch (field.getKey()) {
                case "item", "idx", "title", "text" -> {}
                default -> {
                  if (value.isArray()) {
                    List<String> parts = new ArrayList<>();
                    value.forEach(part -> parts.add(part.asText()));
                    attributes.put(field.getKey(), String.join(", ", parts));
                  } else if (value.isValueNode() && !value.isNull()) {
                    attributes.put(field.getKey(), value.asText());
                  }
                }
              }
            });
    return new SourceItem(
        id, textOrNull(node, "title"), textOrNull(node, "text"), attributes, number - 1);
  }

  private static long seconds(String text, Path file, int line) {
    long seconds;
    try {
      seconds = Long.parseLong(text);
    } catch (NumberFormatException e) {
      throw new UsageException(
          file + ":" + line + ": '" + shown(text) + "' is not a time in unix seconds");
    }
    if (seconds < FIRST_SECOND || seconds > LAST_SECOND) {
      throw new UsageException(
          file
              + ":"
              + line
              + ": '"
              + text
              + "' is not a time in unix seconds of the years 0 to 9999; divide milliseconds by 1000");
    }
    return seconds;
  }

  /** What a message quotes of a line, which may be a whole file of another format. */
  private static String shown(String text) {
    return text.length() <= MOST_SHOWN ? text : text.substring(0, MOST_SHOWN) + "...";
  }

  private static String textOrNull(JsonNode node, String name) {
    JsonNode value = node.get(name);
    return value == null || value.isNull() ? null : value.asText();
  }

  /** Every file of a folder that may be read, whether it is there or not. */
  public static List<Path> files(Path folder) {
    return Stream.of(ITEMS, INTERACTIONS)
        .flatMap(name -> either(name))
        .map(folder::resolve)
        .toList();
  }

  private static Stream<String> either(String name) {
    return Stream.of(name, name + ".gz");
  }

  private static Path either(Path folder, String name) {
    for (Path file : either(name).map(folder::resolve).toList()) {
      if (Files.isRegularFile(file)) {
        return file;
      }
    }
    throw new UsageException("--data " + folder + " has no " + name + " or " + name + ".gz");
  }

  private static BufferedReader open(Path file) throws IOException {
    InputStream in = bytes(file);
    try {
      // A decoder of one's own refuses what is not UTF-8; that of a charset would make one
      // character of it, and of two users one.
      BufferedReader lines =
          new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8.newDecoder()));
      lines.mark(1);
      if (lines.read() != BYTE_ORDER_MARK) {
        lines.reset();
      }
      return lines;
    } catch (IOException e) {
      in.close();
      throw e;
    }
  }

  private static InputStream bytes(Path file) throws IOException {
    InputStream in = Files.newInputStream(file);
    try {
      return file.toString().endsWith(".gz") ? new GZIPInputStream(in, 1 << 16) : in;
    } catch (IOException e) {
      in.close();
      throw e;
    }
  }

  /** Reads the file once more to name the line, which a reader's buffer does not tell. */
  private static UsageException notUtf8(Path file) throws IOException {
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    int number = 1;
    try (InputStream in = new BufferedInputStream(bytes(file))) {
      for (int b; (b = in.read()) >= 0; ) {
        line.write(b);
        if (b == '\n') {
          if (!isUtf8(line.toByteArray())) {
            break;
          }
          line.reset();
          number++;
        }
      }
    }
    return new UsageException(
        file + ":" + number + " has bytes that are not UTF-8; convert the file (iconv -t UTF-8)");
  }

  private static boolean isUtf8(byte[] bytes) {
    try {
      StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes));
      return true;
    } catch (CharacterCodingException e) {
      return false;
    }
  }

  private static UsageException broken(Path file, IOException e) throws IOException {
    if (e instanceof CharacterCodingException) {
      return notUtf8(file);
    }
    String why = e.getMessage() == null ? "it ends too early" : e.getMessage();
    return new UsageException(file + " is no whole gzip file (" + why + "); copy it again");
  }

  /** A line and its end: no other lines have the same bytes together. */
  private static void update(MessageDigest digest, String line) {
    digest.update(line.getBytes(StandardCharsets.UTF_8));
    digest.update((byte) '\n');
  }
}
