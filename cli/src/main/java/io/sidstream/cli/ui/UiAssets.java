package io.sidstream.cli.ui;

import io.sidstream.cli.report.ReportPage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** The files of the page: the report's views and charting library, and what is live about them. */
final class UiAssets {
  /**
   * A file.
   *
   * @param type content type
   */
  record Asset(String type, byte[] content) {
    private static Asset of(String type, String text) {
      return new Asset(type, text.getBytes(StandardCharsets.UTF_8));
    }
  }

  private static final String HTML = "text/html; charset=utf-8";
  private static final String CSS = "text/css; charset=utf-8";
  private static final String SCRIPT = "text/javascript; charset=utf-8";

  private UiAssets() {}

  /**
   * By path.
   *
   * @throws IOException where one is not on the class path
   */
  static Map<String, Asset> all() throws IOException {
    String page =
        ReportPage.html(
            new ReportPage.Frame(
                "sidstream, live",
                "<link rel=\"stylesheet\" href=\"page.css\">\n<link rel=\"stylesheet\" href=\"live.css\">",
                "<a href=\"#try\">Try a text</a> <a href=\"#decode\">Decode</a>",
                own("live.html"),
                "<script src=\"echarts.js\"></script>\n<script src=\"page.js\"></script>\n<script src=\"live.js\"></script>"));
    return Map.of(
        "/", Asset.of(HTML, page),
        "/page.css", Asset.of(CSS, ReportPage.style()),
        "/live.css", Asset.of(CSS, own("live.css")),
        "/echarts.js", Asset.of(SCRIPT, ReportPage.library()),
        "/page.js", Asset.of(SCRIPT, ReportPage.program()),
        "/live.js", Asset.of(SCRIPT, own("live.js")));
  }

  private static String own(String name) throws IOException {
    try (InputStream in = UiAssets.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IOException("resource " + name + " of the page is not on the class path");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
