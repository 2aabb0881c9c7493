package io.sidstream.model.learn;

import io.sidstream.model.evaluate.Prequential;
import io.sidstream.model.train.ItemTable;
import java.util.BitSet;
import java.util.List;

/**
 * What the gate judges a candidate on: a sample of the catalogue, and windows of users that nobody
 * trains on. Its rows have the codes of the version in use, up to date.
 *
 * @param items rows with content, codes in use, ID embeddings, arrival and interactions; {@link
 *     ItemTable#key} names them
 * @param sample rows of the uniform sample of the catalogue, on which quality, churn and uniqueness
 *     are measured; also what negatives are drawn from
 * @param old those of the sample that were there when the version in use began
 * @param windows the newest windows of held-out users, by row; the last event of each is ranked
 * @param catalogue items of the whole catalogue that the sample stands for
 */
public record Evaluation(
    ItemTable items, int[] sample, BitSet old, List<Prequential.Window> windows, long catalogue) {}
