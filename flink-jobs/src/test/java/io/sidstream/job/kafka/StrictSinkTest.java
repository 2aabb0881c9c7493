package io.sidstream.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.config.ConfigException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Properties;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.internal.FlinkKafkaInternalProducer;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.errors.ProducerFencedException;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
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

  private static StrictSink<byte[]> sink(StrictSink.Leave leave) {
    return new StrictSink<>(
        KafkaSink.<byte[]>builder()
            .setBootstrapServers("localhost:1")
            .setTransactionalIdPrefix("shop-tokens")
            .setRecordSerializer(
                KafkaRecordSerializationSchema.builder()
                    .setTopic("tokens")
                    .setValueSerializationSchema((SerializationSchema<byte[]>) v -> v)
                    .build())
            .build(),
        "tokens",
        leave);
  }

  @Test
  void nothingOpensBeforeTheRunHasTheTopics() {
    StrictSink<byte[]> sink =
        sink(
            () -> {
              throw new ConfigException("another job has them");
            });
    for (ThrowingCallable opens :
        List.<ThrowingCallable>of(
            () -> sink.createWriter(null),
            () -> sink.restoreWriter(null, List.of()),
            () -> sink.createCommitter(null))) {
      // Where it opened first, the context that is not there would fail it.
      assertThatThrownBy(opens)
          .as("to try again would not help")
          .isInstanceOf(SuppressRestartsException.class)
          .hasRootCauseMessage("another job has them");
    }
  }

  @Test
  void aSinkThatIsEndedWhileItWaitsSaysSo() {
    StrictSink<byte[]> sink =
        sink(
            () -> {
              throw new InterruptedException();
            });
    assertThatThrownBy(() -> sink.createWriter(null))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("ended before topic tokens was opened");
    assertThat(Thread.interrupted()).isTrue();
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
