/**
 * The mathematics of the tokenizer and the recommender written plainly with ND4J, one method an
 * equation, in double precision: for reading, and to hold the tuned code to. Slow, and nothing of a
 * job depends on it.
 */
package io.sidstream.model.oracle;
