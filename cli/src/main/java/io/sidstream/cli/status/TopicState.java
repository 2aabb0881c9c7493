package io.sidstream.cli.status;

import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.cli.tokens.TokenLog;
import io.sidstream.schemas.DeadLetter;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelParts;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/**
 * What a job's topics say now: version records, the newest row of every item, what the items are,
 * codebooks and dead letters. Records that are not what belongs on their topic are counted and
 * passed over.
 */
public final class TopicState {
  /** Characters of a text that stands for a missing title. */
  private static final int TITLE = 80;

  private final WireFormat wire = new WireFormat();

  /** By key, oldest first: what another has taken the place of goes, as from the topic. */
  private final Map<Object, VersionRecord> versions = new LinkedHashMap<>();

  private final TreeMap<String, ItemToken> rows = new TreeMap<>();
  private final Map<String, String> titles = new HashMap<>();
  private final Set<String> items = new HashSet<>();
  private final TreeMap<Integer, CodebookSet> codebooks = new TreeMap<>();
  private final Map<Integer, TreeMap<Integer, ModelPart>> pieces = new HashMap<>();
  private final Map<String, Long> deadLetters = new TreeMap<>();
  private DeadLetter lastDeadLetter;
  private long unreadable;

  /** Nothing taken yet. */
  public TopicState() {}

  /**
   * Reads topics to their present end.
   *
   * @param names without the prefix, such as "versions"; those that are not there are left out, but
   *     versions
   * @throws IllegalStateException where the brokers cannot be used, or have no topic of versions
   */
  public static TopicState read(KafkaOptions kafka, String... names) {
    TopicState state = new TopicState();
    TokenLog.read(
        kafka.reach().bootstrap(),
        kafka.prefix(),
        kafka.properties(),
        Set.of("versions"),
        names,
        record -> state.take(record, record.topic().substring(kafka.prefix().length())));
    return state;
  }

  /**
   * Takes the next record.
   *
   * @param topic its topic without the prefix
   */
  public void take(ConsumerRecord<byte[], byte[]> record, String topic) {
    try {
      String key = record.key() == null ? "" : new String(record.key(), StandardCharsets.UTF_8);
      switch (topic) {
        case "versions" -> version(key, wire.decode(record.value(), VersionRecord.class));
        case "tokens" -> {
          if (record.value() == null) {
            rows.remove(key);
          } else {
            rows.put(key, wire.decode(record.value(), ItemToken.class));
          }
        }
        case "items" -> item(key, record.value());
        case "models" -> {
          if (key.contains("/" + ModelPartKind.CODEBOOKS + "/")) {
            if (record.value() == null) {
              codebooks.remove(ModelParts.Key.of(key).version());
            } else {
              piece(wire.decode(record.value(), ModelPart.class));
            }
          }
        }
        case "dead-letters" -> {
          lastDeadLetter = wire.decode(record.value(), DeadLetter.class);
          deadLetters.merge(lastDeadLetter.getCode(), 1L, Long::sum);
        }
        default -> {}
      }
    } catch (RuntimeException e) {
      unreadable++;
    }
  }

  private void version(String key, VersionRecord version) {
    // Records without a slot, of a topic that an earlier build wrote, share keys and all count.
    Object slot = key.indexOf('/') > 0 ? key : new Object();
    versions.remove(slot);
    versions.put(slot, version);
  }

  private void item(String key, byte[] value) {
    if (value == null) {
      items.remove(key);
      titles.remove(key);
      return;
    }
    ItemEvent event = wire.decode(value, ItemEvent.class);
    items.add(key);
    String title = event.getTitle() != null ? event.getTitle() : event.getText();
    if (title != null && !title.isBlank()) {
      titles.put(key, shortened(title.strip()));
    }
  }

  private static String shortened(String text) {
    String line = text.replaceAll("\\s+", " ");
    return line.codePointCount(0, line.length()) <= TITLE
        ? line
        : line.substring(0, line.offsetByCodePoints(0, TITLE)) + "…";
  }

  private void piece(ModelPart part) {
    TreeMap<Integer, ModelPart> known =
        pieces.computeIfAbsent(part.getVersion(), v -> new TreeMap<>());
    known.put(part.getIndex(), part);
    if (known.size() == part.getCount()) {
      codebooks.put(part.getVersion(), CodebookSet.of(known.values()));
      pieces.remove(part.getVersion());
    }
  }

  /** Version records, oldest first. */
  public List<VersionRecord> versions() {
    return List.copyOf(versions.values());
  }

  /** Version records in one state, oldest first. */
  public List<VersionRecord> versions(VersionState state) {
    return versions.values().stream().filter(v -> v.getState() == state).toList();
  }

  /** The newest record in a state, null for none. */
  public VersionRecord newest(VersionState state) {
    List<VersionRecord> all = versions(state);
    return all.isEmpty() ? null : all.get(all.size() - 1);
  }

  /** The newest row of every item that has a token. */
  public Map<String, ItemToken> rows() {
    return rows;
  }

  /** Identifiers of the items on the items topic that are not deleted. */
  public Set<String> items() {
    return items;
  }

  /** What a person calls an item: its title, or else its text's beginning; empty for unknown. */
  public String title(String item) {
    return titles.getOrDefault(item, "");
  }

  /**
   * The codebooks of a version; where they were removed, because they are older than what is kept,
   * the oldest that are left: a row of the version is valid under those, too. Null where they are
   * not on the models topic.
   */
  public CodebookSet codebooks(int version) {
    boolean removed = version > 0 && !codebooks.isEmpty() && version < codebooks.firstKey();
    return removed ? codebooks.firstEntry().getValue() : codebooks.get(version);
  }

  /** Dead letters by rule. */
  public Map<String, Long> deadLetters() {
    return deadLetters;
  }

  /** The newest dead letter, null for none. */
  public DeadLetter lastDeadLetter() {
    return lastDeadLetter;
  }

  /** Records that were passed over. */
  public long unreadable() {
    return unreadable;
  }

  /** Codes of a row. */
  public static int[] codes(List<Integer> codes) {
    return codes.stream().mapToInt(Integer::intValue).toArray();
  }

  /** As tokens are written: {@code 12-200-7}, or with a suffix {@code 12-200-7+1}. */
  public static String token(ItemToken row) {
    String codes =
        String.join("-", Arrays.stream(codes(row.getCodes())).mapToObj(String::valueOf).toList());
    return row.getSuffix() == null ? codes : codes + "+" + row.getSuffix();
  }
}
