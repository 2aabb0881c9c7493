package io.sidstream.job.learn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.job.config.JobConfig;
import io.sidstream.model.content.RqVaeConfig.StraightThrough;
import io.sidstream.model.train.JointConfig;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LearnSettingsTest {
  private static String[] shape(String... sets) {
    return LearnSettings.shape(JobConfig.load(null, List.of(sets)));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "seed=7",
        "gate.holdout=0.5",
        "embed.model=minilm-quantized",
        "embed.max-tokens=9",
        "learn.shards=2",
        "resolve.strategy=none"
      })
  void whatIsInTheStateStays(String set) {
    assertThatThrownBy(() -> LearnSettings.requireShape(shape(), shape(set)))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageStartingWith("the configuration has " + set + ", but the job's state was made")
        .hasMessageContaining("fixed once a job has state");
  }

  @Test
  void othersMayChange() {
    assertThatCode(() -> LearnSettings.requireShape(shape(), shape("embed.batch=3")))
        .doesNotThrowAnyException();
  }

  @Test
  void whatTheStateDoesNotNameWasNotFixedThen() {
    String[] before =
        Arrays.stream(shape()).filter(s -> !s.startsWith("seed=")).toArray(String[]::new);
    assertThatCode(() -> LearnSettings.requireShape(before, shape("seed=7")))
        .doesNotThrowAnyException();
    assertThatThrownBy(() -> LearnSettings.requireShape(before, shape("seed=7", "id.dim=0")))
        .hasMessageStartingWith("the configuration has id.dim=0, but");
  }

  /** Neither is a setting: what was measured is what the job does. */
  @Test
  void theJobLearnsBySoftmaxAndRotation() {
    JointConfig model = LearnSettings.plan(JobConfig.defaults()).model();
    assertThat(model.loss()).isEqualTo(JointConfig.Loss.SOFTMAX);
    assertThat(model.straightThrough()).isEqualTo(StraightThrough.ROTATION);
  }
}
