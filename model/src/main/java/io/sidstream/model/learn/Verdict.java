package io.sidstream.model.learn;

import io.sidstream.model.content.TokenizerModel;
import io.sidstream.model.train.Quality;
import java.util.List;

/**
 * What may become a token version, and what the gate says of it.
 *
 * @param tokenizer the candidate, with its tolerance; null where its numbers are not finite
 * @param quality what it does with the sample; its churn is the share of all items with codes. Null
 *     where its numbers are not finite
 * @param possible what the sample allows at best; null where the candidate's numbers are not finite
 * @param churn the greater of two shares of items that would change a code: of all that have codes,
 *     and of those that are older than the version in use
 * @param rules one verdict a rule, in the order of {@link Gate}; empty for a first version, which
 *     nothing is compared with
 * @param refusal why the candidate is held back; null where it becomes the next version
 */
public record Verdict(
    TokenizerModel tokenizer,
    Quality quality,
    Possible possible,
    double churn,
    List<RuleVerdict> rules,
    String refusal) {

  /** Whether the candidate becomes the next version. */
  public boolean passed() {
    return refusal == null;
  }

  /** Mean over the sample of ‖g(z) − x‖², z as it would be served. */
  public double reconstruction() {
    return quality.reconstruction();
  }
}
