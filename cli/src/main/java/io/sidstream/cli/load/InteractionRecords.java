package io.sidstream.cli.load;

import io.sidstream.cli.rows.InteractionRow;
import io.sidstream.cli.rows.Mapping;
import io.sidstream.cli.rows.Row;
import io.sidstream.cli.rows.RowException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.ingest.RecordCheck;
import io.sidstream.job.kafka.Topics;
import io.sidstream.schemas.InteractionEvent;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Interactions. */
final class InteractionRecords implements Records {
  private final WireFormat wire = new WireFormat();
  private final Mapping map;
  private final RecordCheck check;

  InteractionRecords(LoadOptions options) {
    this.map = options.input.mapping(InteractionRow.FIELDS);
    this.check = new RecordCheck(options.config(0));
  }

  @Override
  public String name() {
    return "interactions";
  }

  @Override
  public String topic(JobConfig config) {
    return Topics.interactions(config);
  }

  @Override
  public void checkHeader(String file, List<String> columns) {
    map.check(file, columns, InteractionRow.NEEDED);
  }

  @Override
  public List<String> headless() {
    return InteractionRow.NEEDED;
  }

  @Override
  public Bytes record(Row row) throws RowException {
    InteractionRow event = InteractionRow.of(row, map);
    InteractionEvent.Builder builder =
        InteractionEvent.newBuilder()
            .setEventId(event.id())
            .setUser(event.user())
            .setItem(event.item())
            .setTime(Instant.ofEpochMilli(event.time()));
    if (event.kind() != null) {
      builder.setKind(event.kind());
    }
    if (event.weight() != null) {
      builder.setWeight(event.weight());
    }
    return new Bytes(event.user().getBytes(StandardCharsets.UTF_8), wire.encode(builder.build()));
  }

  @Override
  public Optional<RecordCheck.Refusal> check(Bytes record) {
    return check.interaction(record.key(), record.value(), System.currentTimeMillis());
  }
}
