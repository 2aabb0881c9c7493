package io.sidstream.client.micrometer;

import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tag;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.sidstream.client.TokenTable;
import io.sidstream.client.TokenTableStats;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/**
 * Meters of a token table, named {@code sidstream.table.*}; docs/client.md lists them.
 *
 * <pre>{@code
 * new TokenTableMetrics(table).bindTo(registry);
 * }</pre>
 *
 * <p>Several tables of one process need tags that tell them apart. A meter reads {@link
 * TokenTable#stats()}, which takes no lock, whenever the registry asks. What is not known yet is
 * NaN. The registry keeps the table from being collected; remove the meters of a table that is
 * closed for good.
 */
public final class TokenTableMetrics implements MeterBinder {
  private static final String PREFIX = "sidstream.table.";

  private final Supplier<TokenTableStats> stats;
  private final Tags tags;

  /** Meters without tags of their own. */
  public TokenTableMetrics(TokenTable table) {
    this(table, Tags.empty());
  }

  /** Meters with tags. */
  public TokenTableMetrics(TokenTable table, Iterable<Tag> tags) {
    this(table::stats, tags);
  }

  TokenTableMetrics(Supplier<TokenTableStats> stats, Iterable<Tag> tags) {
    this.stats = stats;
    this.tags = Tags.of(tags);
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    gauge(
        registry,
        "reading",
        "1 while Kafka is read, 0 once reading has ended or the table is closed",
        s -> s.reading() ? 1 : 0);
    gauge(registry, "version", "Token version served, 0 before the first", s -> s.version());
    gauge(
        registry,
        "versions.behind",
        "Committed versions that are newer than the one served",
        s -> s.versionsBehind());
    time(registry, "age", "Time since the version served was committed", TokenTableStats::ageMs);
    gauge(
        registry,
        "lag",
        "Committed records that are not read yet",
        s -> s.lag() < 0 ? Double.NaN : s.lag());
    gauge(registry, "items", "Items served with a token", s -> s.items());
    counter(registry, "rows", "Token rows and removals read", TokenTableStats::rows);
    counter(
        registry,
        "skipped",
        "Records passed over because they do not belong on their topic",
        TokenTableStats::skipped);
    counter(
        registry,
        "verify.failures",
        "Versions that disagree with their COMMIT record",
        TokenTableStats::verifyFailures);
    time(
        registry, "load", "Time from opening to the first version served", TokenTableStats::loadMs);
  }

  private void gauge(
      MeterRegistry registry, String name, String about, ToDoubleFunction<TokenTableStats> value) {
    Gauge.builder(PREFIX + name, () -> value.applyAsDouble(stats.get()))
        .description(about)
        .tags(tags)
        .register(registry);
  }

  /** Of a time in ms that is negative before it is known. */
  private void time(
      MeterRegistry registry, String name, String about, ToLongFunction<TokenTableStats> ms) {
    TimeGauge.builder(
            PREFIX + name,
            () -> {
              long value = ms.applyAsLong(stats.get());
              return value < 0 ? Double.NaN : value;
            },
            TimeUnit.MILLISECONDS)
        .description(about)
        .tags(tags)
        .register(registry);
  }

  private void counter(
      MeterRegistry registry, String name, String about, ToLongFunction<TokenTableStats> count) {
    // The registry holds what a counter reads weakly; the gauges hold it strongly.
    FunctionCounter.builder(PREFIX + name, stats, s -> count.applyAsLong(s.get()))
        .description(about)
        .tags(tags)
        .register(registry);
  }
}
