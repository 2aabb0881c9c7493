package io.sidstream.cli.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.sidstream.cli.CommandRun;
import io.sidstream.cli.browser.Chromium;
import io.sidstream.cli.kafka.EmbeddedKafka;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The report in a real browser, where there is one (chromium on the path). Screenshots go to {@code
 * target/screenshots}.
 */
class ReportBrowserITCase {
  /** Uses the page as a person does, and writes what there is to see into its title. */
  private static final String VISITOR =
      """
      <script>
      window.problems = [];
      addEventListener('error', (e) => window.problems.push(e.message));
      addEventListener('load', () => setTimeout(() => {
        const said = {};
        const text = (selector) => [...document.querySelectorAll(selector)].map((e) => e.textContent);
        said.charts = document.querySelectorAll('canvas').length;
        said.facts = text('#facts dd').join('|');
        const node = document.querySelector('#browse details');
        node.querySelector('summary').click();
        setTimeout(() => {
          said.opened = node.querySelectorAll('details, button').length;
          const input = document.getElementById('search');
          input.value = 'kettle';
          input.dispatchEvent(new Event('input'));
          setTimeout(() => {
            said.found = document.getElementById('found').textContent;
            document.querySelector('#browse button').click();
            input.value = '12-';
            input.dispatchEvent(new Event('input'));
            setTimeout(() => {
              said.item = text('#item h3').join('|');
              said.prefix = text('#browse .code').every((t) => t.startsWith('12-'));
              said.injected = document.querySelectorAll('#browse b, #item b').length;
              said.wide = document.documentElement.scrollWidth > innerWidth;
              said.problems = window.problems;
              document.title = JSON.stringify(said);
            }, 400);
          }, 400);
        }, 200);
      }, 300));
      </script>
      """;

  @TempDir Path folder;

  @Test
  void peopleCanBrowseSearchAndOpen() throws Exception {
    String browser = Chromium.find();
    assumeTrue(browser != null, "no chromium on the path");
    Path html = folder.resolve("report.html");
    try (EmbeddedKafka kafka = EmbeddedKafka.start(folder.resolve("kafka"))) {
      Catalogue.write(kafka.bootstrap(), "c.");
      CommandRun run =
          CommandRun.of("report", "--bootstrap", kafka.bootstrap(), "--prefix", "c.", "-o", html);
      assertThat(run.code()).as(run.err()).isZero();
    }
    Path visited = folder.resolve("visited.html");
    Files.writeString(visited, Files.readString(html).replace("<header>", VISITOR + "<header>"));
    String dom = run(browser, "--window-size=390,844", "--dump-dom", visited.toUri().toString());
    String said = dom.substring(dom.indexOf("<title>") + 7, dom.indexOf("</title>"));
    assertThat(said)
        .contains("\"problems\":[]")
        .contains("\"charts\":9")
        .contains("\"facts\":\"2|400|40|0.630|92.5 %|5.00 %|1|1\"")
        .contains("\"prefix\":true")
        .contains("\"injected\":0")
        .contains("\"wide\":false");
    assertThat(said)
        .containsPattern("\"opened\":[1-9]")
        .containsPattern("\"found\":\"[1-9]\\d* items");
    assertThat(said)
        .containsPattern("\"item\":\"A \\w+ kettle no\\. \\d+\\|\\d+-\\d+: \\d+ other item");

    Path shots = Files.createDirectories(Path.of("target", "screenshots"));
    for (String[] shot :
        new String[][] {
          {"report-light.png", "1200,4200", "false"},
          {"report-dark.png", "1200,4200", "true"},
          {"report-phone.png", "390,5200", "false"}
        }) {
      Path png = shots.resolve(shot[0]).toAbsolutePath();
      Files.deleteIfExists(png);
      List<String> options =
          new ArrayList<>(List.of("--screenshot=" + png, "--window-size=" + shot[1]));
      if (shot[2].equals("true")) {
        options.add("--blink-settings=preferredColorScheme=0");
      }
      options.add(html.toUri().toString());
      run(browser, options.toArray(new String[0]));
      assertThat(png).isNotEmptyFile();
    }
    nothingKeepsPeopleOut(browser, html);
  }

  private void nothingKeepsPeopleOut(String browser, Path html) throws Exception {
    try (Chromium chromium = Chromium.start(browser, folder)) {
      chromium.open(html.toUri().toString());
      for (boolean dark : new boolean[] {false, true}) {
        for (int width : new int[] {1200, 390}) {
          chromium.screen(width, 844, dark);
          chromium.evaluate("document.querySelector('#browse details').open = true");
          assertThat(chromium.faults()).as("axe, dark %s, width %d", dark, width).isEmpty();
        }
      }
      assertThat(chromium.problems()).isEmpty();
    }
  }

  private String run(String browser, String... options) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(browser);
    command.addAll(Chromium.OPTIONS);
    command.add("--virtual-time-budget=12000");
    command.add("--user-data-dir=" + Files.createTempDirectory(folder, "browser"));
    command.addAll(List.of(options));
    Path out = Files.createTempFile(folder, "out", ".html");
    Process process =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (!process.waitFor(120, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IllegalStateException("the browser does not end");
    }
    return Files.readString(out, StandardCharsets.UTF_8);
  }
}
