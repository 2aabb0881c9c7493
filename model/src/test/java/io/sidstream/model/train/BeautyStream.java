package io.sidstream.model.train;

import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.file.Npy;
import io.sidstream.model.math.Rng;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Not a test: replays Amazon Beauty in order of time as the job does it, and prints prequential
 * rankings and churn. Arguments: the data set's folder; key=value for bootstrap (events),
 * bootstrapSteps, every (events of a round), steps (of a round), slow (a quantizer round every so
 * many rounds, 0 for never), budget (churn), idStart, idDropout.
 */
final class BeautyStream {
  private BeautyStream() {}

  public static void main(String[] args) throws Exception {
    Map<String, String> knobs =
        new LinkedHashMap<>(
            Map.of(
                "bootstrap",
                "40000",
                "bootstrapSteps",
                "600",
                "every",
                "5000",
                "steps",
                "60",
                "slow",
                "0",
                "budget",
                "0.05",
                "idStart",
                "ZERO",
                "idDropout",
                "0"));
    for (int i = 1; i < args.length; i++) {
      String[] kv = args[i].split("=", 2);
      if (knobs.put(kv[0], kv[1]) == null) {
        throw new IllegalArgumentException("no such knob: " + args[i]);
      }
    }
    int bootstrap = Integer.parseInt(knobs.get("bootstrap"));
    int every = Integer.parseInt(knobs.get("every"));
    int steps = Integer.parseInt(knobs.get("steps"));
    int slow = Integer.parseInt(knobs.get("slow"));
    double budget = Double.parseDouble(knobs.get("budget"));
    JointConfig config =
        JointConfig.builder()
            .idStart(JointConfig.IdStart.valueOf(knobs.get("idStart")))
            .idDropout(Float.parseFloat(knobs.get("idDropout")))
            .build();
    Path dir = Path.of(args[0]);
    Dataset data = BeautyLeaveOneOut.read(dir);
    float[] vectors;
    try (InputStream in = Files.newInputStream(dir.resolve("minilm-l6-v2.f16.npy"))) {
      vectors = Npy.readFloats(in).data();
    }
    ItemTable items = JointTrainer.newItemTable(config);
    UserSequences users = new UserSequences(config.maxLen() + 1);
    JointTrainer trainer = new JointTrainer(config, items, users, 42);
    Prequential prequential = new Prequential(trainer.recommender(), trainer, items, 99);
    Rng rng = new Rng(7);
    int[] order = data.byTime();
    int from = 0;
    int round = 0;
    while (from < order.length) {
      int to = Math.min(order.length, from + (from == 0 ? bootstrap : every));
      Map<Integer, Integer> fresh = new LinkedHashMap<>();
      for (int i = from; i < to; i++) {
        int e = order[i];
        if (!items.known(data.item(e))) {
          items.put(
              data.item(e),
              Arrays.copyOfRange(vectors, data.item(e) * 384, (data.item(e) + 1) * 384),
              data.time(e));
        }
        users.append(data.user(e), data.item(e), data.time(e));
        fresh.merge(data.user(e), 1, Integer::sum);
      }
      String report = "";
      if (from > 0) {
        List<Prequential.Window> windows = new ArrayList<>();
        fresh.forEach(
            (user, n) ->
                windows.add(new Prequential.Window(users.items(user), users.times(user), n)));
        Prequential.Result r = prequential.evaluate(windows, new Rng(100 + round));
        report =
            String.format(
                Locale.ROOT,
                "n %d HR@10 %.3f pop %.3f | new n %d HR@10 %.3f pop %.3f",
                r.model.count(),
                r.model.hr(10),
                r.popularity.hr(10),
                r.newModel.count(),
                r.newModel.hr(10),
                r.newPopularity.hr(10));
      }
      for (int i = from; i < to; i++) {
        items.countInteraction(data.item(order[i]));
      }
      int[] active = fresh.keySet().stream().mapToInt(Integer::intValue).toArray();
      boolean first = from == 0;
      if (first) {
        trainer.initialiseCodebooks(items.knownCount());
      }
      boolean quantizer = first || slow > 0 && round % slow == 0;
      Phase phase = first ? Phase.JOINT : quantizer ? Phase.QUANTIZER_SLOW : Phase.RECOMMENDER;
      int n = first ? Integer.parseInt(knobs.get("bootstrapSteps")) : steps;
      long start = System.nanoTime();
      for (int s = 0; s < n; s++) {
        int[] batch = new int[config.batchUsers()];
        for (int b = 0; b < batch.length; b++) {
          batch[b] = b % 2 == 0 ? active[rng.nextInt(active.length)] : rng.nextInt(users.size());
        }
        trainer.step(batch, phase);
      }
      double ms = (System.nanoTime() - start) / 1e6 / n;
      String churn = "";
      if (quantizer) {
        Quality q =
            trainer.quality(
                first
                    ? trainer.candidate(new float[3])
                    : trainer.candidateWithin(
                        budget, 0, new float[] {0.1f, 0.1f, 0.1f}, 64f, 4096));
        trainer.adopt(
            first
                ? trainer.candidate(new float[3])
                : trainer.candidateWithin(budget, 0, new float[] {0.1f, 0.1f, 0.1f}, 64f, 4096));
        churn =
            String.format(
                Locale.ROOT,
                " | churn %.3f %s tolerance %s unique %.3f rec %.3f use %s",
                q.churn(),
                Arrays.toString(q.churnPerLevel()),
                Arrays.toString(trainer.inUse().tolerance()),
                q.aloneInTuple(),
                q.reconstruction(),
                Arrays.toString(q.utilisation()));
      } else if (round % 5 == 0) {
        Quality q = trainer.quality(trainer.inUse());
        churn = String.format(Locale.ROOT, " | unique %.3f", q.aloneInTuple());
      }
      System.out.printf(
          Locale.ROOT,
          "%s %s %.0f ms/step %s%s%n",
          Instant.ofEpochMilli(data.time(order[to - 1])).toString().substring(0, 7),
          phase,
          ms,
          report,
          churn);
      from = to;
      round++;
    }
  }
}
