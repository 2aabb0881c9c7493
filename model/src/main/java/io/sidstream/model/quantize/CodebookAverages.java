package io.sidstream.model.quantize;

/**
 * What a level has learned: the state of a {@link CodebookLearner}.
 *
 * @param counts {@code [K]} moving counts
 * @param sums {@code [K, D_2]} moving sums of residuals
 * @param codewords {@code [K, D_2]}
 */
public record CodebookAverages(float[] counts, float[] sums, float[] codewords) {}
