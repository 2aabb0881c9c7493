package io.sidstream.cli.tokens;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.client.Token;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.Printable;
import io.sidstream.schemas.Quality;
import io.sidstream.schemas.TokenRef;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Rows of the token table as text. */
final class RowText {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final WireFormat wire = new WireFormat();

  /** One JSON object; the fields of the row, where there is one, else those of the token alone. */
  String json(String item, Token token, byte[] row) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("item", item);
    if (row != null) {
      ItemToken value = wire.decode(row, ItemToken.class);
      fields.put("version", value.getVersion());
      fields.put("commit", value.getCommit());
      fields.put("revision", value.getRevision());
      fields.put("codes", List.copyOf(value.getCodes()));
      fields.put("suffix", value.getSuffix());
      fields.put("nearest", List.copyOf(value.getNearest()));
      fields.put("distances", List.copyOf(value.getDistances()));
      fields.put("margins", List.copyOf(value.getMargins()));
      fields.put("previous", ref(value.getPrevious()));
      fields.put("time", value.getTime().toString());
    } else {
      fields.put("version", token.version());
      fields.put("codes", token.codes());
      fields.put("suffix", token.suffix() == 0 ? null : token.suffix());
    }
    return write(fields);
  }

  /** A version record as one line, with what the state has to say; empty parts are left out. */
  static String version(VersionRecord v) {
    StringBuilder line = new StringBuilder();
    line.append("version ").append(v.getVersion()).append(' ').append(v.getState());
    line.append(' ').append(v.getTime()).append(": items ").append(v.getItems());
    if (v.getState() == VersionState.COMMIT) {
      line.append(", rows ").append(v.getRows()).append(", removed ").append(v.getTombstones());
      line.append(", moved ").append(v.getMovedItems()).append(" of ").append(v.getOldItems());
      line.append(" (%.2f %%)".formatted(100.0 * v.getMovedItems() / Math.max(1, v.getOldItems())));
      line.append(", changed codes ").append(v.getChangedCodes());
      line.append(", prefixes ").append(v.getChangedPrefixes());
    }
    if (v.getQuality() != null) {
      Quality q = v.getQuality();
      line.append(
          ", expected churn %.2f %%, alone in their tuple %.2f %%"
              .formatted(100 * q.getExpectedChurn(), 100 * q.getUniqueTuples()));
      line.append(", reseeded codewords ").append(q.getReseeded());
      line.append(", items on them ").append(q.getReseededItems());
    }
    if (v.getReason() != null) {
      line.append(", reason: ").append(Printable.of(v.getReason()));
    }
    return line.toString();
  }

  /** A removal as one JSON object. */
  String removal(String item, int commit, Token previous) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("item", item);
    fields.put("removed", true);
    fields.put("commit", commit);
    fields.put("previous", previous == null ? null : previous.toString());
    return write(fields);
  }

  private static Map<String, Object> ref(TokenRef ref) {
    if (ref == null) {
      return null;
    }
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("version", ref.getVersion());
    fields.put("codes", List.copyOf(ref.getCodes()));
    fields.put("suffix", ref.getSuffix());
    return fields;
  }

  static String write(Map<String, Object> fields) {
    try {
      return JSON.writeValueAsString(fields);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The header of the CSV form. */
  static String csvHeader(int levels) {
    List<String> names = new ArrayList<>(List.of("item", "version"));
    for (int l = 1; l <= levels; l++) {
      names.add("code" + l);
    }
    names.add("suffix");
    return String.join(",", names);
  }

  /** One line by RFC 4180. */
  static String csv(String item, Token token) {
    StringBuilder line = new StringBuilder();
    boolean quoted = item.chars().anyMatch(c -> c == ',' || c == '"' || c == '\n' || c == '\r');
    line.append(quoted ? '"' + item.replace("\"", "\"\"") + '"' : item);
    line.append(',').append(token.version());
    for (int code : token.codes()) {
      line.append(',').append(code);
    }
    line.append(',').append(token.suffix() == 0 ? "" : String.valueOf(token.suffix()));
    return line.toString();
  }
}
