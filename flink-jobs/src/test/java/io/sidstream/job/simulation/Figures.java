package io.sidstream.job.simulation;

/** What happened in histories, in sum. Any thread may add. */
final class Figures {
  long histories;
  long steps;
  long crashes;
  long rescalings;
  long refused;
  long lost;
  long said;
  long republished;

  synchronized void add(Simulation simulation) {
    histories++;
    steps += simulation.steps;
    crashes += simulation.crashes;
    rescalings += simulation.rescalings;
    refused += simulation.refused;
    lost += simulation.lost;
    said += simulation.topics.said;
    republished += simulation.topics.republished;
  }

  @Override
  public String toString() {
    return "%d histories: %d moves, %d crashes, %d of them with another parallelism, %d checkpoints that failed, %d lost transactions, %d control messages, %d requests to write again"
        .formatted(histories, steps, crashes, rescalings, refused, lost, said, republished);
  }
}
