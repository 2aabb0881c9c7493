/**
 * The learner of a stream, without a stream: what a round learns from, the round itself, the merge
 * of shards and the gate. Every class is a function of what it is given; nothing here knows of
 * clocks, files or engines.
 *
 * <pre>
 * WorkingSet ─► RoundInput ─► Round ─► RoundResult ─┐
 *                                      (one a shard) ├─► Merge ─► Gate ─► Verdict
 *                                      RoundResult ─┘
 * </pre>
 */
package io.sidstream.model.learn;
