package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Backlog;
import io.sidstream.job.kafka.Topics;
import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import javax.management.ObjectName;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

/** Whether the input is read, by the offsets of a broker. */
class BacklogITCase {
  private static Set<String> clients() throws Exception {
    return ManagementFactory.getPlatformMBeanServer()
        .queryNames(new ObjectName("kafka.admin.client:type=app-info,id=*"), null)
        .stream()
        .map(name -> name.getKeyProperty("id"))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void itIsAskedAgainAndAgainThroughOneClient() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "backlog");
    Topics.create(config);
    Set<String> before = clients();
    Backlog backlog = Backlog.ofTopics();
    try (Inputs in = new Inputs(config)) {
      assertThat(backlog.ends(config)).isEmpty();
      in.items(0, 20);
      in.flush();
      String ends = backlog.ends(config);
      assertThat(ends).contains("backlog.items-0=").contains("backlog.items-1=");
      Set<String> one = clients();
      one.removeAll(before);
      assertThat(one).hasSize(1);
      for (int i = 0; i < 5; i++) {
        assertThat(backlog.read(config, ends)).isFalse();
      }
      try (Admin admin = Admin.create(Map.of("bootstrap.servers", Broker.bootstrap()))) {
        for (String end : ends.split(",")) {
          int dash = end.lastIndexOf('-');
          int equals = end.lastIndexOf('=');
          TopicPartition partition =
              new TopicPartition(
                  end.substring(0, dash), Integer.parseInt(end.substring(dash + 1, equals)));
          admin
              .alterConsumerGroupOffsets(
                  "backlog",
                  Map.of(
                      partition, new OffsetAndMetadata(Long.parseLong(end.substring(equals + 1)))))
              .all()
              .get();
        }
      }
      assertThat(backlog.read(config, ends)).isTrue();
      Set<String> still = clients();
      still.removeAll(before);
      assertThat(still).isEqualTo(one);
    }
    backlog.close();
    assertThat(clients()).isEqualTo(before);
    backlog.close();

    // Who asks again has another.
    assertThat(backlog.ends(config)).isNotEmpty();
    backlog.close();
    assertThat(clients()).isEqualTo(before);
  }

  @Test
  void whereNobodyAnswersItSaysSoAndLeavesNothing() throws Exception {
    JobConfig nobody =
        TinyJob.config(
            "localhost:1",
            "backlog",
            "kafka.properties.default.api.timeout.ms=1000",
            "kafka.properties.request.timeout.ms=1000");
    Set<String> before = clients();
    Backlog backlog = Backlog.ofTopics();
    assertThatThrownBy(() -> backlog.read(nobody, "backlog.items-0=1"))
        .isInstanceOf(ExecutionException.class);
    backlog.close();
    assertThat(clients()).isEqualTo(before);
  }
}
