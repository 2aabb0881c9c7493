package io.sidstream.model.train;

import io.sidstream.model.evaluate.LeaveOneOut;
import io.sidstream.model.file.Npy;
import io.sidstream.model.math.Rng;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.GZIPInputStream;

/**
 * Not a test: trains on Amazon Beauty by leave-one-out and prints the validation curve and the time
 * of a step. Arguments: the data set's folder, the epochs, and key=value for loss, idStart,
 * idDropout.
 */
final class BeautyLeaveOneOut {
  private BeautyLeaveOneOut() {}

  public static void main(String[] args) throws Exception {
    Path dir = Path.of(args[0]);
    int epochs = Integer.parseInt(args[1]);
    JointConfig.Builder knobs = JointConfig.builder();
    for (int i = 2; i < args.length; i++) {
      String value = args[i].substring(args[i].indexOf('=') + 1);
      switch (args[i].substring(0, args[i].indexOf('='))) {
        case "loss" -> knobs.loss(JointConfig.Loss.valueOf(value));
        case "idStart" -> knobs.idStart(JointConfig.IdStart.valueOf(value));
        case "idDropout" -> knobs.idDropout(Float.parseFloat(value));
        case "idDim" -> knobs.idDim(Integer.parseInt(value));
        case "variant" -> knobs.variant(JointConfig.Variant.valueOf(value));
        default -> throw new IllegalArgumentException("no such knob: " + args[i]);
      }
    }
    JointConfig config = knobs.build();
    Dataset data = read(dir);
    ItemTable items = JointTrainer.newItemTable(config);
    float[] vectors;
    try (InputStream in = Files.newInputStream(dir.resolve("minilm-l6-v2.f16.npy"))) {
      vectors = Npy.readFloats(in).data();
    }
    int n = data.itemIds().size();
    for (int i = 0; i < n; i++) {
      items.put(i, Arrays.copyOfRange(vectors, i * 384, (i + 1) * 384), 0);
    }
    int[][] all = data.sequences();
    UserSequences users = new UserSequences(51);
    int[][] histories = new int[all.length][];
    int[] targets = new int[all.length];
    for (int u = 0; u < all.length; u++) {
      int m = all[u].length;
      histories[u] = Arrays.copyOf(all[u], m - 2);
      targets[u] = all[u][m - 2];
      users.set(u, histories[u], new long[m - 2]);
    }
    int[] catalogue = new int[n];
    Arrays.setAll(catalogue, i -> i);
    JointTrainer trainer = new JointTrainer(config, items, users, 42);
    if (config.hasSemantic()) {
      long t = System.nanoTime();
      trainer.initialiseCodebooks(n);
      System.out.printf(
          Locale.ROOT, "codebooks initialised in %.1f s%n", (System.nanoTime() - t) / 1e9);
    }
    Rng rng = new Rng(7);
    int[] order = new int[all.length];
    Arrays.setAll(order, i -> i);
    for (int epoch = 0; epoch < epochs; epoch++) {
      for (int i = order.length - 1; i > 0; i--) {
        int j = rng.nextInt(i + 1);
        int swap = order[i];
        order[i] = order[j];
        order[j] = swap;
      }
      long start = System.nanoTime();
      int steps = 0;
      double loss = 0;
      double reconstruction = 0;
      int distinct = 0;
      for (int from = 0; from < order.length; from += config.batchUsers()) {
        StepStats stats =
            trainer.step(
                Arrays.copyOfRange(order, from, Math.min(order.length, from + config.batchUsers())),
                Phase.JOINT);
        loss += stats.recommendation();
        reconstruction += stats.reconstruction();
        distinct += stats.distinctItems();
        steps++;
      }
      double ms = (System.nanoTime() - start) / 1e6 / steps;
      String quality = "";
      if (config.hasSemantic()) {
        trainer.adopt(trainer.candidate(new float[config.levels()]));
        Quality q = trainer.quality(trainer.inUse());
        quality =
            String.format(
                Locale.ROOT,
                " unique %.3f largest %d use %s",
                q.aloneInTuple(),
                q.largestCollision(),
                Arrays.toString(q.utilisation()));
      }
      LeaveOneOut.Result r =
          LeaveOneOut.evaluate(
              trainer.recommender(), trainer, catalogue, histories, targets, all, 99, new Rng(11));
      System.out.printf(
          Locale.ROOT,
          "epoch %d: %.1f ms/step (%d distinct) loss %.4f rec %.4f | sampled HR@10 %.4f NDCG@10 %.4f MRR %.4f | full R@10 %.4f NDCG@10 %.4f |%s%n",
          epoch,
          ms,
          distinct / steps,
          loss / steps,
          reconstruction / steps,
          r.sampled.hr(10),
          r.sampled.ndcg(10),
          r.sampled.mrr(),
          r.full.hr(10),
          r.full.ndcg(10),
          quality);
    }
  }

  static Dataset read(Path dir) throws Exception {
    Pattern id = Pattern.compile("\"item\": \"([^\"]+)\"");
    List<String> ids = new ArrayList<>();
    try (BufferedReader in =
        new BufferedReader(
            new InputStreamReader(
                new GZIPInputStream(Files.newInputStream(dir.resolve("items.jsonl.gz"))),
                StandardCharsets.UTF_8))) {
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        Matcher m = id.matcher(line);
        if (!m.find()) {
          throw new IllegalStateException("a line of items.jsonl.gz has no item: " + line);
        }
        ids.add(m.group(1));
      }
    }
    try (InputStream in =
        new GZIPInputStream(Files.newInputStream(dir.resolve("interactions.tsv.gz")))) {
      return Dataset.read(in, ids);
    }
  }
}
