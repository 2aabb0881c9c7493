package io.sidstream.tests.fuzz;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;

/**
 * A decoder of bytes that strangers can write: a reader of a topic, or of a file.
 *
 * <p>It may refuse its input by the exceptions that it documents, and by no other; and take no more
 * memory and time than the input is worth.
 */
final class Decoder {
  /** Memory that a decoder may take whatever its input, in bytes: buffers, messages. */
  static final long FREE_BYTES = 32L << 20;

  /** Memory that it may take beside that, for each byte of input. */
  private static final long BYTES_A_BYTE = 4096;

  private static final long MOST_NANOS = 5_000_000_000L;

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

  private final String name;
  private final Reading reading;
  private final Class<? extends Exception> refusal;
  private final List<byte[]> seeds = new ArrayList<>();

  /** What is done with an input. */
  @FunctionalInterface
  interface Reading {
    void read(byte[] input) throws Exception;
  }

  /**
   * A decoder without seeds.
   *
   * @param refusal the exception that it documents
   */
  Decoder(String name, Reading reading, Class<? extends Exception> refusal) {
    this.name = name;
    this.reading = reading;
    this.refusal = refusal;
  }

  /** With an input that it must take. */
  Decoder seed(byte[] input) {
    seeds.add(input);
    return this;
  }

  String name() {
    return name;
  }

  /** Inputs that it must take. */
  List<byte[]> seeds() {
    return seeds;
  }

  /** Reads what it must take, whatever that costs: the first time it loads classes. */
  void readSeeds() {
    for (byte[] seed : seeds) {
      try {
        reading.read(seed);
      } catch (Exception e) {
        throw new IllegalStateException(name + " does not take a seed", e);
      }
    }
  }

  /**
   * Gives it an input.
   *
   * @param free memory that it may take whatever the input, bytes
   * @return whether it took it
   * @throws AssertionError where it did anything but take it or refuse it, within bounds
   */
  boolean read(byte[] input, long free) {
    long bytes = THREADS.getCurrentThreadAllocatedBytes();
    long nanos = THREADS.getCurrentThreadCpuTime();
    boolean taken;
    try {
      reading.read(input);
      taken = true;
    } catch (Exception e) {
      if (!refusal.isInstance(e)) {
        throw new AssertionError(name + " of " + input.length + " bytes: " + e, e);
      }
      taken = false;
    } catch (OutOfMemoryError | StackOverflowError e) {
      throw new AssertionError(name + " of " + input.length + " bytes: " + e, e);
    }
    nanos = THREADS.getCurrentThreadCpuTime() - nanos;
    bytes = THREADS.getCurrentThreadAllocatedBytes() - bytes;
    if (bytes > free + BYTES_A_BYTE * input.length) {
      throw new AssertionError(
          "%s of %d bytes took %d bytes of memory".formatted(name, input.length, bytes));
    }
    if (nanos > MOST_NANOS) {
      throw new AssertionError(
          "%s of %d bytes took %d ms".formatted(name, input.length, nanos / 1_000_000));
    }
    return taken;
  }
}
