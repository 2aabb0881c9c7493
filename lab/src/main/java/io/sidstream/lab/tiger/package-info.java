/**
 * The generative baseline (TIGER: Rajput et al., "Recommender Systems with Generative Retrieval",
 * NeurIPS 2023, arXiv 2305.05065): the next item's code tuple, generated code by code.
 */
package io.sidstream.lab.tiger;
