package io.sidstream.job.kafka;

import io.sidstream.job.config.ConfigException;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;

/**
 * What a job that begins without state finds in its topics.
 *
 * <p>Token versions are numbered by the state of the job. Without it the job would begin at version
 * 1 again, beside the rows and commits of its earlier life, and no reader could tell the two apart.
 * A job that was killed before its first checkpoint has committed nothing, and may begin again.
 */
public final class EarlierVersions {
  private EarlierVersions() {}

  /**
   * Refuses to begin without state where a version was committed or begun before. To be called only
   * where there is no state to go on from, when the topics exist.
   *
   * @throws ConfigException names the topic, the newest version in it and what to do
   * @throws IllegalStateException where the topic cannot be read; names the broker
   */
  public static void refuse(JobConfig config) throws InterruptedException {
    refuse(config, VersionsTopic.newest(config), VersionsTopic.another(config));
  }

  /**
   * As {@link #refuse(JobConfig)}.
   *
   * @param found the newest numbers in the topic
   * @param another what the topic has of a job of another name; null for nothing
   * @throws ConfigException names the topic, the newest version in it and what to do
   */
  public static void refuse(JobConfig config, VersionsTopic.Newest found, String another) {
    int newest = Math.max(found.begun(), found.committed());
    if (newest > 0) {
      throw new ConfigException(
          "topic "
              + Topics.versions(config)
              + " already holds token version "
              + newest
              + " of an earlier run, and there is no checkpoint or savepoint to go on from: give it"
              + " (--state DIR, or flink run -s PATH), or begin anew with another topics.prefix and"
              + " kafka.group, or delete the topics that begin with '"
              + config.get(JobOptions.TOPICS_PREFIX)
              + "'");
    }
    if (another != null) {
      throw new ConfigException(
          "topic "
              + Topics.versions(config)
              + " already holds "
              + another
              + ", and this job, of kafka.group "
              + config.get(JobOptions.KAFKA_GROUP)
              + ", would begin at version 1 again: go on from that job's checkpoint or savepoint, with its"
              + " kafka.group, or begin anew with another topics.prefix");
    }
  }
}
