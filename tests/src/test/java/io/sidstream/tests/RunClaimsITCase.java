package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.RunClaims;
import io.sidstream.job.kafka.Topics;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;

/** Which run has the topics, by the control topic of a broker. */
class RunClaimsITCase {
  private static CompletableFuture<Void> waits(JobConfig config, String run) {
    return CompletableFuture.runAsync(
        () -> {
          try {
            RunClaims.await(config, run);
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  @Test
  void sinksOpenOnceTheirRunHasTheTopicsAndNeverAfterAnother() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "claims");
    Topics.create(config);
    CompletableFuture<Void> blue = waits(config, "blue");
    assertThatThrownBy(() -> blue.get(2, TimeUnit.SECONDS)).isInstanceOf(TimeoutException.class);
    RunClaims.claim(config, "blue");
    blue.get(20, TimeUnit.SECONDS);
    RunClaims.claim(config, "blue");
    RunClaims.await(config, "blue");

    // Green waits while blue has them, and keeps blue out from then on.
    CompletableFuture<Void> green = waits(config, "green");
    assertThatThrownBy(() -> green.get(2, TimeUnit.SECONDS)).isInstanceOf(TimeoutException.class);
    RunClaims.await(config, "blue");
    RunClaims.claim(config, "green");
    green.get(20, TimeUnit.SECONDS);
    String lost = "another job began on the topics claims.*";
    assertThatThrownBy(() -> RunClaims.await(config, "blue"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(lost);
    assertThatThrownBy(() -> RunClaims.claim(config, "blue"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining(lost);
    RunClaims.await(config, "green");
  }

  @Test
  void aRunThatWaitsIsToldOfTheOneThatCameAfterIt() throws Exception {
    JobConfig other = TinyJob.config(Broker.bootstrap(), "claims-late");
    Topics.create(other);
    RunClaims.claim(other, "first");
    RunClaims.claim(other, "second");
    CompletableFuture<Void> first = waits(other, "first");
    assertThatThrownBy(() -> first.get(20, TimeUnit.SECONDS))
        .isInstanceOf(ExecutionException.class)
        .hasCauseInstanceOf(ConfigException.class);
  }
}
