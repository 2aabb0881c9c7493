package io.sidstream.cli.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Properties;

/**
 * The report as one HTML file that needs nothing else: style, program, charting library and data.
 */
final class ReportPage {
  private static final String LIBRARY = "META-INF/maven/org.webjars.npm/echarts/pom.properties";

  private ReportPage() {}

  /**
   * The whole page.
   *
   * @throws IOException where a part of it is not on the class path
   */
  static String html(ReportData data) throws IOException {
    return own("page.html")
        .replace("{{style}}", own("page.css"))
        .replace("{{library}}", inScript(library()))
        .replace("{{program}}", inScript(own("page.js")))
        // Last: what items are called is nobody's template.
        .replace("{{data}}", json(data));
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

  private static String library() throws IOException {
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
