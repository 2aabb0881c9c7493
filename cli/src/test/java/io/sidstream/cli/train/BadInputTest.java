package io.sidstream.cli.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.CommandRun;
import io.sidstream.model.file.Npy;
import io.sidstream.model.math.Rng;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What train, encode and quantize say of input that they cannot use. Each row: a part of the
 * message, and the command, in which a word with an at sign is a file of the folder.
 */
class BadInputTest {
  private static final int N = SmallCatalogue.ITEMS;
  private static final int D = SmallCatalogue.DIM;
  @TempDir static Path folder;

  @BeforeAll
  static void files() throws IOException {
    SmallCatalogue.write(folder, 1);
    byte[] vectors = Files.readAllBytes(folder.resolve("vectors.npy"));
    Files.write(folder.resolve("cut.npy"), Arrays.copyOf(vectors, vectors.length - 7));
    Files.write(folder.resolve("header.npy"), Arrays.copyOf(vectors, 40));
    Files.writeString(folder.resolve("text.npy"), "0.1 0.2 0.3");
    byte[] wide = vectors.clone();
    // '<f4' becomes '<f8'.
    wide[new String(vectors, java.nio.charset.StandardCharsets.ISO_8859_1).indexOf("<f4") + 2] =
        '8';
    Files.write(folder.resolve("f8.npy"), wide);
    write("short.npy", gaussian(100 * D), 100, D);
    write("flat.npy", gaussian(D), D);
    write("nothing.npy", new float[0], N, 0);
    float[] values = gaussian(N * D);
    values[5 * D + 3] = Float.NaN;
    write("nan.npy", values, N, D);
    values[5 * D + 3] = Float.NEGATIVE_INFINITY;
    write("infinite.npy", values, N, D);
    values[5 * D + 3] = 1e25f;
    write("huge.npy", values, N, D);
    write("narrow.npy", gaussian(N * 5), N, 5);
    try (OutputStream out = Files.newOutputStream(folder.resolve("codes.npy"))) {
      Npy.write(out, new int[N * 3], N, 3);
    }
    write("books.npy", gaussian(2 * 4 * D), 2, 4, D);
    write("longbooks.npy", gaussian(2 * 4 * D), 2, 4, D);
    write("nobooks.npy", new float[0], 2, 0, D);
    float[] books = gaussian(2 * 4 * D);
    books[4 * D + 2 * D] = Float.NaN;
    write("nanbooks.npy", books, 2, 4, D);
    float[] far = new float[10 * D];
    far[5 * D] = -1.2e19f;
    write("far.npy", far, 10, D);
    float[] farBooks = new float[2 * 4 * D];
    for (int k = 0; k < 4; k++) {
      farBooks[k * D] = 1.2e19f;
    }
    write("farbooks.npy", farBooks, 2, 4, D);
    try (OutputStream out = Files.newOutputStream(folder.resolve("zeros.npy"))) {
      Npy.write(out, new int[2 * SmallCatalogue.USERS * 99], 2, SmallCatalogue.USERS, 99);
    }
    Path latin = data("latin", "");
    Files.write(
        latin.resolve("interactions.tsv"),
        "a\ti1\t5\na\ti2\t6\nJos\u00e9\ti1\t5\n".getBytes(StandardCharsets.ISO_8859_1));
    data("nobody", "");
    data("short", "u1\ti1\t5\nu1\ti2\t6\nu2\ti3\t7\n");
    data("three", "u1\ti1\t5\nu1\ti2\t6\nu1\ti3\t7\nu2\ti1\t5\nu2\ti4\t6\nu2\ti5\t7\n");
    data("single", "u1\ti1\t5\nu2\ti2\t6\nu3\ti3\t7\n");
    data("late", "u1\ti1\t99999999999999999\n");
    Path twice = data("twice", "u1\ti1\t5\n");
    Files.writeString(
        twice.resolve("items.jsonl"), "{\"item\": \"a\", \"idx\": 2}\n{\"item\": \"b\"}\n");
    Path half = data("half", "u1\ti1\t5\n");
    Files.writeString(half.resolve("items.jsonl"), "{\"item\": \"a\", \"idx\": 2.5}\n");
    assertThat(run("train unified @. --vectors @vectors.npy --epochs 1 --save @model").code())
        .isZero();
    assertThat(run("train id @. --epochs 1 --save @id").code()).isZero();
    byte[] model = Files.readAllBytes(folder.resolve("model"));
    Files.write(folder.resolve("cutmodel"), Arrays.copyOf(model, 5000));
    model[5000] ^= 1;
    Files.write(folder.resolve("flipped"), model);
    Files.write(folder.resolve("empty"), new byte[0]);
    write("nodim.npy", new float[0], 3, 256, 0);
    Files.write(folder.resolve("longbooks.npy"), new byte[3], StandardOpenOption.APPEND);
    data("strangers", "u1\tx1\t5\nu1\tx2\t6\nu1\tx3\t7\n");
    data("us", "u1\ti1\t5\nu1\ti1\t1700000000000000\n");
    Path broken = Files.createDirectory(folder.resolve("broken"));
    Files.copy(folder.resolve("items.jsonl"), broken.resolve("items.jsonl.gz"));
    Files.copy(folder.resolve("interactions.tsv"), broken.resolve("interactions.tsv"));
    Files.createSymbolicLink(folder.resolve("nowhere"), Path.of("none/x"));
    Files.createSymbolicLink(folder.resolve("link.npy"), Path.of("vectors.npy"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          # Vectors
          --vectors of shape (100, 16): item i100 of --data needs row 100 | train unified @. --vectors @short.npy
          has NaN in row 5, column 3                                      | train unified @. --vectors @nan.npy
          has -Infinity in row 5, column 3                                | train unified @. --vectors @infinite.npy
          numbers of row 5 (from 0) are too large to square; scale        | train unified @. --vectors @huge.npy
          needs 7680                                                      | train unified @. --vectors @cut.npy
          header.npy: npy file is truncated                               | train unified @. --vectors @header.npy
          <f2 or <f4 (float16, float32): convert it with astype(numpy.flo | train unified @. --vectors @f8.npy
          text.npy: Not an npy file                                       | train unified @. --vectors @text.npy
          shape (16,); expected (N, D)                                    | train unified @. --vectors @flat.npy
          shape (120, 0); a row needs one number or more                  | train unified @. --vectors @nothing.npy
          none.npy is not a file                                          | train unified @. --vectors @none.npy
          item i0 of --data has neither a text nor a title                | train unified @.
          item i0 of --data has neither a text nor a title                | train semantic @.
          item i0 of --data has neither a text nor a title                | train prequential @.
          # Data sets
          none of the 0 users of --data has three interactions            | train unified @nobody --vectors @vectors.npy
          none of the 2 users of --data has three interactions            | train unified @short --vectors @vectors.npy
          --bootstrap 2: none of the first 2 interactions of --data is the| train prequential @single --vectors @vectors.npy --bootstrap 2
          --codebook 8 is more than the 2 items of the first 2 interac    | train prequential @short --vectors @vectors.npy --bootstrap 2 --codebook 8
          none of the 2 users of --data has two interactions left to learn| train unified @three --vectors @vectors.npy
          --bootstrap 40000: --data has 1600                              | train prequential @. --vectors @vectors.npy
          interactions.tsv:3 has bytes that are not UTF-8                 | train unified @latin --vectors @vectors.npy
          interactions.tsv:1: time: '99999999999999999' is not a time     | train unified @late --vectors @vectors.npy
          interactions.tsv:2: time: '1700000000000000' is not a time of   | train unified @us --vectors @vectors.npy
          none of its 3 interactions names an item of items.jsonl, as 'x1'| train unified @strangers --vectors @vectors.npy
          items.jsonl.gz is no whole gzip file (Not in GZIP format); copy | train unified @broken --vectors @vectors.npy
          items.jsonl:2: idx 2 (where none is given, the line) is that of | train unified @twice --vectors @vectors.npy
          items.jsonl:1: idx 2.5 is not a whole number                    | train unified @half --vectors @vectors.npy
          # Numbers and names
          --codebook 121 is more than the 120 items                       | train unified @. --vectors @vectors.npy --codebook 121
          --epochs 50: --freeze-after 50 leaves the recommender none to go| train unified @. --vectors @vectors.npy --freeze-after 50 --epochs 50
          --freeze-after 0: it must be 1 or more                          | train unified @. --vectors @vectors.npy --freeze-after 0
          --quantizer-first 0: it must be 1 or more                       | train unified @. --vectors @vectors.npy --quantizer-first 0
          --quantizer-every 0: it must be 1 or more                       | train prequential @. --vectors @vectors.npy --quantizer-every 0
          --semantic-share 1.0: it must be in [0, 1)                      | train unified @. --vectors @vectors.npy --semantic-share 1
          --codebook 16 is more than the 10 items                         | train unified @. --vectors @vectors.npy --max-items 10
          --patience 0: it must be 1 or more                              | train unified @. --vectors @vectors.npy --patience 0
          --dropout 1.5: it must be in                                    | train unified @. --vectors @vectors.npy --dropout 1.5
          --learning-rate NaN: it must be above 0                         | train unified @. --vectors @vectors.npy --learning-rate NaN
          --churn-budget -1.0: it must be in [0, 1]                       | train prequential @. --vectors @vectors.npy --churn-budget=-1
          --semantic-dropout 1.0: it must be in [0, 1)                    | train unified @. --vectors @vectors.npy --semantic-dropout 1
          --id-dim 0: it must be 1 or more                                | train unified @. --vectors @vectors.npy --id-dim 0
          --id-dim 7: it must be even, as two attention heads             | train unified @. --vectors @vectors.npy --id-dim 7
          # Files that are written
           is a folder; name a file                                      | train unified @. --vectors @vectors.npy --json @.
           is a folder; name a file                                      | train unified @. --vectors @vectors.npy --checkpoint @.
          there is no folder                                              | train unified @. --vectors @vectors.npy --save @none/model
           is a folder; name a file                                      | encode --model @model --vectors @vectors.npy --out @.
          nowhere cannot be written (                                     | train unified @. --vectors @vectors.npy --json @nowhere
          nowhere cannot be written (                                     | train unified @. --vectors @vectors.npy --save @nowhere
          are the same file; name another for --save                      | train unified @. --vectors @vectors.npy --json @x --save @x
          are the same file; name another for --save                      | train unified @. --vectors @vectors.npy --checkpoint @x --save @x
          are the same file; name another for --checkpoint                | train unified @. --vectors @vectors.npy --checkpoint @x --negatives @x
          are the same file; name another for --json                      | train unified @. --vectors @vectors.npy --negatives @codes.npy --json @codes.npy
          are the same file; name another for --save                      | train unified @. --vectors @vectors.npy --resume @model --save @model
          are the same file; name another for --save                      | train unified @. --vectors @vectors.npy --save @vectors.npy
          are the same file; name another for --checkpoint                | train unified @. --vectors @vectors.npy --checkpoint @items.jsonl
          are the same file; name another for --json                      | train unified @. --vectors @vectors.npy --json @interactions.tsv.gz
          are the same file; name another for --out                       | encode --model @model --vectors @vectors.npy --out @model
          are the same file; name another for --out                       | encode --model @model --vectors @vectors.npy --out @link.npy
          are the same file; name another for --embedding                 | encode --model @model --vectors @vectors.npy --out @o.npy --embedding @o.npy
          are the same file; name another for --embedding                 | encode --model @model --vectors @vectors.npy --out @o.npy --embedding @vectors.npy
          are the same file; name another for --out                       | quantize --codebooks @books.npy --metrics euclidean,euclidean --vectors @vectors.npy --out @books.npy
          are the same file; name another for --out                       | quantize --codebooks @books.npy --metrics euclidean,euclidean --vectors @vectors.npy --out @vectors.npy
          are the same file; name another for --embedding                 | quantize --codebooks @books.npy --metrics euclidean,euclidean --vectors @vectors.npy --out @o.npy --embedding @o.npy
          # Other files that are read
          vectors.npy: npy array has type '<f4', expected '<i4'           | train unified @. --vectors @vectors.npy --negatives @vectors.npy
          codes.npy has shape (120, 3); this data set needs (2, 200, 99)  | train unified @. --vectors @vectors.npy --negatives @codes.npy
          zeros.npy, validation of user 0, place                          | train unified @. --vectors @vectors.npy --negatives @zeros.npy
          none is not a file                                              | train unified @. --vectors @vectors.npy --resume @none
          vectors.npy: Not a model file                                   | train unified @. --vectors @vectors.npy --resume @vectors.npy
          model is a model, not a checkpoint                              | train unified @. --vectors @vectors.npy --resume @model
          # What a model or a protocol does not have cannot be written
          name what to train: unified, id or semantic (leave-one-out) or  | train
          Unknown options: '--vectors'                                    | train id @. --vectors @vectors.npy
          Unknown options: '--codebook'                                   | train id @. --codebook 16
          Unknown options: '--freeze-after'                               | train id @. --freeze-after 3
          Unknown options: '--id-dropout'                                 | train id @. --id-dropout 0
          Unknown options: '--id-dim'                                     | train semantic @. --vectors @vectors.npy --id-dim 8
          Unknown options: '--semantic-share'                             | train semantic @. --vectors @vectors.npy --semantic-share 0.3
          Unknown options: '--round'                                      | train unified @. --vectors @vectors.npy --round 9
          Unknown options: '--churn-budget'                               | train unified @. --vectors @vectors.npy --churn-budget 0.1
          Unknown options: '--epochs'                                     | train prequential @. --vectors @vectors.npy --epochs 3
          Unknown options: '--negatives'                                  | train prequential @. --vectors @vectors.npy --negatives c
          Unknown options: '--checkpoint'                                 | train prequential @. --vectors @vectors.npy --checkpoint c
          Unknown options: '--freeze-after'                               | train prequential @. --vectors @vectors.npy --freeze-after 3
          are mutually exclusive                                          | train unified @. --vectors @vectors.npy --freeze-after 3 --quantizer-first 3
          are mutually exclusive                                          | train prequential @. --vectors @vectors.npy --keep-tokens --churn-budget 0.1
          # Encode
          cutmodel: Model file of 5000 bytes is truncated or corrupt      | encode --model @cutmodel --vectors @vectors.npy --out @o.npy
          is truncated or corrupt: its SHA-256 does not match; copy it    | encode --model @flipped --vectors @vectors.npy --out @o.npy
          empty: Not a model file                                         | encode --model @empty --vectors @vectors.npy --out @o.npy
          none is not a file                                              | encode --model @none --vectors @vectors.npy --out @o.npy
          id has no tokenizer (variant ID); use one of                      | encode --model @id --vectors @vectors.npy --out @o.npy
          narrow.npy has shape (120, 5); the model                        | encode --model @model --vectors @narrow.npy --out @o.npy
          has NaN in row 5, column 3                                      | encode --model @model --vectors @nan.npy --out @o.npy
          needs 7680                                                      | encode --model @model --vectors @cut.npy --out @o.npy
          # Quantize
          books.npy has shape (2, 4, 16), so 2 levels; --metrics names 1  | quantize --codebooks @books.npy --metrics cosine --vectors @vectors.npy --out @o.npy
          level 1 (cosine): Codeword 0 of a cosine level has squared norm | quantize --codebooks @books.npy --metrics cosine,euclidean --vectors @vectors.npy --out @o.npy
          expected one of                                                 | quantize --codebooks @books.npy --metrics manhattan,cosine --vectors @vectors.npy --out @o.npy
          level 1 (euclidean): Codebook size is 0                         | quantize --codebooks @nobooks.npy --metrics euclidean,euclidean --vectors @vectors.npy --out @o.npy
          level 1 (cosine): Codewords have 0 dimensions (D); it must be 1 | quantize --codebooks @nodim.npy --metrics cosine,cosine,euclidean --vectors @vectors.npy --out @o.npy
          longbooks.npy: npy file goes on after the 512 bytes             | quantize --codebooks @longbooks.npy --metrics euclidean,euclidean --vectors @vectors.npy --out @o.npy
          level 2 (euclidean): Codeword 2 has a value that is not finite  | quantize --codebooks @nanbooks.npy --metrics euclidean,euclidean --vectors @vectors.npy --out @o.npy
          vectors.npy has shape (120, 16); expected (L, K, D)             | quantize --codebooks @vectors.npy --metrics cosine --vectors @vectors.npy --out @o.npy
          codes.npy: npy array has type '<i4', expected '<f4' or '<f2'    | quantize --codebooks @codes.npy --metrics cosine --vectors @vectors.npy --out @o.npy
          cut.npy: npy file is truncated                                  | quantize --codebooks @cut.npy --metrics cosine --vectors @vectors.npy --out @o.npy
          --vectors: row 5 has numbers too large: a residual              | quantize --codebooks @farbooks.npy --metrics euclidean,euclidean --vectors @far.npy --out @o.npy
          narrow.npy has shape (120, 5); the codebooks of                 | quantize --codebooks @books.npy --metrics euclidean,euclidean --vectors @narrow.npy --out @o.npy
          too large to square                                             | quantize --codebooks @books.npy --metrics euclidean,euclidean --vectors @huge.npy --out @o.npy
          """,
      quoteCharacter = '`')
  void isNamedWithExitCode2(String message, String command) {
    CommandRun run = run(command);
    assertThat(run.err()).contains(message);
    assertThat(run.code()).isEqualTo(2);
  }

  private static CommandRun run(String command) {
    List<Object> words = new ArrayList<>();
    for (String word : command.split(" ")) {
      words.add(word.startsWith("@") ? folder.resolve(word.substring(1)).normalize() : word);
    }
    if (words.get(0).equals("train") && words.size() > 1) {
      words.add(2, "--data");
      if (!words.contains("--codebook") && !words.get(1).equals("id")) {
        words.addAll(List.of("--codebook", 16));
      }
    }
    return CommandRun.of(words.toArray());
  }

  private static Path data(String name, String interactions) throws IOException {
    Path data = Files.createDirectory(folder.resolve(name));
    Files.copy(folder.resolve("items.jsonl"), data.resolve("items.jsonl"));
    Files.writeString(data.resolve("interactions.tsv"), interactions);
    return data;
  }

  private static void write(String name, float[] values, int... shape) throws IOException {
    try (OutputStream out = Files.newOutputStream(folder.resolve(name))) {
      Npy.write(out, values, shape);
    }
  }

  private static float[] gaussian(int n) {
    Rng rng = new Rng(3);
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = rng.nextGaussian();
    }
    return values;
  }
}
