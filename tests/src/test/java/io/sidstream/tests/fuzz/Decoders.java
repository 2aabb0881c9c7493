package io.sidstream.tests.fuzz;

import io.sidstream.cli.UsageException;
import io.sidstream.cli.rows.Format;
import io.sidstream.cli.rows.InteractionRow;
import io.sidstream.cli.rows.ItemRow;
import io.sidstream.cli.rows.Mapping;
import io.sidstream.cli.rows.Row;
import io.sidstream.cli.rows.RowException;
import io.sidstream.cli.rows.RowFile;
import io.sidstream.cli.rows.RowReader;
import io.sidstream.client.SnapshotBytes;
import io.sidstream.model.content.DecoderModel;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.file.ModelFile;
import io.sidstream.model.file.Npy;
import io.sidstream.model.learn.MergedRound;
import io.sidstream.model.learn.RoundResult;
import io.sidstream.model.learn.ShardRound;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.quantize.ResidualQuantizer;
import io.sidstream.model.recommend.RecommenderShape;
import io.sidstream.model.recommend.SequenceRecommender;
import io.sidstream.model.recommend.Tower;
import io.sidstream.model.serve.RankingModel;
import io.sidstream.schemas.CodebookFormat;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartException;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelParts;
import io.sidstream.schemas.ModelPieces;
import io.sidstream.schemas.TokenHeaders;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Map;

/**
 * Every decoder that reads what strangers can write. Where a format ends with a digest, an input is
 * what precedes it: whoever writes a file can also compute its digest.
 */
final class Decoders {
  private static final int DIGEST = 32;

  private Decoders() {}

  /** All of them, with seeds. */
  static List<Decoder> all() {
    try {
      List<Decoder> all = new ArrayList<>();
      all.add(RecordBytes.decoder());
      all.add(codebooks());
      all.add(pieces());
      all.add(keys());
      all.add(tokenizer());
      all.add(decoder());
      all.add(ranking());
      all.add(mergedRound());
      all.add(shardRound());
      all.add(modelFile());
      all.add(npy());
      all.add(snapshot());
      all.addAll(rows());
      return all;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Decoder codebooks() {
    return new Decoder("codebooks", CodebookFormat::read, ModelPartException.class)
        .seed(codebookBytes());
  }

  private static byte[] codebookBytes() {
    return CodebookFormat.write(
        List.of(
            new CodebookFormat.Level(
                CodebookFormat.LevelMetric.COSINE, 2, 2, new float[] {1, 0, 0, 1}),
            new CodebookFormat.Level(
                CodebookFormat.LevelMetric.EUCLIDEAN, 1, 2, new float[] {.5f, -3})));
  }

  /** Pieces, 6 bytes each and their data: put together as a client does it. */
  private static Decoder pieces() {
    return new Decoder("pieces", Decoders::readPieces, ModelPartException.class)
        .seed(new byte[] {1, 1, 0, 0, 1, 3, 5, 6, 7})
        .seed(new byte[] {1, 1, 0, 0, 1, 1, 5, 1, 1, 0, 0, 1, 1, 5});
  }

  private static void readPieces(byte[] input) {
    ModelPieces pieces = new ModelPieces();
    List<ModelPart> all = new ArrayList<>();
    ByteBuffer in = ByteBuffer.wrap(input);
    ModelPartKind[] kinds = ModelPartKind.values();
    while (in.remaining() >= 6) {
      int version = in.get();
      long revision = in.get();
      ModelPartKind kind = kinds[(in.get() & 0xff) % kinds.length];
      // A byte each, so that they fit together now and then; the largest stand for all.
      int index = number(in.get());
      int count = number(in.get());
      byte[] data = new byte[Math.min(in.get() & 0xff, in.remaining())];
      in.get(data);
      // Of one piece alone the digest is right.
      String digest = ModelParts.digest(data);
      ModelPart piece =
          new ModelPart(
              version, revision, kind, index, count, digest, ByteBuffer.wrap(data), Instant.EPOCH);
      pieces.put(piece);
      all.add(piece);
      pieces.whole(version, kind);
    }
    ModelParts.join(all);
  }

  private static int number(byte b) {
    return b == Byte.MAX_VALUE ? Integer.MAX_VALUE : b == Byte.MIN_VALUE ? Integer.MIN_VALUE : b;
  }

  /** Keys of model pieces, and numbers in headers. */
  private static Decoder keys() {
    return new Decoder(
            "keys",
            input -> {
              try {
                TokenHeaders.decode(input);
              } catch (IllegalArgumentException e) {
                // No number, perhaps a key.
              }
              ModelParts.Key.of(new String(input, StandardCharsets.UTF_8));
            },
            ModelPartException.class)
        .seed(utf8("3/ENCODER/0"))
        .seed(utf8("2147483647/NEWER/12"));
  }

  private static Decoder tokenizer() {
    byte[] whole = tokenizerBytes();
    return new Decoder(
            "tokenizer",
            input -> TokenizerModel.fromBytes(sealed(input)),
            IllegalArgumentException.class)
        .seed(unsealed(whole));
  }

  private static byte[] tokenizerBytes() {
    return new TokenizerModel(
            new int[] {3, 2},
            new float[] {1, 2, 3, 4, 5, 6, 7, 8},
            new ResidualQuantizer(
                List.of(
                    new Codebook(Metric.COSINE, 2, 2, new float[] {1, 0, 0, 1}),
                    new Codebook(Metric.EUCLIDEAN, 1, 2, new float[] {3, -.5f}))),
            new float[] {0, .25f})
        .toBytes();
  }

  private static Decoder decoder() {
    return new Decoder("decoder", DecoderModel::fromBytes, IllegalArgumentException.class)
        .seed(new DecoderModel(new int[] {2, 3}, new float[9]).toBytes());
  }

  private static Decoder ranking() {
    RecommenderShape shape = new RecommenderShape(2, 1, 2, 1, 2, 0f);
    SequenceRecommender recommender = new SequenceRecommender(shape, new Rng(1));
    return new Decoder("ranking", RankingModel::fromBytes, IllegalArgumentException.class)
        .seed(new RankingModel(1, 1, List.of(new Tower(recommender, 0, 2, 1f, 1f))).toBytes());
  }

  private static Decoder mergedRound() {
    return new Decoder("merged-round", MergedRound::fromBytes, IllegalArgumentException.class)
        .seed(new MergedRound(3, 2, new byte[] {1, 2, 3}, null).toBytes())
        .seed(new MergedRound(3, 2, null, roundResult()).toBytes());
  }

  private static Decoder shardRound() {
    return new Decoder("shard-round", ShardRound::fromBytes, IllegalArgumentException.class)
        .seed(new ShardRound(roundResult(), null).toBytes())
        .seed(new ShardRound(roundResult(), "no").toBytes());
  }

  private static RoundResult roundResult() {
    float[] two = {1, 2};
    BitSet bits = new BitSet();
    bits.set(1);
    return new RoundResult(
        1,
        7,
        new RoundResult.Figures(9, 8, 7, 6, .5, .25, .125, new Prequential.Result(), 1),
        new RoundResult.Weights(
            two, two, two, List.of(new RoundResult.Level(two, two, two, bits, new BitSet()))),
        List.of(new RoundResult.Embedding("a", two), new RoundResult.Embedding("b", null)),
        null);
  }

  private static Decoder modelFile() {
    ModelFile.Provenance provenance =
        new ModelFile.Provenance("digest", Map.of("key", "value"), 7, "1.0", 99);
    byte[] whole = new ModelFile(provenance, Map.of("tokenizer", tokenizerBytes())).toBytes();
    return new Decoder(
            "model-file",
            input -> {
              ModelFile file = ModelFile.fromBytes(sealed(input));
              for (String name : file.names()) {
                if (name.equals("tokenizer")) {
                  TokenizerModel.fromBytes(file.section(name));
                }
              }
            },
            IllegalArgumentException.class)
        .seed(unsealed(whole));
  }

  private static Decoder npy() throws IOException {
    ByteArrayOutputStream floats = new ByteArrayOutputStream();
    Npy.write(floats, new float[] {1, 2, 3, 4, 5, 6}, 3, 2);
    ByteArrayOutputStream ints = new ByteArrayOutputStream();
    Npy.write(ints, new int[] {1, 2, 3}, 3);
    return new Decoder(
            "npy",
            input -> {
              Npy.Header header = Npy.readHeader(new ByteArrayInputStream(input));
              if (header.type().equals("<i4")) {
                Npy.readInts(new ByteArrayInputStream(input));
              } else {
                Npy.readFloats(new ByteArrayInputStream(input));
              }
            },
            IOException.class)
        .seed(floats.toByteArray())
        .seed(ints.toByteArray());
  }

  private static Decoder snapshot() throws IOException {
    Path folder = Files.createTempDirectory("sidstream-fuzz-");
    Path file = folder.resolve("snapshot");
    byte[] example = SnapshotBytes.example(file, codebookBytes());
    file.toFile().deleteOnExit();
    folder.toFile().deleteOnExit();
    return new Decoder("snapshot", input -> SnapshotBytes.read(input, file), IOException.class)
        .seed(example);
  }

  private static List<Decoder> rows() {
    String csv = "user,item,time,vector\nu,i,2024-05-01T12:30:00Z,\"[1, 2]\"\n\"u\"\"\",i,17e8,\n";
    String json =
        "{\"user\":\"u\",\"item\":\"i\",\"time\":1700000000,\"weight\":0.5,\"idx\":3,\"vector\":[1,2.5],\"title\":\"t\"}\n";
    return List.of(
        rows("json-lines", Format.JSONL).seed(utf8(json)).seed(utf8(json + "\n" + json)),
        rows("csv", Format.CSV).seed(utf8(csv)).seed(utf8("u,i,1700000000\n")),
        rows("tsv", Format.TSV).seed(utf8(csv.replace(',', '\t'))));
  }

  /** Rows from standard input, each as an item and as an interaction. */
  private static Decoder rows(String name, Format format) {
    return new Decoder(
        name,
        input -> {
          InputStream before = System.in;
          System.setIn(new ByteArrayInputStream(input));
          try (RowReader reader = new RowFile("-", format).open(InteractionRow.NEEDED)) {
            readRows(reader);
          } finally {
            System.setIn(before);
          }
        },
        UsageException.class);
  }

  private static void readRows(RowReader reader) throws IOException {
    Mapping items = Mapping.parse(null, ItemRow.FIELDS);
    Mapping interactions = Mapping.parse(null, InteractionRow.FIELDS);
    while (true) {
      try {
        Row row = reader.next();
        if (row == null) {
          return;
        }
        try {
          ItemRow.of(row, items);
        } catch (RowException e) {
          // No item, perhaps an interaction.
        }
        InteractionRow.of(row, interactions).id();
      } catch (RowException e) {
        // Reading goes on behind a row that is none.
      }
    }
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] sealed(byte[] input) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(input);
      return ByteBuffer.allocate(input.length + DIGEST).put(input).put(digest).array();
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static byte[] unsealed(byte[] whole) {
    return Arrays.copyOf(whole, whole.length - DIGEST);
  }
}
