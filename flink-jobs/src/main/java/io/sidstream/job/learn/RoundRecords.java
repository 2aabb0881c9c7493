package io.sidstream.job.learn;

import io.sidstream.job.models.PublishedModel;
import io.sidstream.job.record.TokenizerUpdate;
import io.sidstream.model.content.DecoderModel;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.learn.InUse;
import io.sidstream.model.learn.Judgement;
import io.sidstream.model.learn.LearnPlan;
import io.sidstream.model.learn.MergedRound;
import io.sidstream.model.learn.RoundResult;
import io.sidstream.model.learn.ServedRanking;
import io.sidstream.model.learn.ShardMerge;
import io.sidstream.model.learn.ShardRound;
import io.sidstream.model.learn.Verdict;
import io.sidstream.model.train.Quality;
import io.sidstream.schemas.IdEmbedding;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelParts;
import io.sidstream.schemas.Vectors;
import io.sidstream.schemas.VersionRecord;
import io.sidstream.schemas.VersionState;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a merged round says to the world, as records in their order: a function of the shards'
 * rounds and of where the merge stood.
 */
final class RoundRecords {
  private static final Logger LOG = LoggerFactory.getLogger(RoundRecords.class);

  /** Committed versions of which readers need the encoder and the recommenders. */
  private static final int READERS_VERSIONS = 2;

  /** One of the four is set. */
  private record Out(
      TokenizerUpdate update, VersionRecord version, ModelPart part, IdEmbedding embedding) {}

  /** All of them: where nothing is published. */
  static final int EVERY_VERSION = Integer.MAX_VALUE;

  private final LearnPlan plan;
  private final int keptCodebooks;
  private final MergeProgress before;
  private final MergeProgress after;
  private final Instant now;
  private final List<Out> records = new ArrayList<>();
  private byte[] back;
  private RoundResult merged;
  private byte[] tokenizer;
  private String text;
  private boolean publishes;
  private Verdict verdict;
  private String refusal;

  private RoundRecords(LearnPlan plan, int keptCodebooks, MergeProgress before) {
    this.plan = plan;
    this.keptCodebooks = keptCodebooks;
    this.before = before;
    after = before.copy();
    now = Instant.ofEpochMilli(before.judgedAt);
    after.round++;
  }

  /**
   * Merges and judges.
   *
   * @param keptCodebooks committed versions whose codebooks stay on the models topic, at least 2
   * @param before where the merge stands
   * @param tokenizer bytes of that in use; null for none
   * @param rounds of the shards, in their order
   */
  static RoundRecords of(
      LearnPlan plan,
      int keptCodebooks,
      MergeProgress before,
      byte[] tokenizer,
      List<ShardRound> rounds) {
    RoundRecords made = new RoundRecords(plan, keptCodebooks, before);
    made.make(tokenizer, rounds);
    return made;
  }

  private void make(byte[] tokenizerInUse, List<ShardRound> rounds) {
    merged =
        ShardMerge.merge(rounds.stream().map(ShardRound::result).toList(), plan.model().metrics());
    String failure =
        rounds.stream().map(ShardRound::failure).filter(Objects::nonNull).findFirst().orElse(null);
    text = "Round " + after.round + ": " + merged.figures().steps() + " steps";
    if (failure != null) {
      boolean others = merged.weights() != null;
      held(
          "round %d failed%s: %s"
              .formatted(
                  after.round,
                  others
                      ? " in one shard, and the model goes on from what the others learnt"
                      : " and the model stays as it was",
                  failure),
          null);
    } else if (plan.endsInCandidate(after.round)) {
      candidate(tokenizerInUse);
    }
    if (merged.weights() != null && after.version > 0) {
      revision();
    } else {
      // Before the first version, and where the round failed: readers get them with what is
      // published next.
      embeddings(Math.max(1, after.version));
    }
    if (plan.waits(after.round)) {
      sendBack();
    }
    if (after.version > 0 && tokenizerInUse != null && merged.weights() != null) {
      removals(tokenizerInUse);
    }
  }

  // ---- versions

  private void candidate(byte[] tokenizerInUse) {
    if (merged.weights() == null || merged.weights().levels().isEmpty()) {
      held(
          "round " + after.round + " made no codebooks: no shard had an item to make them of",
          null);
      return;
    }
    boolean first = before.version == 0;
    InUse inUse =
        new InUse(first ? null : TokenizerModel.fromBytes(tokenizerInUse), before.reconstruction);
    Verdict verdict;
    try {
      verdict =
          Judgement.of(merged.weights(), merged.evaluation(), plan, inUse, after.round, first);
    } catch (RuntimeException e) {
      // Tokens need none of it, and the version in use stays.
      LOG.error(
          "Judging the candidate of round {} ended in an error of the program", after.round, e);
      held("judging it ended in an error of the program, please report: " + e, null);
      return;
    }
    String refusal = before.holdsThis != null ? before.holdsThis : verdict.refusal();
    String forced = before.forcesThis;
    if (verdict.tokenizer() == null || refusal != null && forced == null) {
      held(refusal, verdict);
      return;
    }
    String reason = first ? "bootstrap" : "quantizer round";
    if (forced != null) {
      reason = forced + (refusal == null ? "" : "; without it: " + refusal);
    }
    begin(verdict, reason);
  }

  private void held(String reason, Verdict verdict) {
    this.verdict = verdict;
    refusal = reason;
    after.held++;
    text += "; candidate held: " + reason;
    version(VersionState.HELD, after.version + 1, reason, verdict);
  }

  private void begin(Verdict verdict, String reason) {
    this.verdict = verdict;
    after.version++;
    after.reconstruction = verdict.reconstruction();
    tokenizer = verdict.tokenizer().toBytes();
    text += "; token version " + after.version + " begins: " + reason;
    TokenizerUpdate update = new TokenizerUpdate();
    update.version = after.version;
    update.revision = before.revision + 1;
    update.tokenizer = tokenizer;
    version(VersionState.BEGIN, after.version, reason, verdict);
    records.add(new Out(update, null, null, null));
    PublishedModel published = published();
    published.tokenizer(verdict.tokenizer()).forEach(this::model);
    published.decoder(decoder()).forEach(this::model);
  }

  private DecoderModel decoder() {
    int encoder = plan.model().quantizerConfig().encoderParameters();
    float[] quantizer = merged.weights().quantizer();
    return new DecoderModel(
        plan.model().quantizerConfig().decoderDims(),
        Arrays.copyOfRange(quantizer, encoder, quantizer.length));
  }

  private void version(VersionState state, int version, String reason, Verdict verdict) {
    VersionRecord record = record(state, version);
    record.setReason(reason);
    if (verdict != null && verdict.tokenizer() != null) {
      record.setModelDigest(verdict.tokenizer().digest());
      record.setQuality(quality(verdict));
    }
    versions(record);
  }

  private io.sidstream.schemas.Quality quality(Verdict verdict) {
    Quality q = verdict.quality();
    List<Double> tolerance = new ArrayList<>();
    for (float t : verdict.tokenizer().tolerance()) {
      tolerance.add((double) t);
    }
    return io.sidstream.schemas.Quality.newBuilder()
        .setUtilisation(Arrays.stream(q.utilisation()).boxed().toList())
        .setPerplexity(Arrays.stream(q.perplexity()).boxed().toList())
        .setUniqueTuples(q.aloneInTuple())
        .setReconstruction(q.reconstruction())
        .setExpectedChurn(verdict.churn())
        .setTolerance(tolerance)
        .setReseeded(
            merged.weights().levels().stream().map(l -> (long) l.reseeded().cardinality()).toList())
        .setReseededItems(Arrays.stream(q.reseededItems()).boxed().toList())
        .build();
  }

  private VersionRecord record(VersionState state, int version) {
    RoundResult.Figures f = merged.figures();
    VersionRecord record = new VersionRecord();
    record.setState(state);
    record.setVersion(version);
    record.setRevision(state == VersionState.REVISION ? after.revision : before.revision);
    record.setItems(f.items());
    record.setInteractions(f.interactions());
    record.setWaitingInteractions(f.waiting());
    record.setChangedCodes(List.of());
    record.setChangedPrefixes(List.of());
    record.setModelDigest("");
    double losses = f.recommendation() + f.reconstruction() + f.commitment();
    record.setLoss(f.steps() == 0 ? 0 : losses / f.steps());
    record.setSteps(f.steps());
    record.setTime(now);
    return record;
  }

  // ---- revisions

  private void revision() {
    after.revision++;
    publishes = before.publishesThis || after.version > before.version;
    if (publishes) {
      after.published = after.revision;
      published()
          .recommenders(ServedRanking.of(plan.model(), merged.weights()))
          .forEach(this::model);
    }
    embeddings(after.version);
    VersionRecord record = record(VersionState.REVISION, after.version);
    var ranked = merged.figures().ranked();
    record.setPrequential(
        new io.sidstream.schemas.Prequential(
            ranked.model.count(),
            ranked.model.hr(10) * ranked.model.count(),
            ranked.model.ndcg(10) * ranked.model.count(),
            ranked.popularity.hr(10) * ranked.popularity.count(),
            ranked.newModel.count(),
            ranked.newModel.hr(10) * ranked.newModel.count(),
            ranked.newPopularity.hr(10) * ranked.newPopularity.count()));
    versions(record);
    text +=
        "; revision %d, %d events ranked, HR@10 %.3f, popularity %.3f%s"
            .formatted(
                after.revision,
                ranked.model.count(),
                ranked.model.hr(10),
                ranked.popularity.hr(10),
                ranked.unranked == 0
                    ? ""
                    : ", "
                        + ranked.unranked
                        + " not ranked: no other item was known by their time");
  }

  private void embeddings(int version) {
    for (RoundResult.Embedding embedding : merged.embeddings()) {
      // Without numbers it is removed.
      List<Float> e = embedding.e() == null ? List.of() : Vectors.toList(embedding.e());
      records.add(
          new Out(null, null, null, new IdEmbedding(embedding.item(), version, after.revision, e)));
    }
  }

  private PublishedModel published() {
    return new PublishedModel(after.version, before.revision + 1, now);
  }

  private void sendBack() {
    RoundResult shared = plan.shards() == 1 ? null : withoutEvaluation();
    back = new MergedRound(after.round, after.version, tokenizer, shared).toBytes();
    MergedRounds.merged(after.round, back, now).forEach(this::model);
  }

  private RoundResult withoutEvaluation() {
    return new RoundResult(
        0, merged.round(), merged.figures(), merged.weights(), merged.embeddings(), null);
  }

  /**
   * Parts of versions that no reader goes back to: it needs the newest committed one and, to go
   * back to, the one before. Codebooks stay longer: rows of an older version may still be valid,
   * and are explained by them.
   *
   * <p>Last of the records, so that a restart with another number of codebooks to keep, in the
   * middle of sending them, finds the others where they were.
   */
  private void removals(byte[] tokenizerInUse) {
    int last = before.committed - READERS_VERSIONS;
    if (last > before.removed) {
      int recommenders = ServedRanking.of(plan.model(), merged.weights()).toBytes().length;
      int decoder = decoder().toBytes().length;
      for (int version = before.removed + 1; version <= last; version++) {
        // Of one shape, all of them are as long.
        remove(version, ModelPartKind.ENCODER, tokenizerInUse.length);
        remove(version, ModelPartKind.RECOMMENDER, recommenders);
        remove(version, ModelPartKind.DECODER, decoder);
      }
      after.removed = last;
    }
    int lastCodebooks = before.committed - keptCodebooks;
    if (lastCodebooks > before.removedCodebooks) {
      int codebooks = PublishedModel.codebooks(TokenizerModel.fromBytes(tokenizerInUse)).length;
      for (int version = before.removedCodebooks + 1; version <= lastCodebooks; version++) {
        remove(version, ModelPartKind.CODEBOOKS, codebooks);
      }
      after.removedCodebooks = lastCodebooks;
    }
  }

  private void remove(int version, ModelPartKind kind, int bytes) {
    for (int i = 0; i < ModelParts.pieces(bytes); i++) {
      // Of no pieces: it is removed.
      model(new ModelPart(version, after.revision, kind, i, 0, "", ByteBuffer.allocate(0), now));
    }
  }

  private void model(ModelPart part) {
    records.add(new Out(null, null, part, null));
  }

  private void versions(VersionRecord record) {
    records.add(new Out(null, record, null, null));
  }

  // ---- what was made

  int count() {
    return records.size();
  }

  /** Whether the recommenders, and all ID embeddings that were kept back, are published. */
  boolean publishes() {
    return publishes;
  }

  /** The ID embedding that is to be kept back for a later round; null where the record is sent. */
  IdEmbedding keptBack(int index) {
    return publishes ? null : records.get(index).embedding;
  }

  /** The part of the model that a record is; null for one of another kind. */
  ModelPart model(int index) {
    return records.get(index).part;
  }

  void send(int index, Output<StreamRecord<TokenizerUpdate>> output) {
    Out out = records.get(index);
    if (out.update != null) {
      output.collect(new StreamRecord<>(out.update));
    } else if (out.version != null) {
      output.collect(MergeOperator.VERSIONS, new StreamRecord<>(out.version));
    } else if (out.part != null) {
      output.collect(MergeOperator.MODELS, new StreamRecord<>(out.part));
    } else {
      output.collect(MergeOperator.ID_EMBEDDINGS, new StreamRecord<>(out.embedding));
    }
  }

  /** Where the merge stands when all is sent; what has come in meanwhile as it is now. */
  MergeProgress after(MergeProgress at) {
    MergeProgress next = at.copy();
    next.round = after.round;
    next.revision = after.revision;
    next.version = after.version;
    next.reconstruction = after.reconstruction;
    next.published = after.published;
    next.removed = after.removed;
    next.removedCodebooks = after.removedCodebooks;
    next.held = after.held;
    next.add(merged.figures().ranked(), after.version > before.version);
    next.holdsThis = null;
    next.forcesThis = null;
    return next;
  }

  /** Bytes of the tokenizer that was taken into use; null for none. */
  byte[] tokenizer() {
    return tokenizer;
  }

  /** What went back to the shards; null for nothing. */
  byte[] back() {
    return back;
  }

  /** What the shards' rounds came to together. */
  RoundResult merged() {
    return merged;
  }

  /** What the gate said; null where the round has no candidate. */
  Verdict verdict() {
    return verdict;
  }

  /** Why there is no new version where there was a candidate, or why the round failed; or null. */
  String refusal() {
    return refusal;
  }

  /** Records of the models topic. */
  List<ModelPart> models() {
    return records.stream().map(Out::part).filter(Objects::nonNull).toList();
  }

  /** A line for the log. */
  String text() {
    return text;
  }
}
