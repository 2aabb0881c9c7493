package io.sidstream.job.train;

import io.sidstream.job.ingest.RawRecord;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import org.apache.flink.api.common.functions.OpenContext;
import org.apache.flink.streaming.api.functions.ProcessFunction;
import org.apache.flink.util.Collector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the trainer which token versions are committed, so that it begins no version before the
 * last one is complete.
 */
public class CommittedVersions extends ProcessFunction<RawRecord, TrainEvent> {
  private static final Logger LOG = LoggerFactory.getLogger(CommittedVersions.class);

  private transient WireFormat wire;

  @Override
  public void open(OpenContext context) {
    wire = new WireFormat();
  }

  @Override
  public void processElement(RawRecord record, Context context, Collector<TrainEvent> out) {
    VersionRecord version;
    try {
      version = wire.decode(record.value, VersionRecord.class);
    } catch (RuntimeException e) {
      // The topic is the job's own, but anybody with access can write to it; such a record commits
      // nothing.
      LOG.warn(
          "{}-{}@{} is not a version record and is skipped: {}",
          record.topic,
          record.partition,
          record.offset,
          e.getMessage());
      return;
    }
    if (version.getState() == VersionState.COMMIT) {
      TrainEvent event = new TrainEvent();
      event.committed = version.getVersion();
      out.collect(event);
    }
  }
}
