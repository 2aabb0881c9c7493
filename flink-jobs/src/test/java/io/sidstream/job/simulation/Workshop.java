package io.sidstream.job.simulation;

import java.io.Serializable;
import java.util.ArrayDeque;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.AbstractExecutorService;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.IntSupplier;

/**
 * An operator's own threads and its stop watch. Work is put aside until the simulation has it done,
 * and the watch goes by chance: now and then a turn is over wherever it is.
 */
public final class Workshop extends AbstractExecutorService implements Serializable {
  private static final long serialVersionUID = 1L;
  private static final long STALL_NS = 40_000_000;

  private final transient SplittableRandom random;
  private final transient ArrayDeque<Runnable> tasks = new ArrayDeque<>();
  private final transient IntSupplier stalls;
  private transient long nanos = 1;
  private transient boolean ended;

  /**
   * @param stalls one look at the watch in so many finds that a turn is over; 0 for none
   */
  Workshop(SplittableRandom random, IntSupplier stalls) {
    this.random = random;
    this.stalls = stalls;
  }

  /** As System.nanoTime. */
  public long nanos() {
    int one = stalls.getAsInt();
    nanos += one > 0 && random.nextInt(one) == 0 ? STALL_NS : 1_000;
    return nanos;
  }

  boolean hasTask() {
    return !tasks.isEmpty();
  }

  void work() {
    tasks.poll().run();
  }

  @Override
  public void execute(Runnable task) {
    if (ended) {
      throw new RejectedExecutionException();
    }
    tasks.add(task);
  }

  @Override
  public void shutdown() {
    ended = true;
  }

  @Override
  public List<Runnable> shutdownNow() {
    ended = true;
    tasks.clear();
    return List.of();
  }

  @Override
  public boolean isShutdown() {
    return ended;
  }

  @Override
  public boolean isTerminated() {
    return ended;
  }

  @Override
  public boolean awaitTermination(long timeout, TimeUnit unit) {
    return ended;
  }
}
