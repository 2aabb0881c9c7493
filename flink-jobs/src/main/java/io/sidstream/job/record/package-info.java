/**
 * Every record that travels between operators. The operators stand above: nothing here knows one,
 * or how a record looks on the wire.
 */
package io.sidstream.job.record;
