package io.sidstream.cli.load;

import io.sidstream.cli.rows.ItemRow;
import io.sidstream.cli.rows.Mapping;
import io.sidstream.cli.rows.Row;
import io.sidstream.cli.rows.RowException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.ingest.RecordCheck;
import io.sidstream.job.kafka.Topics;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.Vectors;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Items. Without a time an item is of now. */
final class ItemRecords implements Records {
  private final WireFormat wire = new WireFormat();
  private final LoadOptions options;
  private final Mapping map;
  private RecordCheck check;

  ItemRecords(LoadOptions options) {
    this.options = options;
    this.map = options.input.mapping(ItemRow.FIELDS);
  }

  @Override
  public String name() {
    return "items";
  }

  @Override
  public String topic(JobConfig config) {
    return Topics.items(config);
  }

  @Override
  public void checkHeader(String file, List<String> columns) {
    map.check(file, columns, ItemRow.NEEDED);
  }

  @Override
  public List<String> headless() {
    return null;
  }

  @Override
  public Bytes record(Row row) throws RowException {
    ItemRow item = ItemRow.of(row, map);
    if (check == null) {
      // The first item says how long the vectors are, unless the configuration does.
      check = new RecordCheck(options.config(item.vector() == null ? 0 : item.vector().length));
    }
    ItemEvent event =
        ItemEvent.newBuilder()
            .setItem(item.item())
            .setTitle(item.title())
            .setText(item.text())
            .setAttributes(item.attributes())
            .setVector(item.vector() == null ? null : Vectors.toList(item.vector()))
            .setTime(
                Instant.ofEpochMilli(
                    item.time() == null ? System.currentTimeMillis() : item.time()))
            .build();
    return new Bytes(item.item().getBytes(StandardCharsets.UTF_8), wire.encode(event));
  }

  @Override
  public Optional<RecordCheck.Refusal> check(Bytes record) {
    return check.item(record.key(), record.value(), System.currentTimeMillis());
  }
}
