package io.sidstream.model.learn;

import io.sidstream.model.content.TokenizerModel;

/**
 * The token version in use, as a candidate is compared with it. What else is compared is measured
 * anew, on the same items.
 *
 * @param tokenizer its tokenizer; null where there is no version yet
 * @param reconstruction its reconstruction error when it was judged: {@link
 *     Verdict#reconstruction()}
 */
public record InUse(TokenizerModel tokenizer, double reconstruction) {}
