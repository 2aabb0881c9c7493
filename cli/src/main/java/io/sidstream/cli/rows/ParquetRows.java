package io.sidstream.cli.rows;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sidstream.cli.UsageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/**
 * Rows of a Parquet file, read by DuckDB in this process. Lists and structures become those of
 * JSON, timestamps ISO texts.
 */
final class ParquetRows implements RowReader {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final String name;
  private final Path copy;
  private final Connection connection;
  private final ResultSet rows;
  private final List<String> columns;
  private final long size;
  private long number;

  /**
   * Opens it.
   *
   * @param file a path, or {@code -}: a format whose index is at its end is kept in a temporary
   *     file
   * @throws UsageException where it is no Parquet file
   */
  static ParquetRows open(String file) throws IOException {
    Path copy = null;
    String path = file;
    if (file.equals(Input.STANDARD)) {
      copy = Files.createTempFile("sidstream-", ".parquet");
      Files.copy(System.in, copy, StandardCopyOption.REPLACE_EXISTING);
      path = copy.toString();
    } else if (!Files.isRegularFile(Path.of(file))) {
      throw new UsageException(file + " is not a file");
    }
    try {
      return new ParquetRows(file.equals(Input.STANDARD) ? "standard input" : file, path, copy);
    } catch (SQLException e) {
      if (copy != null) {
        Files.delete(copy);
      }
      throw new UsageException(file + " cannot be read as Parquet: " + firstLine(e));
    }
  }

  private ParquetRows(String name, String path, Path copy) throws SQLException {
    this.name = name;
    this.copy = copy;
    Properties settings = new Properties();
    // Rows as they come, not all of them first.
    settings.setProperty("jdbc_stream_results", "true");
    // Nothing is fetched from anywhere, and the file's order is kept.
    settings.setProperty("autoinstall_known_extensions", "false");
    settings.setProperty("preserve_insertion_order", "true");
    settings.setProperty("threads", "1");
    connection = DriverManager.getConnection("jdbc:duckdb:", settings);
    try {
      try (Statement zone = connection.createStatement()) {
        zone.execute("SET TimeZone = 'UTC'");
      } catch (SQLException e) {
        // Times with a zone are then printed with their offset.
      }
      columns = new ArrayList<>();
      try (PreparedStatement head =
              connection.prepareStatement("SELECT * FROM read_parquet(?) LIMIT 0");
          PreparedStatement count =
              connection.prepareStatement("SELECT count(*) FROM read_parquet(?)")) {
        head.setString(1, path);
        try (ResultSet none = head.executeQuery()) {
          ResultSetMetaData about = none.getMetaData();
          for (int i = 1; i <= about.getColumnCount(); i++) {
            columns.add(about.getColumnName(i));
          }
        }
        count.setString(1, path);
        try (ResultSet one = count.executeQuery()) {
          one.next();
          size = one.getLong(1);
        }
      }
      PreparedStatement statement =
          connection.prepareStatement("SELECT to_json(t)::VARCHAR FROM read_parquet(?) t");
      statement.setString(1, path);
      rows = statement.executeQuery();
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
  }

  @Override
  public Row next() throws IOException {
    try {
      if (!rows.next()) {
        return null;
      }
      number++;
      String text = rows.getString(1);
      return new Row(number, (ObjectNode) JSON.readTree(text), text);
    } catch (SQLException e) {
      throw new UsageException(
          "%s cannot be read after row %d: %s".formatted(name, number, firstLine(e)));
    }
  }

  private static String firstLine(SQLException e) {
    return String.valueOf(e.getMessage()).lines().findFirst().orElse("");
  }

  @Override
  public List<String> columns() {
    return columns;
  }

  @Override
  public long position() {
    return number;
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public void close() throws IOException {
    try {
      // Closes what was opened from it.
      connection.close();
    } catch (SQLException e) {
      throw new IOException(name + " cannot be closed: " + firstLine(e), e);
    } finally {
      if (copy != null) {
        Files.deleteIfExists(copy);
      }
    }
  }
}
