package io.sidstream.model.train;

/**
 * What a training step did.
 *
 * @param users users of the batch that had an input and a target
 * @param positions predicted positions
 * @param distinctItems distinct items, negatives included
 * @param recommendation mean recommendation loss of a position before the step, of both
 *     recommenders where there are two; 0 without one
 * @param reconstruction mean over items of ‖g(z) − x‖²; 0 where nothing was encoded
 * @param commitment sum over levels of the commitment losses; 0 where nothing was encoded
 * @param reseeded codewords that were re-seeded
 */
public record StepStats(
    int users,
    int positions,
    int distinctItems,
    double recommendation,
    double reconstruction,
    double commitment,
    int reseeded) {}
