/** From bytes to valid items and interactions; what is not valid goes to the dead letters. */
package io.sidstream.job.ingest;
