package io.sidstream.cli.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Properties;

/**
 * The report as one HTML file that needs nothing else: style, program, charting library and data;
 * and its parts, for a page that a server sends.
 */
public final class ReportPage {
  private static final String LIBRARY = "META-INF/maven/org.webjars.npm/echarts/pom.properties";

  private ReportPage() {}

  /**
   * What stands around the views.
   *
   * @param title of the window
   * @param style elements of the head
   * @param links more links of the navigation
   * @param sections more sections, behind that of the items
   * @param scripts elements at the end
   */
  public record Frame(String title, String style, String links, String sections, String scripts) {}

  /**
   * The whole report.
   *
   * @throws IOException where a part of it is not on the class path
   */
  static String html(ReportData data) throws IOException {
    return html(
        new Frame(
            "sidstream report",
            "<style>" + style() + "</style>",
            "",
            "",
            "<script>"
                + inScript(library())
                + "</script>\n<script type=\"application/json\" id=\"data\">"
                + json(data)
                + "</script>\n<script>"
                + inScript(program())
                + "</script>\n<script>"
                + inScript(own("report.js"))
                + "</script>"));
  }

  /**
   * The views in a frame.
   *
   * @throws IOException where a part is not on the class path
   */
  public static String html(Frame frame) throws IOException {
    return own("page.html")
        .replace("{{title}}", frame.title)
        .replace("{{style}}", frame.style)
        .replace("{{links}}", frame.links)
        .replace("{{sections}}", frame.sections)
        // Last: what items are called is nobody's template.
        .replace("{{scripts}}", frame.scripts);
  }

  /** The style of the views. */
  public static String style() throws IOException {
    return own("page.css");
  }

  /** The program of the views, which shows nothing by itself. */
  public static String program() throws IOException {
    return own("page.js");
  }

  /** As the content of a script element, which a text in it cannot end. */
  private static String json(ReportData data) {
    try {
      return new ObjectMapper()
          .writeValueAsString(data)
          .replace("<", "\\u003c")
          .replace("\u2028", "\\u2028")
          .replace("\u2029", "\\u2029");
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String inScript(String program) {
    return program.replace("</script", "<\\/script");
  }

  /** The charting library. */
  public static String library() throws IOException {
    Properties about = new Properties();
    try (InputStream in = ReportPage.class.getClassLoader().getResourceAsStream(LIBRARY)) {
      if (in == null) {
        throw new IOException(
            "the charting library (org.webjars.npm:echarts) is not on the class path");
      }
      about.load(in);
    }
    return read(
        "/META-INF/resources/webjars/echarts/"
            + about.getProperty("version")
            + "/dist/echarts.min.js");
  }

  private static String own(String name) throws IOException {
    return read("/io/sidstream/cli/report/" + name);
  }

  private static String read(String resource) throws IOException {
    try (InputStream in = ReportPage.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IOException("resource " + resource + " is not on the class path");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
