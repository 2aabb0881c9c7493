package io.sidstream.cli.feed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.cli.UsageException;
import io.sidstream.cli.data.DataSet;
import io.sidstream.cli.data.SourceItem;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.config.JobOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class FittedConfigTest {

  private static DataSet set(int items, int interactions, float[] vector) {
    List<SourceItem> list = new ArrayList<>();
    for (int i = 0; i < items; i++) {
      list.add(new SourceItem("i" + i, null, "text " + i, Map.of(), i, vector));
    }
    String[] users = new String[interactions];
    java.util.Arrays.fill(users, "u");
    return DataSet.sorted(
        "set", "0", "view", list, users, new int[interactions], new long[interactions], "");
  }

  private static FittedConfig fitted(DataSet set, String... sets) {
    return new FittedConfig(null, List.of(sets), set, null, false, 0);
  }

  @Test
  void aSmallDataSetGetsASmallModelEarly() {
    JobConfig config = fitted(set(480, 1000, null)).config(null);
    assertThat(config.get(JobOptions.QUANTIZER_CODEBOOK_SIZE)).isEqualTo(32);
    assertThat(config.get(JobOptions.BOOTSTRAP_ITEMS)).isEqualTo(192);
    assertThat(config.get(JobOptions.BOOTSTRAP_INTERACTIONS)).isEqualTo(200);
    assertThat(config.get(JobOptions.LEARN_ROUND_INTERACTIONS)).isEqualTo(50);
    assertThat(config.get(JobOptions.GATE_MIN_ALONE)).isEqualTo(.5);
  }

  @Test
  void theLeastDataSetIsAcceptedAndASmallerOneIsRefusedWithTheFix() {
    JobConfig config = fitted(set(8, 0, null)).config(null);
    assertThat(config.get(JobOptions.QUANTIZER_CODEBOOK_SIZE)).isEqualTo(8);
    assertThat(config.get(JobOptions.BOOTSTRAP_ITEMS)).isEqualTo(8);
    assertThat(config.get(JobOptions.BOOTSTRAP_INTERACTIONS)).isZero();
    assertThatThrownBy(() -> fitted(set(7, 0, null)))
        .isInstanceOf(UsageException.class)
        .hasMessageContaining("--data has 7 items, a model of its own needs 8 or more")
        .hasMessageContaining("sidstream load items");
  }

  @Test
  void whatTheCallerSetsAndWhatALargeDataSetNeedsStaysAsItIs() {
    JobConfig config =
        fitted(set(480, 1000, null), "bootstrap.items=300", "gate.min-alone=0.4").config(null);
    assertThat(config.get(JobOptions.BOOTSTRAP_ITEMS)).isEqualTo(300);
    assertThat(config.get(JobOptions.GATE_MIN_ALONE)).isEqualTo(.4);
    config = fitted(set(5_000, 10, null)).config(null);
    assertThat(config.get(JobOptions.BOOTSTRAP_ITEMS))
        .isEqualTo(JobOptions.BOOTSTRAP_ITEMS.defaultValue());
    assertThat(config.get(JobOptions.QUANTIZER_CODEBOOK_SIZE))
        .isEqualTo(JobOptions.QUANTIZER_CODEBOOK_SIZE.defaultValue());
  }

  @Test
  void theItemsOwnVectorsSayTheirLength() {
    FittedConfig fitted = fitted(set(8, 0, new float[] {1, 0, 0}));
    assertThat(fitted.asked().get(JobOptions.CONTENT_DIM)).isEqualTo(3);
    assertThat(fitted.config("h:1").get(JobOptions.CONTENT_DIM)).isEqualTo(3);
  }
}
