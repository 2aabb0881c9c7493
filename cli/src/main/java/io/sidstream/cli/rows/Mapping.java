package io.sidstream.cli.rows;

import com.fasterxml.jackson.databind.JsonNode;
import io.sidstream.cli.UsageException;
import io.sidstream.cli.rows.RowException.Fault;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Which columns of a file become which fields: {@code item=asin,text=title+description}. A field
 * that is not named has the column of its name. Columns joined by {@code +} are joined by a line
 * break; {@code column[]} takes a list and joins its parts so.
 */
public final class Mapping {
  private final String option;
  private final Map<String, List<Column>> fields;
  private final Set<String> used = new HashSet<>();

  /**
   * A column of a file.
   *
   * @param list whether it may be a list
   */
  private record Column(String name, boolean list) {}

  private Mapping(String option, Map<String, List<Column>> fields) {
    this.option = option;
    this.fields = fields;
    fields.values().forEach(columns -> columns.forEach(column -> used.add(column.name)));
  }

  /**
   * Reads one.
   *
   * @param text such as {@code item=asin,time=ts}, or empty, or null
   * @param known the fields that there are
   * @throws UsageException where it is not of this form or names another field
   */
  public static Mapping parse(String text, List<String> known) {
    return parse("--map", text, known);
  }

  /**
   * Reads that of an option.
   *
   * @param option its name, for messages
   * @param text such as {@code item=asin,time=ts}, or empty, or null
   * @param known the fields that there are
   * @throws UsageException where it is not of this form or names another field
   */
  public static Mapping parse(String option, String text, List<String> known) {
    Map<String, List<Column>> fields = new LinkedHashMap<>();
    known.forEach(field -> fields.put(field, List.of(new Column(field, false))));
    if (text == null || text.isBlank()) {
      return new Mapping(option, fields);
    }
    Set<String> said = new HashSet<>();
    for (String part : text.split(",", -1)) {
      int at = part.indexOf('=');
      String field = at < 0 ? part.strip() : part.substring(0, at).strip();
      if (at < 1 || at == part.length() - 1) {
        throw new UsageException(
            "%s '%s' in '%s': expected field=column, or field=column+column"
                .formatted(option, part, text));
      }
      if (!known.contains(field)) {
        throw new UsageException(
            "%s %s: there is no field '%s'; there are %s".formatted(option, text, field, known));
      }
      if (!said.add(field)) {
        throw new UsageException("%s %s names '%s' twice".formatted(option, text, field));
      }
      List<Column> columns = new ArrayList<>();
      for (String column : part.substring(at + 1).split("\\+", -1)) {
        String name = column.strip();
        boolean list = name.endsWith("[]");
        name = list ? name.substring(0, name.length() - 2) : name;
        if (name.isEmpty()) {
          throw new UsageException("%s '%s': a column without a name".formatted(option, part));
        }
        columns.add(new Column(name, list));
      }
      fields.put(field, columns);
    }
    return new Mapping(option, fields);
  }

  /** Whether a column becomes a field, and so no attribute. */
  public boolean uses(String column) {
    return used.contains(column);
  }

  /**
   * Refuses a file whose header lacks columns.
   *
   * @param file its name
   * @param columns of its header
   * @param needed fields that it must have; of the other fields, those that were mapped by name
   *     must be there, too
   * @throws UsageException names the file, the column, what there is and the fix
   */
  public void check(String file, List<String> columns, List<String> needed) {
    fields.forEach(
        (field, of) -> {
          for (Column column : of) {
            boolean wanted = needed.contains(field) || !column.name.equals(field);
            if (wanted && !columns.contains(column.name)) {
              throw new UsageException(missing(file, field, column.name, columns));
            }
          }
        });
  }

  private String missing(String file, String field, String column, Collection<String> columns) {
    // One that is a field itself is hardly it.
    String other =
        columns.stream().filter(name -> !used.contains(name)).findFirst().orElse("COLUMN");
    return "%s has no column '%s'; its columns are %s: say which it is, such as %s %s=%s"
        .formatted(file, column, String.join(", ", columns), option, field, other);
  }

  /**
   * A field as text, null where it is not there or empty.
   *
   * @throws RowException where a column of it is a list or an object
   */
  public String text(Row row, String field) throws RowException {
    List<String> parts = new ArrayList<>();
    for (Column column : fields.get(field)) {
      JsonNode value = row.fields().get(column.name);
      if (isNothing(value)) {
        continue;
      }
      if (value.isArray() && column.list) {
        for (JsonNode part : value) {
          add(parts, row, field, column, part);
        }
      } else {
        add(parts, row, field, column, value);
      }
    }
    return parts.isEmpty() ? null : String.join("\n", parts);
  }

  private void add(List<String> parts, Row row, String field, Column column, JsonNode value)
      throws RowException {
    if (value.isContainerNode()) {
      String hint =
          value.isArray() && !column.list
              ? " (%s %s=%s[] joins its parts)".formatted(option, field, column.name)
              : "";
      throw new RowException(
          row.number(),
          Fault.FIELD_TYPE,
          "'%s' is %s, a text is expected%s"
              .formatted(column.name, value.isArray() ? "a list" : "an object", hint));
    }
    if (!value.isNull() && !value.asText().isEmpty()) {
      parts.add(value.asText());
    }
  }

  /**
   * A field that must be there.
   *
   * @param about what it is, for the message
   * @throws RowException where it is not there or empty; names the columns that there are
   */
  public String needed(Row row, String field, String about) throws RowException {
    String value = text(row, field);
    if (value == null) {
      List<String> columns = new ArrayList<>();
      row.fields().fieldNames().forEachRemaining(columns::add);
      throw new RowException(
          row.number(),
          Fault.FIELD_MISSING,
          "no '%s' (%s); the line has %s: say which it is with %s %s=COLUMN"
              .formatted(fields.get(field).get(0).name, about, columns, option, field));
    }
    return value;
  }

  /** The value of a field that is one column, null where it is not there. */
  public JsonNode value(Row row, String field) {
    JsonNode value = row.fields().get(fields.get(field).get(0).name);
    return isNothing(value) ? null : value;
  }

  /** Whether there is no value; NaN, as Python writes it, is none. */
  static boolean isNothing(JsonNode value) {
    return value == null
        || value.isNull()
        || value.isFloatingPointNumber() && Double.isNaN(value.doubleValue());
  }
}
