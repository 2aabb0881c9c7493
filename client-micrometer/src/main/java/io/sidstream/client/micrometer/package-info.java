/** Meters of a token table for Micrometer. */
package io.sidstream.client.micrometer;
