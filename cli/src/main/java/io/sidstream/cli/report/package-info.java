/** One HTML file that shows what a job has made of a catalogue. */
package io.sidstream.cli.report;
