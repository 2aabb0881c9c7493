/**
 * Hybrid residual quantization: immutable codebooks, encoding with stability, k-means, and learning
 * by moving averages.
 */
package io.sidstream.model.quantize;
