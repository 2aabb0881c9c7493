package io.sidstream.lab.tiger;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * The code tuples that exist, as a trie. As in TIGER every tuple gets one code more than the
 * tokenizer has levels: the number of the item among those that share the others, in order of
 * index, so that each item has a tuple of its own.
 *
 * <p>Nodes are numbered level by level, within a level in lexicographic order of their codes; the
 * children of a node follow one another. The root is node 0, and the leaves are the items in order
 * of their tuples. Immutable.
 */
public final class TupleTrie {
  private final int depth;
  private final List<Integer> sizes;

  /** [items, depth]. */
  private final int[] tuples;

  /** Items in order of their tuples, and the place of each item in it. */
  private final int[] order;

  private final int[] place;

  /** By node: its code, its first child, the places of its items in order. */
  private final int[] code;

  private final int[] firstChild;
  private final int[] from;
  private final int[] to;

  /**
   * A trie of the items' codes.
   *
   * @param codes the tokenizer's [items, levels]
   * @param codewords codewords of each level, K
   * @throws IllegalArgumentException naming the item whose code is not one of a codebook's
   */
  public TupleTrie(int[] codes, int items, int levels, int codewords) {
    if (items < 1 || levels < 1) {
      throw new IllegalArgumentException(
          items + " items of " + levels + " levels; both must be 1 or more");
    }
    if (codes.length < items * levels) {
      throw new IllegalArgumentException(
          codes.length + " codes; " + items + " items of " + levels + " levels need more");
    }
    for (int i = 0; i < items * levels; i++) {
      if (codes[i] < 0 || codes[i] >= codewords) {
        throw new IllegalArgumentException(
            "item "
                + i / levels
                + " has code "
                + codes[i]
                + " at level "
                + (i % levels + 1)
                + "; it must be in 0.."
                + (codewords - 1)
                + ", so encode all items first");
      }
    }
    depth = levels + 1;
    Integer[] sorted = new Integer[items];
    Arrays.setAll(sorted, i -> i);
    Comparator<Integer> byCodes =
        (a, b) ->
            Arrays.compare(
                codes, a * levels, (a + 1) * levels, codes, b * levels, (b + 1) * levels);
    // The sort is stable: items that share their codes stay in order of index.
    Arrays.sort(sorted, byCodes);
    order = new int[items];
    place = new int[items];
    tuples = new int[items * depth];
    int most = 0;
    for (int p = 0; p < items; p++) {
      int item = sorted[p];
      order[p] = item;
      place[item] = p;
      System.arraycopy(codes, item * levels, tuples, item * depth, levels);
      boolean shared = p > 0 && byCodes.compare(sorted[p - 1], item) == 0;
      int number = shared ? tuples[order[p - 1] * depth + levels] + 1 : 0;
      tuples[item * depth + levels] = number;
      most = Math.max(most, number + 1);
    }
    List<Integer> all = new ArrayList<>();
    for (int l = 0; l < levels; l++) {
      all.add(codewords);
    }
    all.add(most);
    sizes = List.copyOf(all);

    int atMost = 1 + items * depth;
    int[] codeOf = new int[atMost];
    int[] first = new int[atMost + 1];
    int[] begin = new int[atMost];
    int[] end = new int[atMost];
    end[0] = items;
    int nodes = 1;
    int levelFrom = 0;
    for (int l = 0; l < depth; l++) {
      int levelTo = nodes;
      for (int node = levelFrom; node < levelTo; node++) {
        first[node] = nodes;
        for (int p = begin[node]; p < end[node]; ) {
          int c = tuples[order[p] * depth + l];
          int next = p + 1;
          while (next < end[node] && tuples[order[next] * depth + l] == c) {
            next++;
          }
          codeOf[nodes] = c;
          begin[nodes] = p;
          end[nodes] = next;
          nodes++;
          p = next;
        }
      }
      levelFrom = levelTo;
    }
    // Leaves have no children; the last inner node's end where the leaves do.
    Arrays.fill(first, levelFrom, nodes + 1, nodes);
    code = Arrays.copyOf(codeOf, nodes);
    firstChild = Arrays.copyOf(first, nodes + 1);
    from = Arrays.copyOf(begin, nodes);
    to = Arrays.copyOf(end, nodes);
  }

  /** Codes of a tuple: the tokenizer's levels and one more. */
  public int depth() {
    return depth;
  }

  /** How many codes there are at each place of a tuple; the last is the largest collision. */
  public List<Integer> sizes() {
    return sizes;
  }

  /** Copies an item's tuple. */
  void copyTuple(int item, int[] out, int at) {
    System.arraycopy(tuples, item * depth, out, at, depth);
  }

  /** An item's tuple. */
  int[] tuple(int item) {
    return Arrays.copyOfRange(tuples, item * depth, (item + 1) * depth);
  }

  /** The item that has a tuple, or -1. */
  int item(int... tuple) {
    int node = 0;
    for (int c : tuple) {
      int child = firstChild(node);
      while (child < endOfChildren(node) && code[child] != c) {
        child++;
      }
      if (child == endOfChildren(node)) {
        return -1;
      }
      node = child;
    }
    return tuple.length == depth ? itemOf(node) : -1;
  }

  int firstChild(int node) {
    return firstChild[node];
  }

  int endOfChildren(int node) {
    return firstChild[node + 1];
  }

  int code(int node) {
    return code[node];
  }

  int itemOf(int leaf) {
    return order[from[leaf]];
  }

  /** The places of items in the order of the leaves, ascending. */
  int[] places(int[] some) {
    int[] places = new int[some.length];
    for (int i = 0; i < some.length; i++) {
      places[i] = place[some[i]];
    }
    Arrays.sort(places);
    return places;
  }

  /** Whether a node has an item whose place is not among those masked (ascending, distinct). */
  boolean open(int node, int[] masked) {
    int below = Arrays.binarySearch(masked, from[node]);
    int first = below < 0 ? -below - 1 : below;
    int n = 0;
    while (first + n < masked.length && masked[first + n] < to[node]) {
      n++;
    }
    return n < to[node] - from[node];
  }
}
