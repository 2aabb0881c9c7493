/** Files: the model container and NumPy arrays, and their digests. */
package io.sidstream.model.file;
