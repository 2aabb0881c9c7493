/**
 * The sequence recommender (SASRec as S3-Rec fine-tunes it) and its two losses, forward and
 * backward by hand on heap arrays; what it reads of items, and the recommenders that rank together.
 */
package io.sidstream.model.recommend;
