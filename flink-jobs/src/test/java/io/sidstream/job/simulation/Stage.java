package io.sidstream.job.simulation;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.ToIntBiFunction;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.apache.flink.util.OutputTag;

/** An operator, a source or a sink with its subtasks and where they send to. */
final class Stage {
  /** Makes a subtask. */
  @FunctionalInterface
  interface Maker {
    Node make(Stage stage, int subtask) throws Exception;
  }

  final String name;
  final int parallelism;
  final int maxParallelism;
  final Maker maker;
  final List<Edge> edges = new ArrayList<>();
  final List<Node> nodes = new ArrayList<>();

  Stage(String name, int parallelism, int maxParallelism, Maker maker) {
    this.name = name;
    this.parallelism = parallelism;
    this.maxParallelism = maxParallelism;
    this.maker = maker;
  }

  Stage edge(
      OutputTag<?> tag,
      Stage to,
      int input,
      Function<Object, List<?>> map,
      ToIntBiFunction<Object, Integer> select) {
    edges.add(new Edge(tag, to, input, map, select));
    return this;
  }

  /** By key, as the engine assigns it. */
  Stage keyed(OutputTag<?> tag, Stage to, int input, Function<Object, Object> key) {
    return edge(tag, to, input, List::of, select(to, key));
  }

  static ToIntBiFunction<Object, Integer> select(Stage to, Function<Object, Object> key) {
    return (value, n) ->
        KeyGroupRangeAssignment.assignKeyToParallelOperator(key.apply(value), to.maxParallelism, n);
  }

  /** To the subtask of the same number. */
  Stage forward(OutputTag<?> tag, Stage to) {
    return edge(tag, to, 1, List::of, null);
  }

  /** To the only one. */
  Stage single(OutputTag<?> tag, Stage to, int input) {
    return edge(tag, to, input, List::of, (value, n) -> 0);
  }

  Stage broadcast(Stage to, int input) {
    return edge(null, to, input, List::of, (value, n) -> Edge.ALL);
  }
}
