package io.sidstream.job.models;

import io.sidstream.model.content.DecoderModel;
import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.quantize.Codebook;
import io.sidstream.model.quantize.Metric;
import io.sidstream.model.serve.RankingModel;
import io.sidstream.schemas.CodebookFormat;
import io.sidstream.schemas.CodebookFormat.Level;
import io.sidstream.schemas.CodebookFormat.LevelMetric;
import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelParts;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * The pieces of a model as the models topic has them. A token version brings ENCODER, CODEBOOKS and
 * DECODER; each revision brings RECOMMENDER anew, under the token version that is in use.
 *
 * @param version token version
 * @param revision recommender revision
 * @param time processing time
 */
public record PublishedModel(int version, long revision, Instant time) {
  /** ENCODER (a whole tokenizer), then CODEBOOKS (what readers of tokens need of it). */
  public List<ModelPart> tokenizer(TokenizerModel tokenizer) {
    List<ModelPart> pieces = new ArrayList<>(split(ModelPartKind.ENCODER, tokenizer.toBytes()));
    pieces.addAll(split(ModelPartKind.CODEBOOKS, codebooks(tokenizer)));
    return pieces;
  }

  /** DECODER. */
  public List<ModelPart> decoder(DecoderModel decoder) {
    return split(ModelPartKind.DECODER, decoder.toBytes());
  }

  /** RECOMMENDER: all of them, with what makes their scores one. */
  public List<ModelPart> recommenders(RankingModel ranking) {
    return split(ModelPartKind.RECOMMENDER, ranking.toBytes());
  }

  private List<ModelPart> split(ModelPartKind kind, byte[] whole) {
    return ModelParts.split(version, revision, kind, whole, time);
  }

  /** The bytes of CODEBOOKS. */
  public static byte[] codebooks(TokenizerModel tokenizer) {
    List<Level> levels = new ArrayList<>();
    for (Codebook book : tokenizer.quantizer().codebooks()) {
      LevelMetric metric =
          book.metric() == Metric.COSINE ? LevelMetric.COSINE : LevelMetric.EUCLIDEAN;
      levels.add(new Level(metric, book.size(), book.dim(), book.codewords()));
    }
    return CodebookFormat.write(levels);
  }
}
