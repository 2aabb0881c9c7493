/** Ranking metrics and the protocols that fill them. */
package io.sidstream.model.evaluate;
