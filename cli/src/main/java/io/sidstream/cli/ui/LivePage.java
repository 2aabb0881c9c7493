package io.sidstream.cli.ui;

import io.sidstream.cli.kafka.KafkaOptions;
import io.sidstream.job.config.JobConfig;
import java.io.IOException;

/** The live page of one job. */
public final class LivePage implements AutoCloseable {
  private final JobView view;
  private final UiServer server;

  /**
   * Where a page is, and what it shows.
   *
   * @param host address to listen on
   * @param port 0 for a free one
   * @param maxItems items that can be browsed; of a larger table an even sample
   */
  public record Place(String host, int port, int maxItems) {}

  private LivePage(JobView view, UiServer server) {
    this.view = view;
    this.server = server;
  }

  /**
   * Listens; the topics are read when the page is first opened.
   *
   * @param config says the text model
   * @throws io.sidstream.cli.UsageException where it cannot listen there
   * @throws IOException where a file of the page is not on the class path
   */
  public static LivePage start(KafkaOptions kafka, Place place, JobConfig config)
      throws IOException {
    JobView view = new JobView(kafka, place.maxItems, config);
    return new LivePage(view, new UiServer(place.host, place.port, view));
  }

  /** Reads the topics now. */
  void read() {
    view.begin();
  }

  /** Where the page is. */
  public String address() {
    return server.address();
  }

  /** Whether only this machine reaches it. */
  boolean loopback() {
    return server.loopback();
  }

  @Override
  public void close() {
    server.close();
    view.close();
  }
}
