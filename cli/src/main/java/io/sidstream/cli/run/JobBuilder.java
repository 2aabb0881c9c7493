package io.sidstream.cli.run;

import io.sidstream.job.config.JobConfig;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** Adds the operators of a job to an environment. */
@FunctionalInterface
public interface JobBuilder {
  /** Builds the job that the configuration describes. */
  void build(StreamExecutionEnvironment environment, JobConfig config) throws Exception;
}
