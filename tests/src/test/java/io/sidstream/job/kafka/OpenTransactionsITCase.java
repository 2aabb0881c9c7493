package io.sidstream.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.config.JobConfig;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import io.sidstream.tests.Broker;
import io.sidstream.tests.Inputs;
import io.sidstream.tests.TinyJob;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;

/**
 * Records of a transaction that is open are not taken for lost: after a restart of broker and job a
 * commit may take longer than whoever looks for it.
 */
class OpenTransactionsITCase {
  private static final byte[] KEY = Inputs.bytes("k");
  private static final long HOUR_MS = 3600 * 1000;

  private static KafkaProducer<byte[], byte[]> producer(JobConfig config) throws Exception {
    Map<String, Object> settings =
        Map.of(
            ProducerConfig.BOOTSTRAP_SERVERS_CONFIG,
            Broker.bootstrap(),
            ProducerConfig.TRANSACTIONAL_ID_CONFIG,
            Topics.versions(config),
            ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG,
            ByteArraySerializer.class,
            ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG,
            ByteArraySerializer.class);
    KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings);
    producer.initTransactions();
    return producer;
  }

  private static void send(
      KafkaProducer<byte[], byte[]> producer, JobConfig config, String topic, byte[] value) {
    ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, KEY, value);
    record.headers().add(VersionsTopic.JOB, VersionsTopic.name(config));
    producer.send(record);
    producer.flush();
  }

  private static VersionRecord revision(long number) {
    return VersionRecord.newBuilder()
        .setVersion(1)
        .setRevision(number)
        .setState(VersionState.REVISION)
        .setTime(Instant.ofEpochMilli(1_700_000_000_000L))
        .build();
  }

  @Test
  void aVersionRecordIsSaidAgainOnlyWhenItsTransactionWasAborted() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "open-versions");
    Topics.create(config);
    WireFormat wire = new WireFormat();
    long since = System.currentTimeMillis() - HOUR_MS;
    try (KafkaProducer<byte[], byte[]> producer = producer(config)) {
      producer.beginTransaction();
      send(producer, config, Topics.versions(config), wire.encode(revision(1)));
      assertThat(VersionsTopic.written(config, since)).as("open").containsExactly(revision(1));
      producer.commitTransaction();
      assertThat(VersionsTopic.written(config, since)).as("committed").contains(revision(1));
      producer.beginTransaction();
      send(producer, config, Topics.versions(config), wire.encode(revision(2)));
      producer.abortTransaction();
      // Behind the one that was aborted nothing is open.
      producer.beginTransaction();
      send(producer, config, Topics.versions(config), wire.encode(revision(3)));
      producer.commitTransaction();
      assertThat(VersionsTopic.written(config, since))
          .as("aborted")
          .containsExactlyInAnyOrder(revision(1), revision(3));
    }
  }

  @Test
  void aTransactionIsLostOnlyWhenItWasAborted() throws Exception {
    JobConfig config = TinyJob.config(Broker.bootstrap(), "open-rows");
    Topics.create(config);
    try (KafkaProducer<byte[], byte[]> producer = producer(config)) {
      for (boolean commits : List.of(true, false)) {
        byte[] value = Inputs.bytes("commits " + commits);
        producer.beginTransaction();
        send(producer, config, Topics.tokens(config), value);
        CompletableFuture<List<WrittenRecord>> missing = missing(config, value, -HOUR_MS);
        assertThatThrownBy(() -> missing.get(3, TimeUnit.SECONDS))
            .as("while it is open nobody knows")
            .isInstanceOf(TimeoutException.class);
        if (commits) {
          producer.commitTransaction();
        } else {
          producer.abortTransaction();
        }
        assertThat(missing.get(60, TimeUnit.SECONDS)).hasSize(commits ? 0 : 1);
      }
      assertThat(missing(config, Inputs.bytes("never written"), -HOUR_MS).get(60, TimeUnit.SECONDS))
          .hasSize(1);
      assertThat(missing(config, Inputs.bytes("commits true"), HOUR_MS).get(60, TimeUnit.SECONDS))
          .as("the same bytes of before are another transaction's")
          .hasSize(1);
    }
  }

  private static CompletableFuture<List<WrittenRecord>> missing(
      JobConfig config, byte[] value, long fromNow) {
    WrittenRecord record = new WrittenRecord();
    record.checkpoint = 1;
    record.key = KEY;
    record.digest = VersionsTopic.digest(value);
    record.time = System.currentTimeMillis() + fromNow;
    return CompletableFuture.supplyAsync(
        () -> {
          try {
            return SinkWitness.missing(config, Topics.tokens(config), List.of(record));
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
  }
}
