package io.sidstream.job.simulation;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** What could happen next to the subtasks of a start of the job, one of which is drawn. */
final class Moves {
  private static final int DELIVER = 0;
  private static final int READ = 1;
  private static final int TRIGGER = 2;
  private static final int MAIL = 3;
  private static final int WORK = 4;
  private static final int HEAR = 5;
  private static final int KINDS = 6;

  /** What a move does. */
  interface Mover {
    void deliver(Channel channel) throws Exception;

    void snapshot(SourceNode source) throws Exception;
  }

  private final List<Channel> channels = new ArrayList<>();
  private final List<SourceNode> sources = new ArrayList<>();
  private final List<OperatorNode> operators = new ArrayList<>();
  private final List<Node> nodes;
  private final SplittableRandom random;
  private final Mover mover;

  /** Kind and index of each move, of those that can be made and of those of slow subtasks. */
  private int[] can = new int[64];

  private int[] slowly = new int[64];
  private int canCount;
  private int slowlyCount;

  Moves(List<Node> nodes, SplittableRandom random, Mover mover) {
    this.nodes = nodes;
    this.random = random;
    this.mover = mover;
    for (Node node : nodes) {
      if (node instanceof SourceNode source) {
        sources.add(source);
      } else if (node instanceof OperatorNode operator) {
        operators.add(operator);
      }
      for (Channel[] to : node.outputs) {
        for (Channel channel : to) {
          if (channel != null) {
            channels.add(channel);
          }
        }
      }
    }
  }

  List<SourceNode> sources() {
    return sources;
  }

  List<OperatorNode> operators() {
    return operators;
  }

  /** Whether nothing is under way between two subtasks. */
  boolean nothingUnderWay() {
    for (Channel channel : channels) {
      if (!channel.elements.isEmpty()) {
        return false;
      }
    }
    return true;
  }

  /** Makes one; false where there is none. Slow subtasks have theirs where no other has one. */
  boolean make() throws Exception {
    collect();
    int count = canCount > 0 ? canCount : slowlyCount;
    if (count == 0) {
      return false;
    }
    int drawn = (canCount > 0 ? can : slowly)[random.nextInt(count)];
    int i = drawn / KINDS;
    switch (drawn % KINDS) {
      case DELIVER -> mover.deliver(channels.get(i));
      case READ -> sources.get(i).read(random.nextInt(16));
      case TRIGGER -> mover.snapshot(sources.get(i));
      case MAIL -> operators.get(i).mail();
      case WORK -> operators.get(i).workshop.work();
      default -> nodes.get(i).complete(nodes.get(i).completed.remove(0));
    }
    return true;
  }

  private void collect() {
    canCount = 0;
    slowlyCount = 0;
    for (int i = 0; i < channels.size(); i++) {
      Channel channel = channels.get(i);
      add(channel.ready(), channel.to, DELIVER, i);
    }
    for (int i = 0; i < sources.size(); i++) {
      SourceNode source = sources.get(i);
      add(source.unread() > 0, source, READ, i);
      add(source.triggered > 0, source, TRIGGER, i);
    }
    for (int i = 0; i < operators.size(); i++) {
      OperatorNode operator = operators.get(i);
      add(operator.hasMail(), operator, MAIL, i);
      add(operator.workshop.hasTask(), operator, WORK, i);
    }
    for (int i = 0; i < nodes.size(); i++) {
      add(!nodes.get(i).completed.isEmpty(), nodes.get(i), HEAR, i);
    }
  }

  private void add(boolean possible, Node node, int kind, int index) {
    if (!possible) {
      return;
    }
    int move = index * KINDS + kind;
    if (node.slow) {
      slowly = room(slowly, slowlyCount);
      slowly[slowlyCount++] = move;
    } else {
      can = room(can, canCount);
      can[canCount++] = move;
    }
  }

  private static int[] room(int[] moves, int count) {
    return count < moves.length ? moves : Arrays.copyOf(moves, 2 * count);
  }
}
