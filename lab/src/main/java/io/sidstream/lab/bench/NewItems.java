package io.sidstream.lab.bench;

import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import io.sidstream.job.kafka.Topics;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * New items, one after the other at an even pace, and how long each takes until a reader of
 * committed records has its token: from the moment before it is sent to the job's topic. The reader
 * also sees token versions end.
 */
final class NewItems implements AutoCloseable {
  private final BenchedJob job;
  private final long paceNanos;
  private final KafkaProducer<byte[], byte[]> producer;
  private final KafkaConsumer<byte[], byte[]> reader;
  private final String versionsTopic;
  private final WireFormat wire = new WireFormat();
  private final Map<String, Long> sent = new ConcurrentHashMap<>();
  private final List<Arrival> arrived = new ArrayList<>();
  private final Thread writing;
  private final Thread reading;
  private volatile boolean ends;
  private volatile Throwable failure;
  private VersionRecord commit;
  private long commitNanos;

  /** When an item was sent, and when its token was there ({@link System#nanoTime}). */
  private record Arrival(long sent, long there) {}

  /**
   * A version that is committed.
   *
   * @param nanos when the reader saw it ({@link System#nanoTime})
   */
  record Committed(VersionRecord record, long nanos) {}

  /** Begins to send so many a second. */
  NewItems(BenchedJob job, int aSecond) {
    this.job = job;
    paceNanos = TimeUnit.SECONDS.toNanos(1) / aSecond;
    JobConfig config = job.config;
    versionsTopic = Topics.versions(config);
    // Each is visible at once, as items of another program are.
    producer =
        new KafkaProducer<>(
            Map.of(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, config.get(JobOptions.KAFKA_BOOTSTRAP)),
            new ByteArraySerializer(),
            new ByteArraySerializer());
    reader = Arrivals.tail(config, Topics.tokens(config), versionsTopic);
    writing = begin("bench-new-items", this::write);
    reading = begin("bench-tokens", this::read);
  }

  private interface Work {
    void run() throws Exception;
  }

  private Thread begin(String name, Work work) {
    Thread thread =
        new Thread(
            () -> {
              try {
                work.run();
              } catch (Throwable e) {
                failure = e;
              }
            },
            name);
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private void write() throws Exception {
    long next = System.nanoTime();
    while (!ends) {
      long wait = next - System.nanoTime();
      if (wait > 0) {
        TimeUnit.NANOSECONDS.sleep(wait);
      }
      // An item that comes late, as one before it did, has waited since its time.
      ProducerRecord<byte[], byte[]> item = job.load.newItem(System.currentTimeMillis());
      job.items++;
      sent.put(new String(item.key(), StandardCharsets.UTF_8), next);
      producer.send(
          item,
          (written, e) -> {
            if (e != null) {
              failure = e;
            }
          });
      next += paceNanos;
    }
  }

  private void read() {
    while (!ends) {
      for (ConsumerRecord<byte[], byte[]> record : reader.poll(Duration.ofMillis(10))) {
        long now = System.nanoTime();
        if (record.topic().equals(versionsTopic)) {
          VersionRecord version = wire.decode(record.value(), VersionRecord.class);
          if (version.getState() == VersionState.COMMIT) {
            synchronized (this) {
              commit = version;
              commitNanos = now;
            }
          }
          continue;
        }
        Long at = sent.remove(new String(record.key(), StandardCharsets.UTF_8));
        if (at != null) {
          synchronized (this) {
            arrived.add(new Arrival(at, now));
          }
        }
      }
    }
  }

  /** The newest version that was committed since the beginning, or null. */
  synchronized Committed committed() {
    return commit == null ? null : new Committed(commit, commitNanos);
  }

  /** Fails where the sending or the reading has. */
  void requireRunning() {
    if (failure != null) {
      throw new IllegalStateException("new items cannot be sent, or not be read", failure);
    }
  }

  /** Whether an item that was sent until then has no token yet. */
  boolean waits(long untilNanos) {
    return sent.values().stream().anyMatch(at -> at - untilNanos <= 0);
  }

  /** From sending to token, ms, of what was sent from one moment to another. */
  synchronized long[] latencies(long fromNanos, long toNanos) {
    return arrived.stream()
        .filter(a -> a.sent - fromNanos >= 0 && a.sent - toNanos <= 0)
        .mapToLong(a -> TimeUnit.NANOSECONDS.toMillis(a.there - a.sent))
        .toArray();
  }

  @Override
  public void close() {
    ends = true;
    try {
      writing.join();
      producer.close();
      reading.join();
      reader.close();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
