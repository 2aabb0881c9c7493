package io.sidstream.cli.rows;

import io.sidstream.cli.rows.RowException.Fault;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * An interaction of a file.
 *
 * @param user identifier, not empty
 * @param item identifier, not empty
 * @param time ms since 1970
 * @param kind what happened, or null
 * @param weight strength, or null
 * @param eventId identifier of the event, or null
 */
public record InteractionRow(
    String user, String item, long time, String kind, Float weight, String eventId) {
  /** The fields that columns can be mapped to. */
  public static final List<String> FIELDS =
      List.of("user", "item", "time", "kind", "weight", "eventId");

  /** Those that every file must have, also the columns of a CSV or TSV file without a header. */
  public static final List<String> NEEDED = List.of("user", "item", "time");

  /**
   * The interaction of a record.
   *
   * @throws RowException where the record has none; names the field, its value and what is expected
   */
  public static InteractionRow of(Row row, Mapping map) throws RowException {
    String weight = map.text(row, "weight");
    Float strength = null;
    if (weight != null) {
      try {
        strength = Float.valueOf(weight.strip());
      } catch (NumberFormatException e) {
        throw new RowException(
            row.number(), Fault.FIELD_TYPE, "weight: '%s' is not a number".formatted(weight));
      }
    }
    String eventId = map.text(row, "eventId");
    return new InteractionRow(
        Identifiers.check(map.needed(row, "user", "the identifier"), "user", row.number()),
        Identifiers.check(map.needed(row, "item", "the identifier"), "item", row.number()),
        ItemRow.time(row, "time", map.needed(row, "time", "when it happened")),
        map.text(row, "kind"),
        strength,
        eventId == null ? null : Identifiers.check(eventId, "eventId", row.number()));
  }

  /**
   * The identifier of the event: its own, or one made of user, item, kind and time, so that a file
   * that is loaded twice counts once.
   */
  public String id() {
    if (eventId != null) {
      return eventId;
    }
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      for (String part : List.of(user, item, String.valueOf(kind), String.valueOf(time))) {
        sha.update(part.getBytes(StandardCharsets.UTF_8));
        sha.update((byte) 0);
      }
      return HexFormat.of().formatHex(Arrays.copyOf(sha.digest(), 16));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
