package io.sidstream.cli.ui;

import io.sidstream.cli.Port;
import io.sidstream.cli.UsageException;
import io.sidstream.cli.embed.TextModelOptions;
import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.cli.report.ReportCommand;
import io.sidstream.job.config.JobConfig;
import java.io.PrintWriter;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code sidstream ui}. */
@Command(
    name = "ui",
    mixinStandardHelpOptions = true,
    description = {
      "Show a running job on a page that keeps itself up to date, until Ctrl-C. It only reads.",
      "The page has the views of 'sidstream report', the token that a text would get now, and decoding step by step."
    },
    footer = {
      "",
      "Examples:",
      "  sidstream ui --bootstrap localhost:9092",
      "  sidstream ui --bootstrap localhost:9092 --port 8090 --conf job.yaml",
      "",
      "Exit codes: 130 ended by Ctrl-C, 1 the topics cannot be read, 2 asked for wrongly, or the port is in use."
    })
public final class UiCommand implements Callable<Integer> {
  @Spec private CommandSpec spec;
  @Mixin private KafkaOptions kafka;

  @Option(
      names = "--port",
      defaultValue = "0",
      paramLabel = "PORT",
      description = "Port of the page; 0: a free one (default).")
  private int port;

  @Option(
      names = "--host",
      defaultValue = "127.0.0.1",
      paramLabel = "ADDRESS",
      description =
          "Address to listen on (default: ${DEFAULT-VALUE}, this machine alone). The page asks for no login.")
  private String host;

  @Option(
      names = "--max-items",
      paramLabel = "N",
      description =
          "Items that can be browsed; of a larger table an even sample (default: ${DEFAULT-VALUE}). Search finds all.")
  private int maxItems = ReportCommand.MAX_ITEMS;

  @Mixin private TextModelOptions textModel;

  @Override
  public Integer call() throws Exception {
    Port.checkOrFree("--port", port);
    if (maxItems < 1) {
      throw new UsageException("--max-items " + maxItems + ": 1 or more");
    }
    JobConfig config = textModel.config();
    kafka.reach();
    try (LivePage page = LivePage.start(kafka, new LivePage.Place(host, port, maxItems), config)) {
      page.read();
      PrintWriter out = spec.commandLine().getOut();
      out.println("page: " + page.address() + "   (Ctrl-C ends it)");
      if (!page.loopback()) {
        out.println(
            "Whoever reaches this address can read items and tokens, without a login; --host 127.0.0.1 keeps it to this machine.");
      }
      out.flush();
      // Until a signal, or until the thread is interrupted.
      new CountDownLatch(1).await();
    }
    return 0;
  }
}
