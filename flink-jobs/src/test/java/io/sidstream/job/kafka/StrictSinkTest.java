package io.sidstream.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.connector.kafka.sink.internal.FlinkKafkaInternalProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;

class StrictSinkTest {
  private final List<String> signals = new ArrayList<>();

  /** As Kafka's committer, where the broker has fenced the producer. */
  private static final class Fenced implements Committer<KafkaCommittable> {
    @Override
    public void commit(Collection<CommitRequest<KafkaCommittable>> requests) {
      requests.forEach(
          r -> r.signalFailedWithKnownReason(new ProducerFencedException("a newer one")));
    }

    @Override
    public void close() {}
  }

  private final class Request implements Committer.CommitRequest<KafkaCommittable> {
    private final KafkaCommittable committable;

    Request(KafkaCommittable committable) {
      this.committable = committable;
    }

    @Override
    public KafkaCommittable getCommittable() {
      return committable;
    }

    @Override
    public int getNumberOfRetries() {
      return 0;
    }

    @Override
    public void signalFailedWithKnownReason(Throwable reason) {
      signals.add("known: " + reason.getMessage());
    }

    @Override
    public void signalFailedWithUnknownReason(Throwable reason) {
      signals.add("unknown: " + reason.getMessage());
    }

    @Override
    public void retryLater() {
      signals.add("later");
    }

    @Override
    public void updateAndRetryLater(KafkaCommittable update) {
      signals.add("updated");
    }

    @Override
    public void signalAlreadyCommitted() {
      signals.add("already");
    }
  }

  private void commit(FlinkKafkaInternalProducer<?, ?> producer) throws Exception {
    new StrictSink.StrictCommitter(new Fenced(), "tokens")
        .commit(List.of(new Request(new KafkaCommittable(7, (short) 3, "t-0", producer))));
  }

  @Test
  void aTransactionOfThisRunThatIsLostEndsTheRun() throws Exception {
    Properties properties = new Properties();
    properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, "localhost:1");
    properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class.getName());
    properties.put(
        ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, ByteArraySerializer.class.getName());
    try (FlinkKafkaInternalProducer<byte[], byte[]> producer =
        new FlinkKafkaInternalProducer<>(properties, "t-0")) {
      commit(producer);
    }
    assertThat(signals)
        .singleElement()
        .asString()
        .startsWith("unknown: transaction t-0 of topic tokens is lost")
        .contains("raise kafka.transaction-timeout");
  }

  @Test
  void oneThatWasTakenOverMayHaveBeenCommittedBefore() throws Exception {
    commit(null);
    assertThat(signals).containsExactly("known: a newer one");
  }
}
