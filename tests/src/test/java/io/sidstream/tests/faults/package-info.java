/** The job on a cluster of processes that are killed, paused and fed rubbish; from a seed. */
package io.sidstream.tests.faults;
