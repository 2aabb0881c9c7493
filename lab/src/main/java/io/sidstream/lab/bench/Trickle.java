package io.sidstream.lab.bench;

import io.sidstream.cli.ProcessorTime;
import io.sidstream.cli.run.JobRun;
import java.util.LinkedHashMap;
import java.util.LongSummaryStatistics;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.apache.flink.runtime.checkpoint.AbstractCheckpointStats;

/** What checkpoints write, and what the process uses, while a few items a second come. */
final class Trickle {
  private Trickle() {}

  /**
   * Measures a run.
   *
   * @param seconds how long, after a wait as long
   */
  static Map<String, Object> measure(BenchedJob job, JobRun run, int seconds, int itemsASecond)
      throws Exception {
    // What is still merged of the last block is not meant.
    TimeUnit.SECONDS.sleep(seconds);
    long began = System.currentTimeMillis();
    long cpu = ProcessorTime.nanos();
    for (int second = 0; second < seconds; second++) {
      job.load.write(itemsASecond, 0);
      job.items += itemsASecond;
      TimeUnit.SECONDS.sleep(1);
    }
    double cores = (ProcessorTime.nanos() - cpu) / 1e6 / (System.currentTimeMillis() - began);
    LongSummaryStatistics bytes =
        run.checkpoints().getHistory().getCheckpoints().stream()
            .filter(c -> c.getStatus().isCompleted() && c.getTriggerTimestamp() >= began)
            .mapToLong(AbstractCheckpointStats::getCheckpointedSize)
            .summaryStatistics();
    Map<String, Object> figures = new LinkedHashMap<>();
    figures.put("items", job.items);
    figures.put("itemsPerSecond", itemsASecond);
    figures.put("checkpoints", bytes.getCount());
    figures.put("meanCheckpointBytes", Math.round(bytes.getAverage()));
    figures.put("largestCheckpointBytes", bytes.getMax());
    figures.put("cores", Math.round(cores * 1000) / 1000.0);
    return figures;
  }
}
