package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;

/** The job as it is submitted to a cluster. */
public final class JobJar {
  private JobJar() {}

  /** Where the build has put it. */
  public static Path path() {
    Path root = Path.of("").toAbsolutePath();
    while (root != null && !Files.isRegularFile(root.resolve("mvnw"))) {
      root = root.getParent();
    }
    assertThat(root).as("a folder above with mvnw").isNotNull();
    Path jar = root.resolve("flink-jobs/target/sidstream-job.jar");
    assertThat(jar).as("built by ./mvnw -pl flink-jobs -am package").isRegularFile();
    return jar;
  }
}
