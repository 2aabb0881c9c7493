package io.sidstream.job.simulation;

import java.util.List;
import java.util.function.Function;
import java.util.function.ToIntBiFunction;
import org.apache.flink.util.OutputTag;

/**
 * From an output of a stage to an input of another.
 *
 * @param tag the side output; null for the main one
 * @param input 1 or 2
 * @param map what becomes of a value on the way
 * @param to subtask for a value, of so many, or {@link #ALL}; null for that of the sender's number
 */
record Edge(
    OutputTag<?> tag,
    Stage stage,
    int input,
    Function<Object, List<?>> map,
    ToIntBiFunction<Object, Integer> to) {
  static final int ALL = -1;

  /** The channels of a subtask, by the subtask that they go to. */
  Channel[] channels(int from) {
    Channel[] channels = new Channel[stage.parallelism];
    for (int i = 0; i < channels.length; i++) {
      if (to != null || i == from) {
        channels[i] = new Channel(stage.nodes.get(i), input);
        stage.nodes.get(i).inputs.add(channels[i]);
      }
    }
    return channels;
  }
}
