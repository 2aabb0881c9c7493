package io.sidstream.job.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.ControlMessage;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class RunClaimsTest {
  /** A sink that missed the START of its run would wait for it until it gives up. */
  @Test
  void threadsThatAskAtOnceAllSeeIt() throws Exception {
    int threads = 4;
    int starts = 20_000;
    ControlMessage message = new ControlMessage();
    message.setAction(ControlAction.UNKNOWN);
    message.setAuthor("sidstream job");
    message.setReason("kafka.group sidstream on host");
    message.setTime(Instant.ofEpochMilli(1_700_000_000_000L));
    byte[] value = new WireFormat().encode(message);
    byte[] key = (RunClaims.KEY + "blue").getBytes(StandardCharsets.UTF_8);
    CountDownLatch together = new CountDownLatch(threads);
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Future<Integer>> seen = new ArrayList<>();
      for (int t = 0; t < threads; t++) {
        seen.add(
            pool.submit(
                () -> {
                  together.countDown();
                  together.await();
                  int own = 0;
                  for (int i = 0; i < starts; i++) {
                    RunClaims.Start start = RunClaims.of(key, value);
                    own += start != null && start.run().equals("blue") ? 1 : 0;
                  }
                  return own;
                }));
      }
      for (Future<Integer> of : seen) {
        assertThat(of.get()).isEqualTo(starts);
      }
    } finally {
      pool.shutdownNow();
    }
  }
}
