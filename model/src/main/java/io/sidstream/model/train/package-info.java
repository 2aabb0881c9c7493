/**
 * Joint training of the quantizer and the recommender, and the tables of items and users that it
 * learns from.
 */
package io.sidstream.model.train;
