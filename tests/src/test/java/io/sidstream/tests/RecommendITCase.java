package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.cli.recommend.PublishedRanking;
import io.sidstream.cli.recommend.RecommendCommand;
import io.sidstream.cli.run.JobRun;
import io.sidstream.job.SidstreamJob;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Topics;
import io.sidstream.model.content.DecoderModel;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.math.Kernels;
import io.sidstream.model.math.Rng;
import io.sidstream.model.recommend.SequenceRecommender;
import io.sidstream.model.recommend.Tower;
import io.sidstream.model.serve.RankingModel;
import io.sidstream.model.serve.ServedModel.Ranked;
import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointTrainer;
import io.sidstream.model.train.UserSequences;
import io.sidstream.schemas.IdEmbedding;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelPieces;
import io.sidstream.schemas.Vectors;
import io.sidstream.schemas.WireFormat;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Ranking from the topics alone, against a trainer that encodes the items' own vectors. */
class RecommendITCase {
  private static final Duration LONG = Duration.ofSeconds(90);
  private static final String PREFIX = "ranked.";
  private static final int ITEMS = 80;

  @TempDir Path folder;

  @Test
  void ranksFromTheTopicsAloneAsTheModelThatPublishedThem() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "ranked");
    Topics.create(config);
    run(config);

    PublishedRanking published =
        PublishedRanking.read(Broker.bootstrap(), PREFIX, new Properties(), Duration.ofSeconds(30));
    assertThat(published.version()).isGreaterThanOrEqualTo(2);
    assertThat(published.names()).hasSize(ITEMS);
    Reference reference = new Reference(config, published.version(), published.names());
    assertThat(reference.repaired).as("items whose token is not what was chosen").isPositive();

    Rng rng = new Rng(4);
    for (int n = 0; n < 20; n++) {
      int[] history = IntStream.generate(() -> rng.nextInt(ITEMS)).limit(1 + n).toArray();
      int[] all = IntStream.range(0, ITEMS).toArray();
      float[] expected = reference.scores(history, all);
      float[] actual = published.model().scores(history, all);
      for (int i = 0; i < ITEMS; i++) {
        assertThat(Float.floatToRawIntBits(actual[i]))
            .as("history %d, item %s: %s, %s", n, published.names().get(i), actual[i], expected[i])
            .isEqualTo(Float.floatToRawIntBits(expected[i]));
      }
    }
    theCommandPrintsIt(published);
  }

  private void run(JobConfig config) throws Exception {
    try (Inputs in = new Inputs(config);
        TokenLog out = TinyJob.log(config, true);
        JobRun run = JobRun.start(config, folder, 18_281, SidstreamJob::build)) {
      in.items(0, ITEMS);
      int[] sent = {300};
      in.interactions(0, 300, ITEMS);
      out.await(
          "two versions more than the first, and nothing under way",
          LONG,
          () -> {
            boolean consumed = out.interactions() == sent[0];
            if (out.committed() >= 3) {
              return consumed && out.begun() == out.committed() && out.items().size() == ITEMS;
            }
            if (consumed) {
              in.interactions(sent[0], sent[0] += 100, ITEMS);
            }
            return false;
          });
      assertThat(run.restartedAfter()).isEmpty();
    }
  }

  private static void theCommandPrintsIt(PublishedRanking published) throws Exception {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    String first = published.names().get(0);
    String second = published.names().get(7);
    int code =
        new CommandLine(new RecommendCommand())
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .execute(
                "--bootstrap",
                Broker.bootstrap(),
                "--prefix",
                PREFIX,
                "--history",
                first + ",never," + second,
                "--top",
                "5");
    assertThat(code).isZero();
    assertThat(err.toString()).contains("left out, without a token: never");
    List<String> lines = out.toString().lines().toList();
    assertThat(lines.get(0))
        .isEqualTo(
            "token version %d, revision %d, %d items"
                .formatted(published.version(), published.revision(), ITEMS));
    List<String> expected =
        published.model().top(new int[] {0, 7}, 5).stream()
            .map(Ranked::item)
            .map(published.names()::get)
            .toList();
    assertThat(lines.subList(1, lines.size()))
        .extracting(line -> line.substring(line.lastIndexOf(' ') + 1))
        .isEqualTo(expected);
  }

  /**
   * A joint trainer with the published weights, whose items are encoded from the vectors that were
   * sent.
   */
  private static final class Reference {
    private final WireFormat wire = new WireFormat();
    private final ModelPieces pieces = new ModelPieces();
    private final Map<String, ItemToken> tokens = new HashMap<>();
    private final Map<String, IdEmbedding> embeddings = new HashMap<>();
    private final JointTrainer trainer;
    private int repaired;

    Reference(JobConfig config, int version, List<String> names) throws Exception {
      String[] topics = {"tokens", "models", "id-embeddings"};
      io.sidstream.cli.tokens.TokenLog.read(
          Broker.bootstrap(), PREFIX, new Properties(), Set.of(topics), topics, this::take);
      JointConfig joint =
          JointConfig.builder()
              .contentDim(TinyJob.DIM)
              .hidden(config.get(JobOptions.ENCODER_HIDDEN))
              .semanticDim(config.get(JobOptions.QUANTIZER_DIM))
              .idDim(config.get(JobOptions.ID_DIM))
              .codewords(config.get(JobOptions.QUANTIZER_CODEBOOK_SIZE))
              .blocks(config.get(JobOptions.RECOMMENDER_LAYERS))
              .heads(config.get(JobOptions.RECOMMENDER_HEADS))
              .maxLen(config.get(JobOptions.RECOMMENDER_MAX_LENGTH))
              .semanticShare(config.get(JobOptions.RECOMMENDER_SEMANTIC_SHARE).floatValue())
              .build();
      ItemTable items = JointTrainer.newItemTable(joint);
      for (int i = 0; i < names.size(); i++) {
        items.put(i, Inputs.vector(names.get(i)), 0);
      }
      trainer = new JointTrainer(joint, items, new UserSequences(51), 1);
      for (int i = 0; i < names.size(); i++) {
        ItemToken token = tokens.get(names.get(i));
        repaired += token.getNearest().equals(token.getCodes()) ? 0 : 1;
        for (int l = 0; l < joint.levels(); l++) {
          items.codes()[i * joint.levels() + l] = token.getNearest().get(l);
        }
        IdEmbedding e = embeddings.get(names.get(i));
        if (e != null) {
          float[] values = Vectors.toArray(e.getE());
          System.arraycopy(values, 0, items.id(), i * values.length, values.length);
        }
      }
      // Codes that the tokenizer does not keep, or would not choose, would come out as others here.
      int changed = trainer.adopt(TokenizerModel.fromBytes(whole(version, ModelPartKind.ENCODER)));
      assertThat(changed).as("items whose vector has another tuple than the published").isZero();
      RankingModel ranking = RankingModel.fromBytes(whole(version, ModelPartKind.RECOMMENDER));
      assertThat(ranking.towers()).hasSize(2);
      copy(ranking.towers().get(0).recommender(), trainer.recommender());
      copy(ranking.towers().get(1).recommender(), trainer.semanticRecommender());
      DecoderModel decoder = DecoderModel.fromBytes(whole(version, ModelPartKind.DECODER));
      assertThat(decoder.dims()).containsExactly(16, 24, 32, TinyJob.DIM);
    }

    private byte[] whole(int version, ModelPartKind kind) {
      return pieces.whole(version, kind).orElseThrow().bytes();
    }

    private static void copy(SequenceRecommender from, SequenceRecommender to) {
      System.arraycopy(from.parameters(), 0, to.parameters(), 0, to.parameters().length);
    }

    private void take(ConsumerRecord<byte[], byte[]> record) {
      String key = new String(record.key(), StandardCharsets.UTF_8);
      if (record.topic().endsWith("models")) {
        if (record.value() != null) {
          pieces.put(wire.decode(record.value(), ModelPart.class));
        }
      } else if (record.topic().endsWith("tokens")) {
        tokens.put(key, wire.decode(record.value(), ItemToken.class));
      } else {
        embeddings.put(key, wire.decode(record.value(), IdEmbedding.class));
      }
    }

    /** As the job ranks: the forward of a window, dot products, a mean of probabilities. */
    float[] scores(int[] history, int[] candidates) {
      int d = trainer.dim();
      int n = Math.min(history.length, trainer.config().maxLen());
      float[] in = new float[n * d];
      trainer.fill(Arrays.copyOfRange(history, history.length - n, history.length), n, in);
      float[] s = new float[candidates.length * d];
      trainer.fill(candidates, candidates.length, s);
      float[] scores = new float[candidates.length];
      List<Tower> towers = new ArrayList<>(Tower.all(trainer.recommender(), trainer));
      for (Tower tower : towers) {
        int width = tower.width();
        float[] of = new float[n * width];
        Kernels.gatherColumns(in, d, tower.from(), width, n, of);
        float[] h = tower.recommender().forward(of, new int[] {0, n}, 1);
        float[] ofTower = new float[candidates.length];
        for (int j = 0; j < candidates.length; j++) {
          ofTower[j] =
              Kernels.dot(h, (n - 1) * width, s, j * d + tower.from(), width) / tower.temperature();
        }
        tower.addProbabilities(ofTower, 0, candidates.length, scores, 0);
      }
      return scores;
    }
  }
}
