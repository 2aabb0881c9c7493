package io.sidstream.model.math;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.ForkJoinTask;
import java.util.function.IntConsumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * The threads that share the work of one caller: parts of a large product, a step's decoder beside
 * its recommender, a ranking's users. One by default, as the parallelism of a job is that of its
 * tasks. Work is cut by its shape and never by their number, so that results have the same bits
 * whatever it is.
 */
public final class Threads {
  /** Property, read once: the number of threads at the start. */
  public static final String PROPERTY = "sidstream.blas.threads";

  /** More than this many find nothing to share. */
  public static final int MOST = 4;

  /** Null for one thread: the caller's. */
  private static volatile ForkJoinPool pool = pool(Integer.getInteger(PROPERTY, 1));

  /** The pool of work that {@link #with} was called for, on the thread that called it. */
  private static final ThreadLocal<ForkJoinPool> OWN = new ThreadLocal<>();

  private Threads() {}

  /**
   * Sets the number of threads. Not while work is shared.
   *
   * @param threads 1 or more; above {@value #MOST} as {@value #MOST}
   */
  public static void use(int threads) {
    ForkJoinPool before = pool;
    pool = pool(threads);
    if (before != null) {
      before.shutdown();
    }
  }

  private static ForkJoinPool pool(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException(
          "Number of threads (" + PROPERTY + ") is " + threads + "; set it to 1 or more");
    }
    return threads == 1 ? null : new Own(Math.min(threads, MOST));
  }

  /**
   * Does work with threads of its own, however many others share; they end with it.
   *
   * @param threads 1 or more; above {@value #MOST} as {@value #MOST}
   * @return its result; what it throws is thrown
   */
  public static <T> T with(int threads, Supplier<T> work) {
    ForkJoinPool own = pool(threads);
    ForkJoinPool before = OWN.get();
    OWN.set(own);
    try {
      return work.get();
    } finally {
      if (before == null) {
        OWN.remove();
      } else {
        OWN.set(before);
      }
      if (own != null) {
        own.shutdown();
      }
    }
  }

  /** The pool that shares the work of this thread; null for none. */
  private static ForkJoinPool pool() {
    ForkJoinPool own = OWN.get();
    if (own != null) {
      return own;
    }
    return ForkJoinTask.getPool() instanceof Own of ? of : pool;
  }

  /** A pool made here: a thread of one shares with its like. */
  private static final class Own extends ForkJoinPool {
    Own(int threads) {
      super(threads);
    }
  }

  /** Number of threads. */
  public static int count() {
    ForkJoinPool now = pool();
    return now == null ? 1 : now.getParallelism();
  }

  /**
   * Does work as one of the threads: where it waits for what it shares, it takes of that itself
   * what nobody has begun.
   *
   * @return its result; what it throws is thrown
   */
  public static <T> T call(Supplier<T> work) {
    ForkJoinPool now = pool();
    if (now == null || ForkJoinTask.getPool() == now) {
      return work.get();
    }
    try {
      return CompletableFuture.supplyAsync(work, now).join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw e;
    }
  }

  /** Does work 0 to n - 1, in any order, and waits for it. */
  public static void forEach(int n, IntConsumer work) {
    if (pool() == null) {
      IntStream.range(0, n).forEach(work);
    } else {
      // A parallel stream runs in the pool of the thread that starts it.
      call(
          () -> {
            IntStream.range(0, n).parallel().forEach(work);
            return null;
          });
    }
  }

  /**
   * Starts work beside that of the caller, who joins it; of one thread does it at once.
   *
   * @return the work, whose join throws what it threw
   */
  public static ForkJoinTask<?> start(Runnable work) {
    ForkJoinPool now = pool();
    if (now != null) {
      return now.submit(work);
    }
    ForkJoinTask<?> done = ForkJoinTask.adapt(work);
    done.quietlyInvoke();
    return done;
  }
}
