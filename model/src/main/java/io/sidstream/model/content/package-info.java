/** From content vectors to codes: the trainable RQ-VAE and its immutable serving form. */
package io.sidstream.model.content;
