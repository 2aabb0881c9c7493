package io.sidstream.cli.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sidstream.cli.UsageException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DataSetReaderTest {
  private static final String ITEMS =
      """
      {"item": "B", "idx": 2, "title": "Blue", "brand": null, "categories": ["x", "y"], "text": "blue thing"}
      {"item": "A", "idx": 1, "title": "Amber", "brand": "acme"}
      {"item": "C", "title": "Cyan", "text": "cyan thing"}
      """;
  private static final String EVENTS =
      "u2\tA\t20\nu1\tB\t20\nu1\tC\t10\nu1\tA\t20\nu3\tmissing\t5\n";

  @TempDir Path folder;

  @Test
  void readsInOrderOfTimeAndKeepsTheOrderOfTies() throws IOException {
    write("items.jsonl", ITEMS);
    write("interactions.tsv", EVENTS);
    DataSet set = DataSetReader.read(folder, 0);
    assertThat(set.items()).extracting(SourceItem::id).containsExactly("B", "A", "C");
    assertThat(set.items()).extracting(SourceItem::row).containsExactly(1, 0, 2);
    assertThat(set.items().get(0).attributes())
        .containsOnlyKeys("categories")
        .containsEntry("categories", "x, y");
    assertThat(set.items().get(1).text()).isNull();
    assertThat(set.items().get(1).attributes()).containsEntry("brand", "acme");
    assertThat(set.user()).containsExactly("u1", "u2", "u1", "u1");
    assertThat(set.item()).containsExactly(2, 1, 0, 1);
    assertThat(set.time()).containsExactly(10_000, 20_000, 20_000, 20_000);
  }

  @Test
  void takesTheFirstItemsAndTheirInteractions() throws IOException {
    write("items.jsonl", ITEMS);
    write("interactions.tsv", EVENTS);
    DataSet two = DataSetReader.read(folder, 2);
    assertThat(two.items()).hasSize(2);
    assertThat(two.user()).containsExactly("u2", "u1", "u1");
    assertThat(two.digest()).isNotEqualTo(DataSetReader.read(folder, 0).digest());
  }

  @Test
  void readsCompressedFiles() throws IOException {
    write("items.jsonl", ITEMS);
    write("interactions.tsv", EVENTS);
    DataSet plain = DataSetReader.read(folder, 0);
    Path packed = Files.createDirectory(folder.resolve("packed"));
    gzip(packed.resolve("items.jsonl.gz"), ITEMS);
    gzip(packed.resolve("interactions.tsv.gz"), EVENTS);
    assertThat(DataSetReader.read(packed, 0).digest()).isEqualTo(plain.digest());
  }

  @Test
  void namesFileAndLineOfWhatIsWrong() throws IOException {
    assertWrong("has no items.jsonl or items.jsonl.gz");
    write("items.jsonl", ITEMS);
    assertWrong("has no interactions.tsv or interactions.tsv.gz");
    assertWrong("; for items alone: --data " + folder.resolve("items.jsonl"));
    write("interactions.tsv", "u1\tA\t10\nu1\tA\n");
    assertWrong("interactions.tsv:2: 2 columns; expected: the 3 of the header, [user, item, time]");
    write("interactions.tsv", "u1\tA\t10\nu1\tA\tnoon\n");
    assertWrong("interactions.tsv:2: time: 'noon' is not a time");
    write("interactions.tsv", "u1\tA\tnoon\n");
    assertWrong("interactions.tsv has no column 'user'; its columns are u1, A, noon");
    write("interactions.tsv", "user\titem\twhen\nu1\tA\t10\n");
    assertWrong("say which it is, such as --map-interactions time=when");
    write("interactions.tsv", "u1\tA\t5.0\t1700000000\n");
    assertWrong(
        "interactions.tsv:1: the first line is no header, and has 4 columns; without a header they are [user, item, time]: add a line");
    write("interactions.tsv", "u1\tA\t1700000000\nu1\tA\t-62167219201\n");
    assertWrong("interactions.tsv:2: time: '-62167219201' is not a time of the years 0 to 9999");
    write("interactions.tsv", "u1\tA\t1700000000\nu1\tA\t1700000000000\n");
    write("interactions.tsv", EVENTS);
    write("items.jsonl", "{\"item\": \"A\"} {\"item\": \"B\"}\n");
    assertWrong("items.jsonl:1: not JSON: Trailing token");
    write("items.jsonl", "{\"item\": \"A\"}\n{\"item\": \"B\"}}\n");
    assertWrong("items.jsonl:2: not JSON");
    for (String idx : List.of("4294967297", "-2147483648", "0", "1.5", "\"one\"")) {
      write("items.jsonl", "{\"item\": \"A\", \"idx\": " + idx + "}\n");
      assertWrong("items.jsonl:1: idx " + idx + " is not a whole number from 1 to 2147483647");
    }
    String longest = "\u20AC".repeat(21_845);
    write("items.jsonl", "{\"item\": \"A\"}\n{\"item\": \"" + longest + "\"}\n");
    assertThat(DataSetReader.read(folder, 0).items()).hasSize(2);
    write("items.jsonl", "{\"item\": \"A\"}\n{\"item\": \"" + longest + "x\"}\n");
    assertWrong("items.jsonl:2: 'item' has 65,536 bytes");
    write("items.jsonl", "{\"item\": \"A\"}\n{\"item\": \"A\"}\n");
    assertWrong("items.jsonl:2: item A is there twice");
    write("items.jsonl", "{\"name\": \"A\"}\n");
    assertWrong("items.jsonl:1: no 'item'");
    write("items.jsonl", "A\n");
    assertWrong("items.jsonl:1: not JSON");
    write("items.jsonl", "{\"item\": \"A\", \"text\": [\"a\"]}\n");
    assertWrong("items.jsonl:1: 'text' is a list, a text is expected");
    write("items.jsonl", "");
    assertWrong("has no items");
  }

  @Test
  void namesACompressedFileThatIsBroken() throws IOException {
    write("interactions.tsv", EVENTS);
    write("items.jsonl.gz", ITEMS);
    assertWrong("items.jsonl.gz is no whole gzip file (Not in GZIP format); copy it again");
    write("items.jsonl.gz", "");
    assertWrong("items.jsonl.gz is no whole gzip file (it ends too early); copy it again");
    write("items.jsonl", ITEMS);
    Files.delete(folder.resolve("interactions.tsv"));
    Path packed = folder.resolve("interactions.tsv.gz");
    gzip(packed, EVENTS);
    byte[] bytes = Files.readAllBytes(packed);
    Files.write(packed, Arrays.copyOf(bytes, bytes.length - 12));
    assertWrong("interactions.tsv.gz is no whole gzip file (Unexpected end of ZLIB input stream)");
    bytes[bytes.length - 6] ^= 1;
    Files.write(packed, bytes);
    assertWrong("interactions.tsv.gz is no whole gzip file (Corrupt GZIP trailer); copy it again");
  }

  @Test
  void readsFilesThatBeginWithAByteOrderMark() throws IOException {
    write("items.jsonl", ITEMS);
    write("interactions.tsv", EVENTS);
    DataSet plain = DataSetReader.read(folder, 0);
    write("items.jsonl", "\uFEFF" + ITEMS);
    write("interactions.tsv", "\uFEFF" + EVENTS);
    DataSet marked = DataSetReader.read(folder, 0);
    assertThat(marked.user()).containsExactly("u1", "u2", "u1", "u1");
    assertThat(marked.digest()).isEqualTo(plain.digest());
  }

  @Test
  void otherDataHaveAnotherDigest() throws IOException {
    // The same characters with line breaks elsewhere.
    Set<String> digests = new HashSet<>();
    for (String events :
        List.of("u1\tA\t1\n1u\tA\t2\n", "u1\tA\t11\nu\tA\t2\n", "u1\tA\t11\r\nu\tA\t2")) {
      write("items.jsonl", ITEMS);
      write("interactions.tsv", events);
      digests.add(DataSetReader.read(folder, 0).digest());
    }
    assertThat(digests).hasSize(2);
  }

  @Test
  void namesTheInteractionsOfOtherItems() throws IOException {
    write("items.jsonl", ITEMS);
    write("interactions.tsv", "u1\tX\t10\nu1\tY\t10\n");
    assertWrong(
        "interactions.tsv: none of its 2 interactions names an item of items.jsonl, as 'X' in line 1: give the interactions of these items");
    write("interactions.tsv", "u1\tC\t10\n");
    assertThatThrownBy(() -> DataSetReader.read(folder, 2))
        .isInstanceOf(UsageException.class)
        .hasMessageEndingWith("of these items, or a larger --max-items than 2");
    write("interactions.tsv", "u1\tA\t10\nu1\tZ\t10\nu2\tY\t11\n");
    assertThat(DataSetReader.read(folder, 0).leftOut())
        .isEqualTo(
            "interactions.tsv: 2 interactions name no item of items.jsonl, as 'Z' in line 2, and are left out");
    write("interactions.tsv", "");
    assertThat(DataSetReader.read(folder, 0).interactions()).isZero();
  }

  @Test
  void readsOtherFormsWithTheirColumnsMapped() throws IOException {
    write("items.csv", "asin,name,about\nA,Amber,amber thing\nB,,blue thing\n");
    write("interactions.csv", "who,what,ts\nu1,B,2024-05-01\nu1,A,1714521600000\n");
    DataFiles files =
        DataFiles.find(
            folder, null, "item=asin,title=name,text=about", "user=who,item=what,time=ts");
    DataSet set = DataSetReader.read(files, 0);
    assertThat(set.items())
        .extracting(SourceItem::text)
        .containsExactly("amber thing", "blue thing");
    assertThat(set.items()).extracting(SourceItem::row).containsExactly(0, 1);
    assertThat(set.time()).containsExactly(1_714_521_600_000L, 1_714_521_600_000L);
    DataSet alone =
        DataSetReader.read(DataFiles.find(folder.resolve("items.csv"), null, "item=asin", null), 0);
    assertThat(alone.items()).hasSize(2);
    assertThat(alone.interactions()).isZero();
    assertThat(alone.digest()).isNotEqualTo(set.digest());
    assertThatThrownBy(() -> DataFiles.find(folder.resolve("none"), null, null, null))
        .hasMessageContaining("is not a folder, nor a file of items");
  }

  @Test
  void readsTheSharedBeautyData() throws IOException {
    Path beauty = Path.of(System.getProperty("sidstream.shared", "none"), "data", "amazon-beauty");
    assumeTrue(Files.isDirectory(beauty), "sidstream.shared has no data/amazon-beauty");
    DataSet set = DataSetReader.read(beauty, 0);
    assertThat(set.items()).hasSize(12_101);
    assertThat(set.interactions()).isEqualTo(198_502);
    assertThat(set.items().get(0).text()).startsWith("OPI Nail Lacquer");
    NpyVectors vectors = NpyVectors.open(beauty.resolve("minilm-l6-v2.f16.npy"));
    assertThat(vectors.rows()).isEqualTo(12_101);
    assertThat(vectors.dim()).isEqualTo(384);
    double norm = 0;
    for (float x : vectors.row(12_100)) {
      norm += x * x;
    }
    assertThat(norm).isBetween(0.99, 1.01);
  }

  private void assertWrong(String message) {
    assertThatThrownBy(() -> DataSetReader.read(folder, 0))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining(message);
  }

  private void write(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name), text);
  }

  private static void gzip(Path file, String text) throws IOException {
    try (OutputStream out = new GZIPOutputStream(Files.newOutputStream(file))) {
      out.write(text.getBytes(StandardCharsets.UTF_8));
    }
  }
}
