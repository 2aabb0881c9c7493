package io.sidstream.cli.ui;

import io.sidstream.cli.report.Catalogue;
import io.sidstream.cli.tokens.TokenTopics;
import io.sidstream.client.Token;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.embed.OnnxTextEmbedder;
import io.sidstream.job.embed.TextModel;
import io.sidstream.job.models.PublishedModel;
import io.sidstream.model.serve.RankingModel;
import io.sidstream.model.train.ItemTable;
import io.sidstream.model.train.JointConfig;
import io.sidstream.model.train.JointTrainer;
import io.sidstream.model.train.UserSequences;
import io.sidstream.schemas.ItemEvent;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelParts;
import io.sidstream.schemas.Prequential;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import io.sidstream.schemas.WireFormat;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The topics of a job with a model that texts and histories can be asked of. */
final class LiveCatalogue implements AutoCloseable {
  static final int ITEMS = 60;
  private static final int LEVELS = 3;
  private static final int CODEWORDS = 8;

  private static final WireFormat WIRE = new WireFormat();
  private final TokenTopics topics;
  final List<String> titles = new ArrayList<>();
  final Map<String, Token> tokens = new HashMap<>();

  LiveCatalogue(String bootstrap, String prefix) throws Exception {
    topics = new TokenTopics(bootstrap, prefix);
    String[] things = {"kettle", "lantern", "notebook", "chair", "bowl", "rug"};
    String[] stuffs = {
      "oak", "steel", "linen", "cork", "glass", "wool", "clay", "brass", "silk", "tin"
    };
    for (int i = 0; i < ITEMS; i++) {
      titles.add("A %s made of %s".formatted(things[i % 6], stuffs[i / 6]));
    }
    titles.set(7, "<img src=x onerror=\"window.hacked=1\"> lantern");
    titles.set(8, Catalogue.NASTY);
    write();
  }

  static String id(int item) {
    return item == 7 ? "<script>window.hacked=2</script>" : "item-%02d".formatted(item);
  }

  private void write() {
    float[][] vectors;
    JobConfig config = JobConfig.load(null, List.of());
    try (OnnxTextEmbedder embedder = new OnnxTextEmbedder(TextModel.of(config), 1)) {
      vectors = embedder.embed(titles);
    }
    JointConfig of =
        JointConfig.builder()
            .contentDim(vectors[0].length)
            .hidden(List.of(32))
            .semanticDim(8)
            .idDim(4)
            .codewords(CODEWORDS)
            .maxLen(5)
            .build();
    ItemTable table = JointTrainer.newItemTable(of);
    for (int i = 0; i < ITEMS; i++) {
      table.put(i, vectors[i], 0);
    }
    JointTrainer trainer = new JointTrainer(of, table, new UserSequences(6), 1);
    trainer.initialiseCodebooks(ITEMS);
    trainer.adopt(trainer.candidate(new float[LEVELS]));
    PublishedModel model = new PublishedModel(1, 1, Instant.EPOCH);
    pieces(model.tokenizer(trainer.inUse()));
    pieces(model.recommenders(RankingModel.of(trainer.recommender(), trainer, 8)));
    Map<String, Integer> suffixes = new HashMap<>();
    for (int i = 0; i < ITEMS; i++) {
      int[] codes = Arrays.copyOfRange(table.codes(), LEVELS * i, LEVELS * (i + 1));
      int suffix = suffixes.merge(Arrays.toString(codes), 1, Integer::sum) - 1;
      add(id(i), titles.get(i), suffix, codes);
      topics.embedding(id(i), Arrays.copyOfRange(table.id(), 4 * i, 4 * i + 4));
    }
    topics.commit(1);
    Prequential p = new Prequential();
    p.setEvents(100L);
    p.setHits10(40.0);
    p.setPopularityHits10(30.0);
    VersionRecord revision =
        VersionRecord.newBuilder()
            .setVersion(1)
            .setState(VersionState.REVISION)
            .setRevision(1)
            .setItems(ITEMS)
            .setTime(Instant.ofEpochMilli(2_000_000))
            .setInteractions(1000)
            .setPrequential(p)
            .build();
    topics.send("versions", "0", WIRE.encode(revision));
    topics.flush();
  }

  /** An item that comes, with its token. */
  void add(String id, String title, int suffix, int... codes) {
    ItemEvent event = new ItemEvent();
    event.setItem(id);
    event.setTitle(title);
    event.setAttributes(Map.of());
    event.setTime(Instant.EPOCH);
    topics.send("items", id, WIRE.encode(event));
    topics.token(id, 1, suffix, codes);
    tokens.put(id, new Token(codes, suffix, 1));
  }

  void flush() {
    topics.flush();
  }

  private void pieces(List<ModelPart> pieces) {
    pieces.forEach(piece -> topics.send("models", ModelParts.key(piece), WIRE.encode(piece)));
  }

  @Override
  public void close() {
    topics.close();
  }
}
