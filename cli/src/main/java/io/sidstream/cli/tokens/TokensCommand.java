package io.sidstream.cli.tokens;

import io.sidstream.cli.UsageException;
import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.client.Token;
import io.sidstream.schemas.TokenChecksum;
import io.sidstream.schemas.VersionRecord;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code sidstream tokens}: the token tables on a Kafka, as any downstream sees them. */
@Command(
    name = "tokens",
    mixinStandardHelpOptions = true,
    description =
        "Read the token tables from Kafka, as any downstream would, and tell the gate what to do.",
    subcommands = {
      TokensCommand.Get.class,
      TailCommand.class,
      TokensCommand.Diff.class,
      ExportCommand.class,
      TokensCommand.Verify.class,
      VersionsCommand.class,
      DeadLettersCommand.class,
      OrphansCommand.class,
      GateCommands.Hold.class,
      GateCommands.Force.class,
      GateCommands.Release.class,
      GateCommands.Republish.class
    })
public final class TokensCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    throw new ParameterException(
        spec.commandLine(),
        "name what to do: get, tail, diff, export, verify, versions, dead-letters, orphans, hold, force, release or republish");
  }

  /** Where the topics are. */
  static final class Where {
    @Mixin private KafkaOptions kafka;

    /** Brokers that answer. */
    String bootstrap() {
      return kafka.reach().bootstrap();
    }

    String prefix() {
      return kafka.prefix();
    }

    Properties properties() {
      return kafka.properties();
    }

    TokenLog log(String... topics) {
      return TokenLog.read(bootstrap(), prefix(), properties(), topics);
    }
  }

  /** Of a version that can be read from the log; 0 stands for the newest. */
  static Map<String, Token> table(TokenLog log, int asked) {
    int version = asked == 0 ? log.newest() : asked;
    if (version == 0) {
      throw new IllegalStateException("no version is committed yet");
    }
    VersionRecord commit = log.commits.get(version);
    if (commit == null) {
      throw new UsageException(
          "version %d is not committed; versions %d to %d are"
              .formatted(
                  version, log.commits.isEmpty() ? 0 : log.commits.firstKey(), log.newest()));
    }
    Map<String, Token> table = log.table(version);
    long sum = 0;
    for (var entry : table.entrySet()) {
      sum += TokenChecksum.of(entry.getKey(), entry.getValue().codes(), entry.getValue().suffix());
    }
    if (table.size() != commit.getItems() || sum != commit.getTableChecksum()) {
      throw new IllegalStateException(
          "version %d cannot be read from the log: %d of its %d items are left, or they have other tokens (rows of old versions are compacted away)"
              .formatted(version, table.size(), commit.getItems()));
    }
    return table;
  }

  /** {@code tokens get ITEM}. */
  @Command(
      name = "get",
      mixinStandardHelpOptions = true,
      description = "Print the newest row of an item as JSON, with its explanation.")
  static final class Get implements Callable<Integer> {
    @Mixin Where where;

    @Parameters(paramLabel = "ITEM")
    String item;

    @Override
    public Integer call() {
      TokenLog log = where.log("versions", "tokens");
      List<TokenLog.Row> rows = log.rows.get(item);
      TokenLog.Row newest = rows == null ? null : rows.get(rows.size() - 1);
      if (newest == null || newest.token() == null) {
        System.err.println(
            "sidstream: item " + item + (newest == null ? " has no token" : " was removed"));
        return 1;
      }
      System.out.println(new RowText().json(item, newest.token(), newest.value()));
      return 0;
    }
  }

  /** {@code tokens diff V1 V2}. */
  @Command(
      name = "diff",
      mixinStandardHelpOptions = true,
      description = {
        "Print what version V2 has otherwise than V1: + new, - gone, ~ another token.",
        "Both are read from the log; versions whose rows are compacted away cannot be."
      })
  static final class Diff implements Callable<Integer> {
    @Mixin Where where;

    @Parameters(index = "0", paramLabel = "V1")
    int from;

    @Parameters(index = "1", paramLabel = "V2")
    int to;

    @Override
    public Integer call() {
      if (from < 1 || to < 1) {
        throw new UsageException("versions %d and %d: 1 or more".formatted(from, to));
      }
      TokenLog log = where.log("versions", "tokens");
      Map<String, Token> before = table(log, from);
      Map<String, Token> after = table(log, to);
      TreeSet<String> items = new TreeSet<>(before.keySet());
      items.addAll(after.keySet());
      long added = 0;
      long gone = 0;
      long moved = 0;
      for (String item : items) {
        Token was = before.get(item);
        Token is = after.get(item);
        if (was == null) {
          System.out.println("+ " + item + " " + is);
          added++;
        } else if (is == null) {
          System.out.println("- " + item + " " + was);
          gone++;
        } else if (!was.sameToken(is)) {
          System.out.println("~ " + item + " " + was + " " + is);
          moved++;
        }
      }
      System.err.printf(
          "version %d to %d: %,d new, %,d gone, %,d moved, %,d the same%n",
          from, to, added, gone, moved, before.size() - gone - moved);
      return 0;
    }
  }

  /** {@code tokens verify}. */
  @Command(
      name = "verify",
      mixinStandardHelpOptions = true,
      description = {
        "Prove from the topics alone that tokens are unique, complete, inside their codebooks and what the COMMIT records say.",
        "Exit code 1, and what is wrong, where they are not."
      })
  static final class Verify implements Callable<Integer> {
    @Mixin Where where;

    @Option(
        names = "--wait",
        defaultValue = "30",
        paramLabel = "SECONDS",
        description =
            "How long to look again where something is wrong: it may be under way (default: ${DEFAULT-VALUE}).")
    int wait;

    @Option(
        names = "--shared",
        description = "Items may share a token, as with resolve.strategy none.")
    boolean shared;

    @Override
    public Integer call() throws InterruptedException {
      if (wait < 0) {
        throw new UsageException("--wait " + wait + ": 0 or more");
      }
      TokenAudit.Report report =
          Verification.run(
              where.bootstrap(),
              where.prefix(),
              where.properties(),
              shared,
              true,
              Duration.ofSeconds(wait));
      System.out.println(report.text());
      return report.passed() ? 0 : 1;
    }
  }
}
