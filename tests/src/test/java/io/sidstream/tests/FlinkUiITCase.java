package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.sidstream.cli.flink.FlinkCluster;
import io.sidstream.cli.run.JobRun;
import io.sidstream.job.SidstreamJob;
import io.sidstream.job.config.JobConfig;
import io.sidstream.job.kafka.Topics;
import io.sidstream.job.metrics.JobMetric;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Flink's web UI as an operator sees it, in a real browser where there is one (chromium on the
 * path): the graph, and one of our metrics drawn. Screenshots go to {@code target/screenshots}.
 */
class FlinkUiITCase {
  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Path SHOTS = Path.of("target", "screenshots").toAbsolutePath();

  @TempDir Path folder;

  @Test
  void theGraphIsShownAndAMetricOfOursIsDrawn() throws Exception {
    Optional<String> program = Browser.program();
    assumeTrue(program.isPresent(), "no chromium on the path");
    JobConfig config = TinyJob.config(Broker.bootstrap(), "ui");
    Topics.create(config);
    try (Inputs in = new Inputs(config);
        TokenLog log = TinyJob.log(config, true);
        JobRun run = JobRun.start(config, null, 18_381, SidstreamJob::build)) {
      in.items(0, 200);
      log.await("tokens", LONG, () -> log.items().size() == 200);
      in.items(200, 300);
      log.await("tokens of items that came later", LONG, () -> log.items().size() == 300);
      String ui = run.ui().toString().replaceAll("/$", "");
      FlinkCluster flink = new FlinkCluster(run.ui());
      String vertex = vertex(flink.get("/jobs/" + run.id()), "Publish");
      assertThat(flink.get("/jobs/" + run.id() + "/plan").toString())
          .as("what the graph says of the ways back through Kafka, and of Learn's own thread")
          .contains("comes back to Learn through the topic of models")
          .contains("comes back to Merge through the topic of versions")
          .contains("a thread of their own, which busy time does not count");
      Path profile = Files.createDirectory(folder.resolve("profile"));
      try (Browser browser = Browser.start(program.get(), profile)) {
        String overview = ui + "/#/job/running/" + run.id() + "/overview";
        browser.open(overview);
        for (String operator :
            List.of(
                "Embed", "Tokenize", "Resolve", "Publish", "Learn", "Merge", "Version ledger")) {
          seen(browser, operator);
        }
        browser.screenshot(SHOTS.resolve("flink-graph.png"));

        browser.open(overview + "/" + vertex + "/metrics");
        seen(browser, "Select Metric Name");
        String metric = "0.Publish." + JobMetric.ITEM_LATENCY.metric() + "_p99";
        choose(browser, metric);
        seen(browser, metric);
        button(browser, "Numeric");
        Awaitility.await("a value of the metric")
            .atMost(LONG)
            .ignoreExceptions()
            .until(
                () ->
                    browser
                        .value("document.querySelector('flink-job-chart .numeric').textContent")
                        .matches("(?s)\\s*\\d.*"));
        button(browser, "Chart");
        button(browser, "Big");
        browser.value("document.querySelector('flink-job-chart').scrollIntoView()");
        Path png = SHOTS.resolve("flink-metric.png");
        browser.screenshot(png);
        assertThat(png).isNotEmptyFile();
      }
      assertThat(run.failure()).isEmpty();
    }
  }

  /** Picks an entry of the list of metrics, which shows a part at a time. */
  private static void choose(Browser browser, String metric) throws Exception {
    browser.value("document.querySelector('nz-select').click()");
    Awaitility.await("the metric in the list")
        .atMost(LONG)
        .pollInterval(Duration.ofMillis(200))
        .ignoreExceptions()
        .until(
            () ->
                browser
                    .value(
                        """
                        (() => {
                          const entry = [...document.querySelectorAll('nz-option-item')]
                              .find((e) => e.textContent.trim() === '%s');
                          if (entry) {
                            entry.click();
                            return true;
                          }
                          const list = document.querySelector('cdk-virtual-scroll-viewport');
                          list.scrollTop += list.clientHeight / 2;
                          list.dispatchEvent(new Event('scroll'));
                          return false;
                        })()
                        """
                            .formatted(metric))
                    .equals("true"));
  }

  /** Presses a button of the metric's chart. */
  private static void button(Browser browser, String text) throws Exception {
    browser.value(
        "[...document.querySelectorAll('flink-job-chart button')].find(e => e.textContent.trim() === '%s').click()"
            .formatted(text));
  }

  private static void seen(Browser browser, String text) {
    Awaitility.await("'" + text + "' on the page")
        .atMost(LONG)
        .ignoreExceptions()
        .until(() -> browser.value("document.body.innerText").contains(text));
  }

  /** Identifier of the task that an operator is of. */
  private static String vertex(JsonNode job, String operator) {
    for (JsonNode vertex : job.get("vertices")) {
      if (vertex.get("name").asText().contains(operator)) {
        return vertex.get("id").asText();
      }
    }
    throw new AssertionError("no task with operator " + operator + ": " + job);
  }
}
