package io.sidstream.tests.faults;

import java.io.IOException;
import java.util.concurrent.Callable;
import java.util.function.Consumer;

/** A process of the cluster, life after life. For one thread, but for {@link #life}. */
final class Member {
  private final String name;
  private final Callable<Process> starter;
  private final Consumer<Process> killer;
  private volatile Process process;

  /**
   * Starts nothing.
   *
   * @param starter starts a life
   * @param killer ends one at once, whatever it is doing
   */
  Member(String name, Callable<Process> starter, Consumer<Process> killer) {
    this.name = name;
    this.starter = starter;
    this.killer = killer;
  }

  void start() throws Exception {
    process = starter.call();
  }

  /** Its process now, or null. */
  Process life() {
    return process;
  }

  boolean running() {
    return process.isAlive();
  }

  /** {@code kill -9}. */
  void kill() {
    killer.accept(process);
  }

  /** Nothing of it runs until {@link #resume}; its connections stay open. */
  void pause() throws IOException, InterruptedException {
    signal("STOP");
  }

  void resume() throws IOException, InterruptedException {
    signal("CONT");
  }

  private void signal(String signal) throws IOException, InterruptedException {
    int exit =
        new ProcessBuilder("kill", "-" + signal, String.valueOf(process.pid()))
            .inheritIO()
            .start()
            .waitFor();
    if (exit != 0) {
      throw new IOException("kill -" + signal + " of " + name + " ended with " + exit);
    }
  }

  @Override
  public String toString() {
    return name;
  }
}
