/** What the job says on the versions topic, and whether its readers have it. */
package io.sidstream.job.versions;
