/** The configuration of the job: every key, its default, its range and what it is for. */
package io.sidstream.job.config;
