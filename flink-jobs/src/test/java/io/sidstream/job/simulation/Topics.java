package io.sidstream.job.simulation;

import io.sidstream.job.record.Interaction;
import io.sidstream.job.record.Item;
import io.sidstream.job.record.RawRecord;
import io.sidstream.job.record.TokenRow;
import io.sidstream.schemas.ControlAction;
import io.sidstream.schemas.ControlMessage;
import io.sidstream.schemas.IdEmbedding;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelParts;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/** The topics of a job. What goes in is valid already, so Ingest is left out. */
final class Topics {
  static final int PARTITIONS = 2;
  private static final int OUTPUT_PARTITIONS = 2;

  final Log<Item> items = new Log<>(PARTITIONS);
  final Log<Interaction> interactions = new Log<>(PARTITIONS);
  final Log<RawRecord> control = new Log<>(1);
  final Log<VersionRecord> versions = new Log<>(1);
  final Log<ModelPart> models = new Log<>(1);
  final Log<TokenRow> tokens = new Log<>(OUTPUT_PARTITIONS);
  final Log<IdEmbedding> embeddings = new Log<>(1);
  private final WireFormat wire = new WireFormat();

  /** Messages of the job that ask for everything to be written again. */
  int republished;

  /** Messages of a person. */
  int said;

  /** Messages of either that ask for everything to be written again. */
  int asked;

  void item(Item item, long now) {
    items.add(Math.floorMod(item.item.hashCode(), PARTITIONS), item, now);
  }

  void interaction(Interaction interaction, long now) {
    interactions.add(Math.floorMod(interaction.user.hashCode(), PARTITIONS), interaction, now);
  }

  void token(TokenRow row, long now) {
    tokens.add(Math.floorMod(row.item.hashCode(), OUTPUT_PARTITIONS), row, now);
  }

  void control(String key, ControlAction action, String reason, long now) {
    asked += action == ControlAction.REPUBLISH ? 1 : 0;
    ControlMessage message =
        ControlMessage.newBuilder()
            .setAction(action)
            .setReason(reason)
            .setAuthor("simulation")
            .setTime(Instant.ofEpochMilli(now))
            .build();
    RawRecord raw = new RawRecord();
    raw.topic = "control";
    raw.key = key == null ? null : key.getBytes(StandardCharsets.UTF_8);
    raw.value = wire.encode(message);
    control.add(0, raw, now);
  }

  /** As a source reads it. */
  RawRecord raw(VersionRecord record) {
    RawRecord raw = new RawRecord();
    raw.topic = "versions";
    raw.key = Integer.toString(record.getVersion()).getBytes(StandardCharsets.UTF_8);
    raw.value = wire.encode(record);
    return raw;
  }

  /** As a source reads it. */
  RawRecord raw(ModelPart part) {
    RawRecord raw = new RawRecord();
    raw.topic = "models";
    raw.key = ModelParts.key(part).getBytes(StandardCharsets.UTF_8);
    raw.value = part.getCount() == 0 ? null : wire.encode(part);
    return raw;
  }
}
