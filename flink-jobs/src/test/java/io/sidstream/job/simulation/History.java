package io.sidstream.job.simulation;

import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.VersionState;
import java.util.SplittableRandom;

/** A history of the job: what arrives, what fails, and what must be true in the end. */
final class History implements AutoCloseable {
  /** Turns after which what arrives must have been learnt. */
  private static final int MOST_TURNS = 100_000;

  private static final ControlAction[] SAID = {
    ControlAction.HOLD, ControlAction.RELEASE, ControlAction.FORCE, ControlAction.REPUBLISH
  };

  final Simulation simulation;

  private final SplittableRandom random;
  private final Settings settings;
  private final Faults faults;

  /** With the faults that the seed has for it. */
  History(SplittableRandom random, Settings settings) throws Exception {
    this(random, settings, Faults.draw(random));
  }

  History(SplittableRandom random, Settings settings, Faults faults) throws Exception {
    this.random = random;
    this.settings = settings;
    this.faults = faults;
    int parallelism = 1 + random.nextInt(faults.greatest());
    simulation = new Simulation(settings.config(), random.split(), parallelism, faults);
  }

  /** The inputs arrive as they come. */
  void runFreely() throws Exception {
    FreeInputs inputs = new FreeInputs(random.split());
    // Most of what can go wrong does so in few steps; some of it needs many.
    int left = random.nextInt(10) == 0 ? 60 + random.nextInt(60) : 20 + random.nextInt(20);
    int talks = random.nextInt(3) == 0 ? 30 : 0;
    while (left > 0) {
      if (random.nextInt(3) == 0) {
        inputs.next(simulation);
        left--;
      }
      if (talks > 0 && random.nextInt(talks) == 0 && begun()) {
        ControlAction action = SAID[random.nextInt(SAID.length)];
        simulation.topics.said++;
        simulation.topics.control(null, action, "why", simulation.now());
      }
      turn(Pace.FREE);
    }
    end();
  }

  /** Whether there is a version: who holds the first one back has no tokens. */
  private boolean begun() {
    return simulation.topics.versions.all().stream()
        .anyMatch(v -> v.getState() == VersionState.COMMIT);
  }

  /** Each phase of the script arrives when the one before is learnt. */
  void run(Script script) throws Exception {
    int turns = 0;
    while (!script.next(simulation)) {
      turn(Pace.SCRIPT);
      if (++turns > MOST_TURNS) {
        throw new IllegalStateException("the script stands still at " + script);
      }
    }
    end();
  }

  /**
   * What comes to pass at a turn.
   *
   * @param moves at most so many less one
   * @param checkpoints one is begun at one turn in so many
   * @param faults how many times rarer they are than {@link Faults} says
   */
  private record Pace(int moves, int checkpoints, int faults) {
    static final Pace FREE = new Pace(24, 20, 1);

    /** It waits for checkpoints most of the time, so that it takes many turns. */
    static final Pace SCRIPT = new Pace(16, 20, 2);
  }

  private void turn(Pace pace) throws Exception {
    if (random.nextInt(pace.checkpoints) == 0) {
      simulation.triggerCheckpoint();
    }
    // A transaction can be lost where a crash comes between a checkpoint and its commits.
    boolean loses = faults.losses() && simulation.owes() && random.nextInt(25 * pace.faults) == 0;
    if (loses || faults.crashes() > 0 && random.nextInt(faults.crashes() * pace.faults) == 0) {
      int down = random.nextInt(3_000);
      simulation.crash(1 + random.nextInt(faults.greatest()), down, faults.losses());
    }
    for (int i = random.nextInt(pace.moves); i > 0; i--) {
      simulation.step();
    }
  }

  private void end() throws Exception {
    simulation.settle();
    new Oracle(simulation, settings.config()).check(simulation.lost > 0);
  }

  @Override
  public void close() {
    simulation.close();
  }
}
