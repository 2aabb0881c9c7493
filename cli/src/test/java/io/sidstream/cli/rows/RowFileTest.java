package io.sidstream.cli.rows;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.sidstream.cli.UsageException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RowFileTest {
  @TempDir Path folder;

  @Test
  void readsTheSameItemsOfEveryForm() throws Exception {
    write(
        "a.jsonl",
        "{\"id\":\"A\",\"name\":\"Kettle\",\"about\":\"a kettle, of oak\",\"at\":1714566600,\"colour\":\"red\"}\n\n"
            + "{\"id\":\"B\",\"about\":\"two \\\"lines\\\"\",\"at\":\"2024-05-01T12:30:00Z\",\"colour\":\"\"}");
    write(
        "b.csv",
        "\uFEFFid,name,about,at,colour\r\nA,Kettle,\"a kettle, of oak\",1714566600,red\r\n"
            + "B,,\"two \"\"lines\"\"\",2024-05-01T12:30:00Z,\r\n");
    write(
        "c.tsv",
        "id\tname\tabout\tat\tcolour\nA\tKettle\ta kettle, of oak\t1714566600\tred\n"
            + "B\t\ttwo \"lines\"\t2024-05-01 12:30:00\t\n");
    parquet(
        "d.parquet",
        "SELECT * FROM (VALUES ('A', 'Kettle', 'a kettle, of oak', TIMESTAMP '2024-05-01 12:30:00', 'red'),"
            + " ('B', NULL, 'two \"lines\"', TIMESTAMP '2024-05-01 12:30:00', NULL))"
            + " t(id, name, about, \"at\", colour)");
    gzip("e.csv.gz", Files.readString(folder.resolve("b.csv")));
    for (String name : List.of("a.jsonl", "b.csv", "c.tsv", "d.parquet", "e.csv.gz")) {
      List<ItemRow> items = items(name, "item=id,title=name,text=name+about,time=at");
      assertThat(items).as(name).extracting(ItemRow::item).containsExactly("A", "B");
      assertThat(items)
          .as(name)
          .extracting(ItemRow::text)
          .containsExactly("Kettle\na kettle, of oak", "two \"lines\"");
      assertThat(items).as(name).extracting(ItemRow::title).containsExactly("Kettle", null);
      assertThat(items).as(name).extracting(ItemRow::time).containsOnly(1_714_566_600_000L);
      assertThat(items.get(0).attributes()).as(name).containsOnlyKeys("colour");
    }
  }

  @Test
  void readsVectorsOfListsAndOfTheirTexts() throws Exception {
    write("a.jsonl", "{\"item\":\"A\",\"vector\":[0.5,-2,3e-1]}\n");
    write("b.csv", "item,vector\nA,\"[0.5,-2,3e-1]\"\n");
    parquet("c.parquet", "SELECT 'A' AS item, [0.5::FLOAT, -2, 0.3::FLOAT] AS vector");
    for (String name : List.of("a.jsonl", "b.csv", "c.parquet")) {
      assertThat(items(name, "").get(0).vector()).as(name).containsExactly(.5f, -2f, .3f);
    }
    write("a.jsonl", "{\"item\":\"A\",\"vector\":[0.5,\"x\"]}\n");
    assertRefused("a.jsonl", "", "'vector' has \"x\" at 1; expected: numbers");
    write("a.jsonl", "{\"item\":\"A\",\"vector\":\"much\"}\n");
    assertRefused("a.jsonl", "", "'vector' is no list of numbers");
  }

  @Test
  void refusesAListWhereATextIsExpectedUnlessItIsToBeJoined() throws Exception {
    write("a.jsonl", "{\"item\":\"A\",\"text\":[\"one\",\"two\"]}\n");
    assertRefused(
        "a.jsonl", "", "'text' is a list, a text is expected (--map text=text[] joins its parts)");
    assertThat(items("a.jsonl", "text=text[]").get(0).text()).isEqualTo("one\ntwo");
    write("a.jsonl", "{\"item\":\"A\",\"text\":{\"en\":\"one\"}}\n");
    assertRefused("a.jsonl", "", "'text' is an object, a text is expected");
    write("a.jsonl", "{\"item\":[\"A\"]}\n");
    assertRefused("a.jsonl", "", "'item' is a list, a text is expected");
  }

  @Test
  void refusesIdentifiersThatUtf8CannotWrite() throws Exception {
    write("a.jsonl", "{\"item\":\"\\ud83d\\ude00\"}\n{\"item\":\"cut-\\ud83d\"}\n");
    assertRefused("a.jsonl", "", "'item' has half of a surrogate pair, 'cut-\\ud83d'");
    write("b.jsonl", "{\"user\":\"\\udc00\",\"item\":\"A\",\"time\":1}\n");
    try (RowReader reader = open("b.jsonl")) {
      Row row = reader.next();
      assertThatThrownBy(() -> InteractionRow.of(row, Mapping.parse("", InteractionRow.FIELDS)))
          .hasMessageContaining("'user' has half of a surrogate pair");
    }
  }

  @Test
  void interactionsWithoutAHeaderAreUserItemTime() throws Exception {
    write("a.tsv", "u\tA\t1714566600\nv\tB\t1714566601\n");
    write("b.csv", "time,user,item\n1714566600,u,A\n1714566601,v,B\n");
    for (String name : List.of("a.tsv", "b.csv")) {
      List<InteractionRow> events = new ArrayList<>();
      try (RowReader reader =
          RowFile.of(folder.resolve(name).toString()).open(InteractionRow.NEEDED)) {
        for (Row row; (row = reader.next()) != null; ) {
          events.add(InteractionRow.of(row, Mapping.parse("", InteractionRow.FIELDS)));
        }
      }
      assertThat(events)
          .as(name)
          .extracting(InteractionRow::user, InteractionRow::item, InteractionRow::time)
          .containsExactly(
              org.assertj.core.groups.Tuple.tuple("u", "A", 1_714_566_600_000L),
              org.assertj.core.groups.Tuple.tuple("v", "B", 1_714_566_601_000L));
      assertThat(events.get(0).id()).hasSize(32).isNotEqualTo(events.get(1).id());
    }
  }

  @Test
  void namesTheLineOfWhatIsWrong() throws Exception {
    write("a.csv", "item,text\nA,\"one\ntwo\"\nB\nC,three\n");
    try (RowReader reader = open("a.csv")) {
      assertThat(reader.next().number()).isEqualTo(2);
      assertThatThrownBy(reader::next)
          .isInstanceOfSatisfying(RowException.class, e -> assertThat(e.number()).isEqualTo(4))
          .hasMessage("1 columns; expected: the 2 of the header, [item, text]");
      assertThat(reader.next().fields().get("item").asText()).isEqualTo("C");
      assertThat(reader.next()).isNull();
    }
    write("b.csv", "item,item\n");
    assertUsage("b.csv", "b.csv:1: the header has 'item' twice");
    write("c.csv", "item,text\nA,\"open\n");
    assertThatThrownBy(() -> items("c.csv", "")).isInstanceOf(UsageException.class);
    write("d.csv", "asin,name\nA,x\n");
    assertThatThrownBy(
            () -> Mapping.parse("", ItemRow.FIELDS).check("d.csv", List.of("asin"), ItemRow.NEEDED))
        .hasMessage(
            "d.csv has no column 'item'; its columns are asin: say which it is, such as --map item=asin");
    assertUsage("none.csv", "none.csv is not there");
    assertUsage("x.xls", "its name does not tell its form");
    write("e.parquet", "no");
    assertUsage("e.parquet", "cannot be read as Parquet");
    Files.write(folder.resolve("f.csv"), new byte[] {'i', 't', 'e', 'm', '\n', (byte) 0xE4, '\n'});
    assertUsage("f.csv", "f.csv:2 has bytes that are not UTF-8");
  }

  @Test
  void namesWhatAFileIsInsteadOfText() throws Exception {
    assertForeign("PK\003\004....", "is a zip archive (an Excel file is one, too): unpack it");
    assertForeign("BZh91AY", "is packed by bzip2: unpack it (bunzip2)");
    assertForeign("\u0028\u00b5\u002f\u00fd..", "is packed by zstd: unpack it (unzstd)");
    assertForeign("\u00fd7zXZ\0..", "is packed by xz: unpack it (unxz)");
    assertForeign("\u00ff\u00fe{\0}\0", "is UTF-16: convert it (iconv -f UTF-16 -t UTF-8)");
    assertForeign("PAR1....", "is Parquet: say --format parquet");
    assertForeign("Obj\001....", "is Avro: write it as JSON lines");
  }

  private void assertForeign(String bytes, String message) throws IOException {
    Files.write(folder.resolve("f.jsonl"), bytes.getBytes(StandardCharsets.ISO_8859_1));
    assertUsage("f.jsonl", "f.jsonl " + message);
  }

  @Test
  void namesAnotherSeparatorThanTheFormHas() throws Exception {
    write("a.csv", "item;text\nA;x\n");
    assertUsage("a.csv", "a.csv: the header 'item;text' is one column: it is parted by ';'");
    write("b.csv", "item\ttext\nA\tx\n");
    assertUsage("b.csv", "parted by tabs, ',' is expected: say --format tsv");
    write("c.tsv", "item,text\nA,x\n");
    assertUsage("c.tsv", "parted by ',', a tab is expected: say --format csv");
    write("d.csv", "item\nA;B\n");
    assertThat(items("d.csv", "")).extracting(ItemRow::item).containsExactly("A;B");
  }

  @Test
  void emptyLinesAreNoRecordsWhateverTheyEndWith() throws Exception {
    for (String end : List.of("\n", "\r\n")) {
      String blank = end + end;
      write("a.csv", "item,text" + blank + "A,x" + blank + "B,\"one\ntwo\"" + blank);
      write("b.tsv", "item\ttext" + blank + "A\tx" + blank + "B\tone" + blank);
      write("c.jsonl", "{\"item\":\"A\"}" + blank + " " + end + "{\"item\":\"B\"}" + blank);
      for (String name : List.of("a.csv", "b.tsv", "c.jsonl")) {
        assertThat(items(name, "")).as(name).extracting(ItemRow::item).containsExactly("A", "B");
      }
    }
  }

  @Test
  void jsonThatIsNotOneObjectALineIsToldHow() throws Exception {
    String cure = " (one object a line, without brackets and commas: jq -c '.[]' makes them)";
    write("a.jsonl", "[{\"item\":\"A\"},\n");
    assertRefused("a.jsonl", "", "within/between Array entries" + cure);
    write("a.jsonl", "[{\"item\":\"A\"}]\n");
    assertRefused("a.jsonl", "", "a JSON array; expected: an object a line" + cure);
    write("a.jsonl", "{\n\"item\":\"A\"\n}\n");
    assertRefused("a.jsonl", "", "expected close marker for Object" + cure);
    write("a.jsonl", "{\"item\":\"A\"}\n{\"item\":\"B\"},\n");
    assertRefused("a.jsonl", "", cure);
    write("a.jsonl", "[".repeat(2000) + "\n");
    assertRefused("a.jsonl", "", "exceeds the maximum allowed (1000)" + cure);
  }

  @Test
  void nanIsNoValueAsPythonWritesIt() throws Exception {
    write("a.jsonl", "{\"item\":\"A\",\"text\":NaN,\"price\":NaN,\"vector\":[NaN]}\n");
    ItemRow item = items("a.jsonl", "").get(0);
    assertThat(item.text()).isNull();
    assertThat(item.attributes()).isEmpty();
    assertThat(item.vector()).containsExactly(Float.NaN);
    write("a.jsonl", "{\"item\":NaN}\n");
    assertRefused("a.jsonl", "", "no 'item'");
  }

  @Test
  void identifiersAreKeptAsTheyAre() throws Exception {
    List<String> ids = List.of("a b", "a\"b", "a\nb", "\ud83d\ude00", "gr\u00f6\u00dfe", " a");
    StringBuilder csv = new StringBuilder("item,text\n");
    StringBuilder lines = new StringBuilder();
    for (String id : ids) {
      csv.append('"').append(id.replace("\"", "\"\"")).append("\",x\n");
      lines.append(new ObjectMapper().writeValueAsString(Map.of("item", id))).append('\n');
    }
    write("a.csv", csv.toString());
    write("b.jsonl", lines.toString());
    for (String name : List.of("a.csv", "b.jsonl")) {
      assertThat(items(name, "")).as(name).extracting(ItemRow::item).isEqualTo(ids);
    }
    write("c.jsonl", "{\"item\":12345678901234567890123}\n{\"item\":7}\n");
    assertThat(items("c.jsonl", ""))
        .extracting(ItemRow::item)
        .containsExactly("12345678901234567890123", "7");
  }

  @Test
  void refusesAMappingThatMeansNothing() {
    assertThatThrownBy(() -> Mapping.parse("item", ItemRow.FIELDS)).hasMessageContaining("--map");
    assertThatThrownBy(() -> Mapping.parse("asin=item", ItemRow.FIELDS))
        .hasMessageContaining("there is no field 'asin'; there are [item, title");
    assertThatThrownBy(() -> Mapping.parse("item=a,item=b", ItemRow.FIELDS))
        .hasMessageContaining("twice");
    assertThatThrownBy(() -> Mapping.parse("text=a++b", ItemRow.FIELDS))
        .hasMessageContaining("a column without a name");
  }

  private List<ItemRow> items(String name, String map) throws Exception {
    List<ItemRow> items = new ArrayList<>();
    try (RowReader reader = open(name)) {
      for (Row row; (row = reader.next()) != null; ) {
        items.add(ItemRow.of(row, Mapping.parse(map, ItemRow.FIELDS)));
      }
    }
    return items;
  }

  private void assertRefused(String name, String map, String message) {
    assertThatThrownBy(() -> items(name, map))
        .isInstanceOf(RowException.class)
        .hasMessageContaining(message);
  }

  private void assertUsage(String name, String message) {
    assertThatThrownBy(() -> items(name, ""))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining(message);
  }

  private RowReader open(String name) throws IOException {
    return RowFile.of(folder.resolve(name).toString()).open(null);
  }

  private void write(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name), text);
  }

  private void gzip(String name, String text) throws IOException {
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(folder.resolve(name)))) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
  }

  private void parquet(String name, String query) throws Exception {
    try (Connection connection = DriverManager.getConnection("jdbc:duckdb:");
        Statement statement = connection.createStatement()) {
      statement.execute("COPY (" + query + ") TO '" + folder.resolve(name) + "' (FORMAT parquet)");
    }
  }
}
