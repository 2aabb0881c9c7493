/** Files: the model container and NumPy arrays. */
package io.sidstream.model.file;
