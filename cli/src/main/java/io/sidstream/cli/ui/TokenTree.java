package io.sidstream.cli.ui;

import io.sidstream.client.Token;
import io.sidstream.client.TokenView;
import java.util.List;

/** The prefixes that exist: what decoding may choose from. */
interface TokenTree {
  /** Codes of a token; 0 of an empty table. */
  int levels();

  /** The codes that may follow a prefix, ascending; see {@link TokenView#children}. */
  int[] children(int... prefix);

  /** The items whose codes begin so, in the order of codes and suffix. */
  List<String> items(int... prefix);

  /** The token of an item, null where it has none. */
  Token get(String item);

  /** Of a table. */
  static TokenTree of(TokenView view) {
    return new TokenTree() {
      @Override
      public int levels() {
        return view.levels();
      }

      @Override
      public int[] children(int... prefix) {
        return view.children(prefix);
      }

      @Override
      public List<String> items(int... prefix) {
        return view.items(prefix);
      }

      @Override
      public Token get(String item) {
        return view.get(item);
      }
    };
  }
}
