package io.sidstream.cli.recommend;

import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.serve.RankingModel;
import io.sidstream.model.serve.ServedModel;
import io.sidstream.schemas.CodebookFormat;
import io.sidstream.schemas.CodebookFormat.LevelMetric;
import io.sidstream.schemas.IdEmbedding;
import io.sidstream.schemas.ItemToken;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelParts;
import io.sidstream.schemas.ModelPieces;
import io.sidstream.schemas.Vectors;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.WireFormat;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** The newest record of every key of the topics, and whether they are of one moment of the job. */
final class PublishedTopics {
  private final String prefix;
  private final WireFormat wire = new WireFormat();
  private final TreeMap<String, ItemToken> tokens = new TreeMap<>();
  private final Map<String, IdEmbedding> embeddings = new HashMap<>();
  private final ModelPieces pieces = new ModelPieces();
  private int committed;
  private int begun;
  private long revision;

  PublishedTopics(String prefix) {
    this.prefix = prefix;
  }

  void take(ConsumerRecord<byte[], byte[]> record) {
    String key = new String(record.key(), StandardCharsets.UTF_8);
    byte[] value = record.value();
    switch (record.topic().substring(prefix.length())) {
      case "versions" -> version(wire.decode(value, VersionRecord.class));
      case "tokens" -> {
        if (value == null) {
          tokens.remove(key);
        } else {
          tokens.put(key, wire.decode(value, ItemToken.class));
        }
      }
      case "id-embeddings" -> {
        if (value == null) {
          embeddings.remove(key);
        } else {
          embeddings.put(key, wire.decode(value, IdEmbedding.class));
        }
      }
      default -> model(ModelParts.Key.of(key), value);
    }
  }

  private void version(VersionRecord record) {
    switch (record.getState()) {
      case COMMIT -> committed = Math.max(committed, record.getVersion());
      case BEGIN -> begun = Math.max(begun, record.getVersion());
      case REVISION -> revision = Math.max(revision, record.getRevision());
      default -> {}
    }
  }

  private void model(ModelParts.Key key, byte[] value) {
    boolean ranks =
        key.kind() == ModelPartKind.CODEBOOKS || key.kind() == ModelPartKind.RECOMMENDER;
    if (value == null) {
      pieces.remove(key);
    } else if (ranks) {
      pieces.put(wire.decode(value, ModelPart.class));
    }
  }

  /** Why what was read is not of one moment; null where it is. */
  String disagreement() {
    if (committed == 0) {
      throw new IllegalStateException(
          "no version is committed on %sversions yet: nothing can be ranked".formatted(prefix));
    }
    if (begun > committed) {
      return "token version %d has begun and is not committed".formatted(begun);
    }
    for (ItemToken token : tokens.values()) {
      if (token.getVersion() > committed) {
        return "a row of item %s is of token version %d, the newest committed is %d"
            .formatted(token.getItem(), token.getVersion(), committed);
      }
    }
    if (pieces.whole(committed, ModelPartKind.CODEBOOKS).isEmpty()) {
      return "the codebooks of token version %d are not complete".formatted(committed);
    }
    var recommender = pieces.whole(committed, ModelPartKind.RECOMMENDER);
    if (recommender.isEmpty()) {
      return "the recommenders of token version %d are not complete".formatted(committed);
    }
    // Not every revision has recommenders (learn.publish-every); those that are there have theirs.
    long published = recommender.get().revision();
    if (published > revision) {
      return "the recommenders are of revision %d, the versions topic is at %d"
          .formatted(published, revision);
    }
    for (IdEmbedding e : embeddings.values()) {
      if (e.getRevision() > published) {
        return "the ID embedding of item %s is of revision %d, the recommenders are of %d"
            .formatted(e.getItem(), e.getRevision(), published);
      }
    }
    return null;
  }

  PublishedRanking ranking() {
    List<Codebook> codebooks = new ArrayList<>();
    byte[] books = pieces.whole(committed, ModelPartKind.CODEBOOKS).orElseThrow().bytes();
    for (CodebookFormat.Level level : CodebookFormat.read(books)) {
      Metric metric = level.metric() == LevelMetric.COSINE ? Metric.COSINE : Metric.EUCLIDEAN;
      codebooks.add(new Codebook(metric, level.size(), level.dim(), level.codewords()));
    }
    ModelPieces.Whole recommender =
        pieces.whole(committed, ModelPartKind.RECOMMENDER).orElseThrow();
    RankingModel ranking = RankingModel.fromBytes(recommender.bytes());
    List<ServedModel.Item> items = new ArrayList<>();
    for (ItemToken token : tokens.values()) {
      int[] codes = token.getNearest().stream().mapToInt(Integer::intValue).toArray();
      IdEmbedding e = embeddings.get(token.getItem());
      items.add(new ServedModel.Item(codes, e == null ? null : Vectors.toArray(e.getE())));
    }
    return new PublishedRanking(
        committed,
        recommender.revision(),
        List.copyOf(tokens.keySet()),
        new ServedModel(codebooks, ranking, items));
  }
}
