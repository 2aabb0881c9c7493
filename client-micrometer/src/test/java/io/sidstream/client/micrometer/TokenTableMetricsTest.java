package io.sidstream.client.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import io.sidstream.client.TokenTableStats;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class TokenTableMetricsTest {
  private static final Path ROOT = Path.of("..");
  private static final Pattern NAME = Pattern.compile("\\bsidstream_table_[a-z_]+");

  private static final TokenTableStats NOTHING_YET =
      new TokenTableStats(true, 0, 0, -1, -1, 0, 0, 0, 0, -1);
  private static final TokenTableStats SERVING =
      new TokenTableStats(true, 7, 2, 90_500, 12, 1_000, 1_234, 3, 1, 2_250);

  private final AtomicReference<TokenTableStats> stats = new AtomicReference<>(NOTHING_YET);

  @Test
  void whatIsNotKnownYetIsNotANumber() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    new TokenTableMetrics(stats::get, Tags.empty()).bindTo(registry);
    assertThat(registry.get("sidstream.table.version").gauge().value()).isZero();
    assertThat(registry.get("sidstream.table.reading").gauge().value()).isEqualTo(1);
    for (String unknown : List.of("lag", "age", "load")) {
      assertThat(registry.get("sidstream.table." + unknown).gauge().value()).as(unknown).isNaN();
    }
  }

  @Test
  void metersFollowTheTable() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    new TokenTableMetrics(stats::get, Tags.of("table", "main")).bindTo(registry);
    stats.set(SERVING);
    // What the registry holds weakly must not go.
    System.gc();
    assertThat(gauge(registry, "version")).isEqualTo(7);
    assertThat(gauge(registry, "versions.behind")).isEqualTo(2);
    assertThat(gauge(registry, "lag")).isEqualTo(12);
    assertThat(gauge(registry, "items")).isEqualTo(1_000);
    assertThat(registry.get("sidstream.table.age").timeGauge().value(TimeUnit.MILLISECONDS))
        .isEqualTo(90_500);
    assertThat(registry.get("sidstream.table.load").timeGauge().value(TimeUnit.SECONDS))
        .isEqualTo(2.25);
    assertThat(count(registry, "rows")).isEqualTo(1_234);
    assertThat(count(registry, "skipped")).isEqualTo(3);
    assertThat(count(registry, "verify.failures")).isEqualTo(1);
    stats.set(new TokenTableStats(false, 7, 2, 90_500, -1, 1_000, 1_300, 3, 1, 2_250));
    assertThat(gauge(registry, "reading")).isZero();
    assertThat(gauge(registry, "lag")).isNaN();
    assertThat(count(registry, "rows")).isEqualTo(1_300);
  }

  private static double gauge(SimpleMeterRegistry registry, String name) {
    return registry.get("sidstream.table." + name).tag("table", "main").gauge().value();
  }

  private static double count(SimpleMeterRegistry registry, String name) {
    return registry.get("sidstream.table." + name).tag("table", "main").functionCounter().count();
  }

  @Test
  void prometheusHasTheNamesThatRulesDashboardAndPageSay() throws IOException {
    PrometheusMeterRegistry registry = new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
    stats.set(SERVING);
    new TokenTableMetrics(stats::get, Tags.of("table", "main")).bindTo(registry);
    String scraped = registry.scrape();
    assertThat(scraped)
        .contains("sidstream_table_age_seconds{table=\"main\"} 90.5\n")
        .contains("sidstream_table_load_seconds{table=\"main\"} 2.25\n")
        .contains("sidstream_table_rows_total{table=\"main\"} 1234.0\n")
        .contains("sidstream_table_verify_failures_total{table=\"main\"} 1.0\n");
    Set<String> there = new TreeSet<>();
    scraped.lines().filter(line -> !line.startsWith("#")).forEach(line -> names(line, there));
    assertThat(there).hasSize(10);

    Set<String> page = new TreeSet<>();
    names(Files.readString(ROOT.resolve("docs/client.md")), page);
    assertThat(page).as("docs/client.md").isEqualTo(there);
    Set<String> used = new TreeSet<>();
    for (String file :
        List.of("prometheus/rules.yml", "grafana/dashboards/sidstream-consumers.json")) {
      Set<String> named = new TreeSet<>();
      names(Files.readString(ROOT.resolve("docker").resolve(file)), named);
      assertThat(named).as(file).isNotEmpty();
      used.addAll(named);
    }
    try (Stream<Path> files = Files.walk(ROOT.resolve("docker"))) {
      for (Path file : files.filter(f -> f.toString().matches(".*\\.(ya?ml|json)")).toList()) {
        names(Files.readString(file), used);
      }
    }
    assertThat(there).as("what docker/ names").containsAll(used);
    assertThat(used).as("what the dashboard shows").containsAll(there);
  }

  private static void names(String text, Set<String> into) {
    Matcher names = NAME.matcher(text);
    while (names.find()) {
      into.add(names.group());
    }
  }
}
