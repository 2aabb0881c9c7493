package io.sidstream.job.tokenize;

import io.sidstream.job.simulation.Workshop;

/** Tokenize whose stop watch a simulation has. */
public final class SimulatedTokenize extends TokenizeOperator {
  private final Workshop workshop;

  public SimulatedTokenize(int batch, long lingerMs, int scanSlice, Workshop workshop) {
    super(batch, lingerMs, scanSlice, "items");
    this.workshop = workshop;
  }

  @Override
  long nanos() {
    return workshop.nanos();
  }
}
