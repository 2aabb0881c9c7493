/** Files and bytes: the model container, NumPy arrays, float arrays in state, and digests. */
package io.sidstream.model.file;
