/** Savepoints of earlier releases, and that the job goes on from them. */
package io.sidstream.tests.savepoints;
