package io.sidstream.job.kafka;

import io.sidstream.job.config.ConfigException;
import java.io.IOException;
import java.io.Serializable;
import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import org.apache.flink.api.connector.sink2.Committer;
import org.apache.flink.api.connector.sink2.CommitterInitContext;
import org.apache.flink.api.connector.sink2.Sink;
import org.apache.flink.api.connector.sink2.SinkWriter;
import org.apache.flink.api.connector.sink2.StatefulSinkWriter;
import org.apache.flink.api.connector.sink2.SupportsCommitter;
import org.apache.flink.api.connector.sink2.SupportsWriterState;
import org.apache.flink.api.connector.sink2.WriterInitContext;
import org.apache.flink.connector.kafka.sink.KafkaCommittable;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.KafkaWriterState;
import org.apache.flink.core.io.SimpleVersionedSerializer;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.streaming.api.connector.sink2.CommittableMessage;
import org.apache.flink.streaming.api.connector.sink2.SupportsPostCommitTopology;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.util.IOUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A Kafka sink that does not lose a transaction in silence. Where the broker has fenced or expired
 * one, Kafka's own committer counts a failure and the job goes on as if the records had been
 * written.
 *
 * <p>A transaction of this run that cannot be committed fails the job, which restarts from the
 * checkpoint that holds the transaction. One that is taken over from a checkpoint may have been
 * committed before the restart, which the broker does not tell apart from one that was lost: {@link
 * SinkWitness} looks whether its records are there.
 *
 * <p>And a Kafka sink that leaves no client open when it ends.
 */
final class StrictSink<T>
    implements Sink<T>,
        SupportsWriterState<T, KafkaWriterState>,
        SupportsCommitter<KafkaCommittable>,
        SupportsPostCommitTopology<KafkaCommittable> {
  private static final long serialVersionUID = 1L;
  private static final Logger LOG = LoggerFactory.getLogger(StrictSink.class);

  /** Of Kafka's writer, where its admin client is. */
  private static final String WRITERS_ADMIN = "adminClient";

  private final KafkaSink<T> sink;
  private final String topic;
  private final Leave leave;

  /** Waits until the sink may have to do with transactions. */
  @FunctionalInterface
  interface Leave extends Serializable {
    /**
     * Returns when it may.
     *
     * @throws ConfigException where it never may
     */
    void await() throws InterruptedException;
  }

  StrictSink(KafkaSink<T> sink, String topic, Leave leave) {
    this.sink = sink;
    this.topic = topic;
    this.leave = leave;
  }

  /**
   * A writer ends, as it opens, what it finds under its names; a committer what is in its state.
   */
  private void awaitLeave() {
    try {
      leave.await();
    } catch (ConfigException e) {
      // To try again would not help.
      throw new SuppressRestartsException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("ended before topic " + topic + " was opened", e);
    }
  }

  @Override
  public SinkWriter<T> createWriter(WriterInitContext context) throws IOException {
    awaitLeave();
    return withoutAdmin(sink.createWriter(context));
  }

  @Override
  public StatefulSinkWriter<T, KafkaWriterState> restoreWriter(
      WriterInitContext context, Collection<KafkaWriterState> state) {
    awaitLeave();
    return withoutAdmin(sink.restoreWriter(context, state));
  }

  /**
   * Closes the admin client with which a writer has looked for open transactions as it opened. The
   * writer needs it no more and never closes it: its thread, connection and class loader would stay
   * with the TaskManager, some more with each restart of the job.
   */
  private static <W extends SinkWriter<?>> W withoutAdmin(W writer) {
    try {
      Field field = writer.getClass().getDeclaredField(WRITERS_ADMIN);
      field.setAccessible(true);
      AutoCloseable admin = (AutoCloseable) field.get(writer);
      // It makes another one where it should need one.
      field.set(writer, null);
      IOUtils.closeQuietly(admin);
      return writer;
    } catch (ReflectiveOperationException e) {
      IOUtils.closeQuietly(writer);
      throw new IllegalStateException(
          "Kafka's writer has no field '"
              + WRITERS_ADMIN
              + "': the job needs the connector that it is built with, flink-connector-kafka of its jar",
          e);
    }
  }

  @Override
  public SimpleVersionedSerializer<KafkaWriterState> getWriterStateSerializer() {
    return sink.getWriterStateSerializer();
  }

  @Override
  public Committer<KafkaCommittable> createCommitter(CommitterInitContext context) {
    awaitLeave();
    return new StrictCommitter(sink.createCommitter(context), topic);
  }

  @Override
  public SimpleVersionedSerializer<KafkaCommittable> getCommittableSerializer() {
    return sink.getCommittableSerializer();
  }

  @Override
  public void addPostCommitTopology(DataStream<CommittableMessage<KafkaCommittable>> committed) {
    sink.addPostCommitTopology(committed);
  }

  /** Says what the other committer keeps to itself. */
  static final class StrictCommitter implements Committer<KafkaCommittable> {
    private final Committer<KafkaCommittable> committer;
    private final String topic;

    StrictCommitter(Committer<KafkaCommittable> committer, String topic) {
      this.committer = committer;
      this.topic = topic;
    }

    @Override
    public void commit(Collection<CommitRequest<KafkaCommittable>> requests)
        throws IOException, InterruptedException {
      List<CommitRequest<KafkaCommittable>> watched = new ArrayList<>(requests.size());
      for (CommitRequest<KafkaCommittable> request : requests) {
        watched.add(new WatchedRequest(request, topic));
      }
      committer.commit(watched);
    }

    @Override
    public void close() {
      IOUtils.closeQuietly(committer);
    }
  }

  /** One transaction that is to be committed. */
  private record WatchedRequest(Committer.CommitRequest<KafkaCommittable> request, String topic)
      implements Committer.CommitRequest<KafkaCommittable> {

    @Override
    public KafkaCommittable getCommittable() {
      return request.getCommittable();
    }

    @Override
    public int getNumberOfRetries() {
      return request.getNumberOfRetries();
    }

    @Override
    public void signalFailedWithKnownReason(Throwable reason) {
      KafkaCommittable transaction = request.getCommittable();
      if (transaction.getProducer().isPresent()) {
        request.signalFailedWithUnknownReason(
            new IOException(
                "transaction %s of topic %s is lost, the broker has fenced or expired it: the job restarts and writes its records again. Where that repeats, raise kafka.transaction-timeout, or look for another job with the same kafka.group"
                    .formatted(transaction.getTransactionalId(), topic),
                reason));
        return;
      }
      LOG.warn(
          "Transaction {} of topic {}, taken over from the checkpoint, cannot be committed: it was before the restart, or it is lost; what the topic holds will tell",
          transaction.getTransactionalId(),
          topic,
          reason);
      request.signalFailedWithKnownReason(reason);
    }

    @Override
    public void signalFailedWithUnknownReason(Throwable reason) {
      request.signalFailedWithUnknownReason(reason);
    }

    @Override
    public void retryLater() {
      request.retryLater();
    }

    @Override
    public void updateAndRetryLater(KafkaCommittable transaction) {
      request.updateAndRetryLater(transaction);
    }

    @Override
    public void signalAlreadyCommitted() {
      request.signalAlreadyCommitted();
    }
  }
}
