package io.sidstream.lab.repair;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sidstream.cli.data.DataSet;
import io.sidstream.cli.data.DataSetReader;
import io.sidstream.cli.data.Generator;
import io.sidstream.cli.data.NpyVectors;
import io.sidstream.job.config.JobOptions.ResolveStrategy;
import io.sidstream.job.record.Claim;
import io.sidstream.job.record.Resolved;
import io.sidstream.job.resolve.ResolveFunction;
import io.sidstream.model.content.RqVae;
import io.sidstream.model.content.RqVaeConfig;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.EncodeResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.streaming.api.operators.KeyedProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.util.KeyedOneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.Test;

/**
 * What repairs of colliding tuples do to the same items: how many tokens are unique, and how many
 * tokens of old items change when the last tenth of the items arrives. The table of
 * lab/experiments.md is what {@link #beauty} writes to {@code target/repair-beauty.md}.
 */
@SuppressWarnings("try") // Flink declares that closing a harness throws Exception
class RepairComparisonTest {
  private static final int BATCH = 256;
  private static final int EPOCHS = 10;
  private static final long SEED = 1;

  /**
   * Items in the order in which they arrive.
   *
   * @param index {@code [items]} the place of each in the data set
   * @param vectors {@code [items, dim]} content vectors
   */
  private record Items(List<String> ids, int[] index, float[] vectors, int dim) {
    int size() {
      return ids.size();
    }

    /** How many are there before the last tenth arrives. */
    int old() {
      return size() - size() / 10;
    }
  }

  /** A row of the table; shares are of all items, 0..1. */
  private record Measured(
      String repair, double unique, double otherCode, double suffixed, int changed) {}

  /** Beauty's items in the order of their first interactions, with the vectors of their texts. */
  @Test
  void beauty() throws Exception {
    Path folder = Path.of(System.getProperty("sidstream.shared", "none"), "data", "amazon-beauty");
    assumeTrue(Files.isDirectory(folder), "sidstream.shared has no data/amazon-beauty");
    DataSet data = DataSetReader.read(folder, 0);
    NpyVectors rows = NpyVectors.open(folder.resolve("minilm-l6-v2.f16.npy"));
    int[] order = Arrays.stream(data.item()).distinct().toArray();
    assertThat(order).hasSize(data.items().size());
    List<String> ids = new ArrayList<>();
    float[] vectors = new float[order.length * rows.dim()];
    for (int i = 0; i < order.length; i++) {
      ids.add(data.items().get(order[i]).id());
      float[] row = rows.row(data.items().get(order[i]).row());
      System.arraycopy(row, 0, vectors, i * rows.dim(), rows.dim());
    }
    compare("beauty", new Items(ids, order, vectors, rows.dim()), RqVaeConfig.paper(rows.dim()));
  }

  /** The demo's items; a vector is the sum of one for each word, so that texts alike collide. */
  @Test
  void synthetic() throws Exception {
    DataSet data = Generator.generate(3000, 3000, SEED);
    int dim = 32;
    int[] index = new int[data.items().size()];
    List<String> ids = new ArrayList<>();
    float[] vectors = new float[data.items().size() * dim];
    for (int i = 0; i < data.items().size(); i++) {
      // Neither the name nor the place says anything of the order of arrival.
      ids.add("%08x".formatted(Rng.hash(SEED, i, 0) >>> 32));
      index[i] = (int) (i * 1361L % index.length);
      var attributes = data.items().get(i).attributes();
      for (String word : List.of(attributes.get("theme"), attributes.get("style"), ids.get(i))) {
        Rng rng = new Rng(word.hashCode());
        float scale = word.equals(ids.get(i)) ? .15f : .3f;
        for (int d = 0; d < dim; d++) {
          vectors[i * dim + d] += scale * rng.nextGaussian();
        }
      }
    }
    RqVaeConfig paper = RqVaeConfig.paper(dim);
    RqVaeConfig small =
        new RqVaeConfig(
            dim,
            List.of(32, 24),
            16,
            32,
            paper.metrics(),
            paper.straightThrough(),
            paper.reconstruction(),
            paper.commitment());
    compare("synthetic", new Items(ids, index, vectors, dim), small);
  }

  private static void compare(String name, Items items, RqVaeConfig config) throws Exception {
    EncodeResult codes = encode(items, config);
    List<String> tuples = new ArrayList<>();
    for (int i = 0; i < items.size(); i++) {
      tuples.add(text(tuple(codes, i), 0));
    }
    Measured none = new Measured("none", unique(tuples), 0, 0, 0);
    Measured nearest = resolved(items, codes, ResolveStrategy.NEAREST_FREE);
    Measured suffix = resolved(items, codes, ResolveStrategy.SUFFIX);
    Measured byName =
        corpusOrder("by identifier", items, tuples, Comparator.comparing(items.ids::get));
    Measured byIndex =
        corpusOrder(
            "by place in the data set", items, tuples, Comparator.comparing(i -> items.index[i]));

    String table = table(items, List.of(none, nearest, suffix, byName, byIndex));
    System.out.println(table);
    Files.writeString(Path.of("target", "repair-" + name + ".md"), table);

    assertThat(none.unique).as("unique before repair").isLessThan(1);
    for (Measured repaired : List.of(nearest, suffix, byName, byIndex)) {
      assertThat(repaired.unique).as("unique with %s", repaired.repair).isEqualTo(1);
    }
    assertThat(nearest.changed).as("tokens changed by nearest-free").isZero();
    assertThat(suffix.changed).as("tokens changed by suffix").isZero();
    assertThat(suffix.otherCode).isZero();
    assertThat(nearest.otherCode).isPositive();
    for (Measured corpus : List.of(byName, byIndex)) {
      assertThat(corpus.changed).as("tokens changed %s", corpus.repair).isPositive();
    }
  }

  /** Codes by a tokenizer that has seen the old items only, as those that arrive later find it. */
  private static EncodeResult encode(Items items, RqVaeConfig config) {
    Rng rng = new Rng(SEED);
    RqVae vae = new RqVae(config, rng.split());
    vae.initialiseCodebooks(items.vectors, items.old(), rng.split());
    int[] order = IntStream.range(0, items.old()).toArray();
    float[] batch = new float[BATCH * items.dim];
    for (int epoch = 0; epoch < EPOCHS; epoch++) {
      for (int i = order.length - 1; i > 0; i--) {
        int j = rng.nextInt(i + 1);
        int swap = order[i];
        order[i] = order[j];
        order[j] = swap;
      }
      for (int from = 0; from + BATCH <= order.length; from += BATCH) {
        for (int i = 0; i < BATCH; i++) {
          System.arraycopy(
              items.vectors, order[from + i] * items.dim, batch, i * items.dim, items.dim);
        }
        vae.forwardTrain(batch, BATCH);
        vae.backward(null);
        vae.applyGradients(1e-3f);
        vae.updateCodebooks(.8f, rng);
      }
    }
    // The codebooks again, on what the encoder has become.
    vae.initialiseCodebooks(items.vectors, items.old(), rng.split());
    TokenizerModel tokenizer = vae.tokenizer(new float[config.levels()]);
    EncodeResult codes = new EncodeResult(true);
    tokenizer.encode(items.vectors, items.size(), null, codes);
    return codes;
  }

  /** By the job's own operator. */
  private static Measured resolved(Items items, EncodeResult codes, ResolveStrategy strategy)
      throws Exception {
    Map<String, String> before = new HashMap<>();
    Map<String, String> after = new HashMap<>();
    int otherCode = 0;
    int suffixed = 0;
    try (KeyedOneInputStreamOperatorTestHarness<String, Claim, Resolved> harness =
        new KeyedOneInputStreamOperatorTestHarness<>(
            new KeyedProcessOperator<>(new ResolveFunction(strategy, 1)),
            ResolveFunction.BY_PREFIX,
            Types.STRING)) {
      harness.open();
      for (int i = 0; i < items.old(); i++) {
        harness.processElement(new StreamRecord<>(claim(items, codes, i, 1)));
      }
      harness.extractOutputValues().forEach(r -> before.put(r.item, text(r.codes, r.suffix)));
      harness.getOutput().clear();
      // The new ones first, so that they could take what is an old one's; then each asks again.
      for (int n = 0; n < items.size(); n++) {
        int i = (items.old() + n) % items.size();
        harness.processElement(new StreamRecord<>(claim(items, codes, i, 2)));
      }
      for (Resolved r : harness.extractOutputValues()) {
        after.put(r.item, text(r.codes, r.suffix));
        otherCode += Arrays.equals(r.codes, r.nearest) ? 0 : 1;
        suffixed += r.suffix == 0 ? 0 : 1;
      }
    }
    assertThat(after).hasSize(items.size());
    double n = items.size();
    String name = strategy == ResolveStrategy.SUFFIX ? "`suffix`" : "`nearest-free`";
    return new Measured(
        name, unique(after.values()), otherCode / n, suffixed / n, changed(before, after));
  }

  /**
   * The usual way: whenever tokens are made, an item's suffix is its rank among the items of its
   * tuple, in the order of the corpus.
   */
  private static Measured corpusOrder(
      String order, Items items, List<String> tuples, Comparator<Integer> corpus) {
    Map<String, String> before = ranked(items, tuples, items.old(), corpus);
    Map<String, String> after = ranked(items, tuples, items.size(), corpus);
    long suffixed = after.values().stream().filter(token -> !token.endsWith("+0")).count();
    return new Measured(
        "order of the corpus, " + order,
        unique(after.values()),
        0,
        suffixed / (double) items.size(),
        changed(before, after));
  }

  private static Map<String, String> ranked(
      Items items, List<String> tuples, int known, Comparator<Integer> corpus) {
    Map<String, Integer> ranks = new HashMap<>();
    Map<String, String> tokens = new HashMap<>();
    for (int i : IntStream.range(0, known).boxed().sorted(corpus).toList()) {
      int rank = ranks.merge(tuples.get(i), 1, Integer::sum) - 1;
      tokens.put(items.ids.get(i), tuples.get(i).replace("+0", "+" + rank));
    }
    return tokens;
  }

  private static Claim claim(Items items, EncodeResult codes, int i, int version) {
    int[] tuple = tuple(codes, i);
    Claim claim = new Claim();
    claim.item = items.ids.get(i);
    claim.seq = version;
    claim.version = version;
    claim.prefix = Arrays.copyOf(tuple, tuple.length - 1);
    claim.chosen = tuple[tuple.length - 1];
    claim.lastDistances = codes.lastDistances(i);
    return claim;
  }

  private static int[] tuple(EncodeResult codes, int i) {
    return Arrays.copyOfRange(codes.codes, i * codes.levels, (i + 1) * codes.levels);
  }

  private static String text(int[] codes, int suffix) {
    return Arrays.toString(codes) + "+" + suffix;
  }

  /** Share of tokens that no other item has. */
  private static double unique(Collection<String> tokens) {
    Map<String, Integer> holders = new TreeMap<>();
    tokens.forEach(token -> holders.merge(token, 1, Integer::sum));
    return holders.values().stream().filter(n -> n == 1).count() / (double) tokens.size();
  }

  private static int changed(Map<String, String> before, Map<String, String> after) {
    return (int)
        before.entrySet().stream().filter(e -> !e.getValue().equals(after.get(e.getKey()))).count();
  }

  private static String table(Items items, List<Measured> rows) {
    StringBuilder s = new StringBuilder();
    s.append(
        "%,d items, of which the last %,d arrive later%n%n"
            .formatted(items.size(), items.size() - items.old()));
    s.append("| repair | unique | another last code | a suffix | old tokens changed |\n");
    s.append("| --- | --- | --- | --- | --- |\n");
    for (Measured row : rows) {
      s.append(
          "| %s | %.2f %% | %.1f %% | %.1f %% | %,d (%.2f %%) |%n"
              .formatted(
                  row.repair,
                  100 * row.unique,
                  100 * row.otherCode,
                  100 * row.suffixed,
                  row.changed,
                  100. * row.changed / items.old()));
    }
    return s.toString();
  }
}
