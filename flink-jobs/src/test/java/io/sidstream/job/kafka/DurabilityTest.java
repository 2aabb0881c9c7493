package io.sidstream.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class DurabilityTest {
  @Test
  void warnsOfOneReplicaAndOfOneInSync() {
    Durability topics = new Durability();
    topics.replicas("p.items", 1);
    topics.inSync("p.items", 1);
    topics.replicas("p.tokens", 3);
    topics.inSync("p.tokens", 1);
    topics.replicas("p.versions", 3);
    topics.inSync("p.versions", 2);
    assertThat(topics.warnings())
        .satisfiesExactly(
            one ->
                assertThat(one)
                    .startsWith("topics p.items have one replica")
                    .contains("topics.replication"),
            weak ->
                assertThat(weak)
                    .startsWith("topics p.tokens have min.insync.replicas 1")
                    .contains("kafka-configs.sh"));
  }

  @Test
  void saysNothingOfWhatTheBrokerDoesNotTell() {
    Durability topics = new Durability();
    topics.replicas("p.items", 3);
    assertThat(topics.warnings()).isEmpty();
  }
}
