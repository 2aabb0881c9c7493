/** Trainings as sidstream's, with the knobs that only an experiment needs. */
package io.sidstream.lab.train;
