/**
 * Kernels on plain heap arrays: matrix products, fused loops and seeded random numbers. Nothing
 * here knows of models.
 */
package io.sidstream.model.math;
