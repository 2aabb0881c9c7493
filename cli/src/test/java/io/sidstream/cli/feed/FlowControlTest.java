package io.sidstream.cli.feed;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class FlowControlTest {
  private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

  private final AtomicLong now = new AtomicLong(7);
  private final FlowControl flow = new FlowControl(100, 10, 20, now::get);

  /** How many interactions may be sent by now. */
  private long limit() {
    long sent = 0;
    while (flow.mayGo(sent, 1_000)) {
      sent++;
    }
    return sent;
  }

  @Test
  void beforeTheFirstRevisionWhatItNeedsMayGo() {
    assertThat(limit()).isEqualTo(120);
    assertThat(flow.mayGo(500, 9)).as("items are missing").isTrue();
    assertThat(flow.mayGo(500, 10)).isFalse();
  }

  @Test
  void whatARevisionLetsThroughGoesEvenly() {
    flow.consumed(100);
    assertThat(limit()).as("the first, at once").isEqualTo(120);
    now.addAndGet(10 * SECOND);
    flow.consumed(200);
    assertThat(limit()).isEqualTo(120);
    now.addAndGet(7 * SECOND / 2);
    assertThat(limit()).isEqualTo(170);
    now.addAndGet(7 * SECOND / 2);
    assertThat(limit()).as("after .7 of the ten seconds").isEqualTo(220);
    now.addAndGet(3600 * SECOND);
    assertThat(limit()).isEqualTo(220);
  }

  @Test
  void aLongWaitIsNotRepeated() {
    flow.consumed(100);
    now.addAndGet(3600 * SECOND);
    flow.consumed(200);
    now.addAndGet(30 * SECOND);
    assertThat(limit()).isEqualTo(220);
  }

  @Test
  void aRevisionThatComesEarlyTakesNothingBack() {
    flow.consumed(100);
    now.addAndGet(10 * SECOND);
    flow.consumed(200);
    now.addAndGet(7 * SECOND);
    long before = limit();
    flow.consumed(300);
    assertThat(limit()).isEqualTo(before);
  }

  @Test
  void anOpenGateLetsEverythingThrough() {
    FlowControl open = FlowControl.open();
    open.consumed(5);
    assertThat(open.mayGo(1_000_000_000_000L, 0)).isTrue();
  }
}
