package io.sidstream.cli.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.cli.UsageException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;

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
 * Interactions with items that are not among the items read are left out.
 */
public final class DataSetReader {
  private static final ObjectMapper JSON = new ObjectMapper();

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
    MessageDigest digest = sha256();
    Path itemsFile = either(folder, "items.jsonl");
    Path eventsFile = either(folder, "interactions.tsv");
    Map<String, Integer> index = new HashMap<>();
    List<SourceItem> items = new ArrayList<>();
    BitSet rows = new BitSet();
    try (BufferedReader lines = open(itemsFile)) {
      int line = 0;
      for (String text;
          (text = lines.readLine()) != null && !(maxItems > 0 && line >= maxItems); ) {
        line++;
        digest.update(text.getBytes(StandardCharsets.UTF_8));
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
    }
    if (items.isEmpty()) {
      throw new UsageException(itemsFile + " has no items");
    }
    List<String> users = new ArrayList<>();
    List<Integer> what = new ArrayList<>();
    List<Long> times = new ArrayList<>();
    Map<String, String> names = new HashMap<>();
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
                  + text
                  + "'");
        }
        Integer i = index.get(cells[1]);
        if (i == null) {
          continue;
        }
        digest.update(text.getBytes(StandardCharsets.UTF_8));
        try {
          times.add(Math.multiplyExact(Long.parseLong(cells[2]), 1000L));
        } catch (NumberFormatException | ArithmeticException e) {
          throw new UsageException(
              eventsFile + ":" + line + ": '" + cells[2] + "' is not a time in unix seconds");
        }
        users.add(names.computeIfAbsent(cells[0], name -> name));
        what.add(i);
      }
    }
    return DataSet.sorted(
        String.valueOf(folder.toAbsolutePath().normalize().getFileName()),
        HexFormat.of().formatHex(digest.digest()),
        "rating",
        items,
        users.toArray(new String[0]),
        what.stream().mapToInt(Integer::intValue).toArray(),
        times.stream().mapToLong(Long::longValue).toArray());
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
    JsonNode idx = node.get("idx");
    int row = idx == null ? line - 1 : idx.canConvertToExactIntegral() ? idx.asInt(0) - 1 : -1;
    if (row < 0) {
      throw new UsageException(
          file + ":" + line + ": idx " + idx + " is not a whole number from 1");
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
    return new SourceItem(id, textOrNull(node, "title"), textOrNull(node, "text"), attributes, row);
  }

  private static String textOrNull(JsonNode node, String name) {
    JsonNode value = node.get(name);
    return value == null || value.isNull() ? null : value.asText();
  }

  private static Path either(Path folder, String name) {
    for (Path file : List.of(folder.resolve(name), folder.resolve(name + ".gz"))) {
      if (Files.isRegularFile(file)) {
        return file;
      }
    }
    throw new UsageException("--data " + folder + " has no " + name + " or " + name + ".gz");
  }

  private static BufferedReader open(Path file) throws IOException {
    InputStream in = Files.newInputStream(file);
    return new BufferedReader(
        new InputStreamReader(
            file.toString().endsWith(".gz") ? new GZIPInputStream(in, 1 << 16) : in,
            StandardCharsets.UTF_8));
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }
}
