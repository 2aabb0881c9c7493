/** The content vector of every item: as sent, or computed from its text. */
package io.sidstream.job.embed;
