package io.sidstream.client;

import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.TokenChecksum;
import io.sidstream.schemas.WireFormat;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Measures memory and load time of a table: {@code LoadMain [rows]}, a million by default. Rows are
 * decoded from their bytes as they come from Kafka, without a broker; identifiers have 10 bytes,
 * tokens 3 codes of 256, one in fifty a suffix; ID embeddings have 8 dimensions. Times are CPU
 * time.
 */
final class LoadMain {
  private LoadMain() {}

  public static void main(String[] args) throws Exception {
    int n = args.length > 0 ? Integer.parseInt(args[0]) : 1_000_000;
    Random random = new Random(1);
    WireFormat wire = new WireFormat();
    long empty = used();
    TableState state = new TableState(0);
    long sum = 0;
    long decoding = 0;
    byte[][] chunk = new byte[10_000][];
    for (int from = 0; from < n; from += chunk.length) {
      int to = Math.min(n, from + chunk.length);
      for (int i = from; i < to; i++) {
        ItemToken token = token(i, random);
        chunk[i - from] = wire.encode(token);
        sum += TokenChecksum.of(token.getItem(), token.getCodes(), token.getSuffix());
      }
      long started = cpu();
      for (int i = from; i < to; i++) {
        TokenTable.row(wire.decode(chunk[i - from], ItemToken.class), key(i), state);
      }
      decoding += cpu() - started;
    }
    long started = cpu();
    state.commit(new TokenView.Verified(1, 1, n, sum, 0));
    if (!state.verified(1)) {
      throw new IllegalStateException("the table does not agree with its COMMIT record");
    }
    state.promote(1);
    TokenView view = state.view();
    System.out.printf(
        "%,d rows: decoded and applied in %.2f s, swapped in after %.2f s more%n",
        n, decoding / 1e9, (cpu() - started) / 1e9);
    report("tokens, look-ups both ways", empty, n);
    for (int i = 0; i < n; i++) {
      float[] e = new float[8];
      Arrays.fill(e, i);
      state.embedding(key(i), e);
    }
    view = view.withEmbeddings(state.items.index(), state.items.size(), state.embeddings.freeze());
    report("and ID embeddings of 8", empty, n);
    // The worst that a version can be: every token is another, and the version before is kept.
    TokenView before = view;
    for (int i = 0; i < n; i++) {
      Token old = before.get(name(i));
      int[] codes = {255 - old.codes()[0], old.codes()[1], old.codes()[2]};
      state.row(key(i), 2, new Token(codes, old.suffix(), 2), old);
    }
    report("while every token changes", empty, n);
    started = cpu();
    state.promote(2);
    view = state.view();
    System.out.printf("swap of %,d changed tokens: %.2f s%n", n, (cpu() - started) / 1e9);
    report("then, the version before kept for a rollback", empty, n);
    if (before.version() != 1) {
      throw new IllegalStateException();
    }
    Path file = Files.createTempFile("table", ".snapshot");
    started = cpu();
    new Snapshot("here", Map.of(), state).write(file);
    double written = (cpu() - started) / 1e9;
    started = cpu();
    Snapshot read = Snapshot.read(file);
    System.out.printf(
        "snapshot: %,d bytes, written in %.2f s, read in %.2f s%n",
        Files.size(file), written, (cpu() - started) / 1e9);
    Files.delete(file);
    if (read.state().itemsAt(2) != n) {
      throw new IllegalStateException("the snapshot lost items");
    }
    started = cpu();
    long found = 0;
    for (int i = 0; i < n; i++) {
      found += view.get(name(i)).version();
    }
    System.out.printf("get: %.0f ns%n", (cpu() - started) / (double) n);
    started = cpu();
    int steps = 0;
    for (int i = 0; i < 10_000; i++) {
      int[] children = view.children(random.nextInt(256));
      steps += view.children(children[0], children[children.length - 1]).length;
    }
    System.out.printf(
        "children of a first code and of two codes: %.1f us each pair%n",
        (cpu() - started) / 1e4 / 1e3);
    if (found != 2L * n || steps == 0) {
      throw new IllegalStateException("found " + found + ", children " + steps);
    }
  }

  private static ItemToken token(int i, Random random) {
    List<Integer> codes = List.of(random.nextInt(256), random.nextInt(256), random.nextInt(256));
    ItemToken token = new ItemToken();
    token.setItem(name(i));
    token.setVersion(1);
    token.setCommit(1);
    token.setRevision(1L);
    token.setCodes(codes);
    token.setNearest(codes);
    token.setSuffix(random.nextInt(50) == 0 ? 1 + random.nextInt(5) : null);
    token.setDistances(List.of(.1f, .2f, .3f));
    token.setMargins(List.of(.1f, .2f, .3f));
    token.setTime(Instant.EPOCH);
    return token;
  }

  private static String name(int i) {
    return "B%09d".formatted(i);
  }

  private static byte[] key(int i) {
    return name(i).getBytes(StandardCharsets.UTF_8);
  }

  /** CPU time of this thread, ns: the machine may be busy with other things. */
  private static long cpu() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }

  private static long used() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }

  private static void report(String what, long empty, int n) {
    System.out.printf("%s: %.1f bytes a token%n", what, (double) (used() - empty) / n);
  }
}
