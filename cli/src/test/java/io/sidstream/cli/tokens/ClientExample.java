package io.sidstream.cli.tokens;

// docs/client.md begins
import io.sidstream.client.Token;
import io.sidstream.client.TokenChange;
import io.sidstream.client.TokenTable;
import io.sidstream.client.TokenTableListener;
import io.sidstream.client.TokenView;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Decodes a token code by code, choosing only what some item has, and says when tokens change. */
final class ClientExample {

  static List<String> run(String bootstrap, String prefix, Path folder) throws Exception {
    List<String> said = new ArrayList<>();
    TokenTableListener listener =
        new TokenTableListener() {
          @Override
          public void afterSwap(TokenChange change) {
            said.add(change.toString());
          }
        };
    try (TokenTable table =
        TokenTable.builder(bootstrap).prefix(prefix).snapshots(folder).listener(listener).open()) {
      table.await(1, Duration.ofMinutes(1));

      // Several reads that must agree go through one view.
      TokenView view = table.view();
      int[] codes = new int[view.levels()];
      for (int level = 0; level < codes.length; level++) {
        int[] prefixSoFar = Arrays.copyOf(codes, level);
        int[] allowed = view.children(prefixSoFar);
        codes[level] = allowed[0]; // your model's choice among the allowed
      }
      String item = view.items(codes).get(0);
      Token token = view.get(item);
      float[] s = view.representation(item); // [z ‖ e]
      said.add(item + " has " + token + ", represented by " + s.length + " numbers");
    }
    return said;
  }
}
// docs/client.md ends
