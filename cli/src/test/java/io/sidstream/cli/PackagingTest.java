package io.sidstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;
import org.w3c.dom.NodeList;

/** What is handed out: poms, and the launcher of a distribution. */
class PackagingTest {
  private static final Path ROOT = Path.of("").toAbsolutePath().getParent();

  @TempDir private Path folder;

  @Test
  void theBomHasTheVersionOfTheModulesThatItNames() throws Exception {
    Element root = pom(ROOT.resolve("pom.xml"));
    Element bom = pom(ROOT.resolve("bom/pom.xml"));
    assertThat(text(bom, "version")).isEqualTo(text(root, "version"));
    NodeList artifacts =
        ((Element) bom.getElementsByTagName("dependencyManagement").item(0))
            .getElementsByTagName("artifactId");
    assertThat(artifacts.getLength()).isPositive();
    for (int i = 0; i < artifacts.getLength(); i++) {
      String artifact = artifacts.item(i).getTextContent();
      Path module = ROOT.resolve(artifact.replace("sidstream-", "")).resolve("pom.xml");
      assertThat(text(pom(module), "artifactId")).isEqualTo(artifact);
    }
    for (Element pom : List.of(root, bom)) {
      for (String needed : List.of("description", "url", "licenses", "scm")) {
        assertThat(child(pom, needed)).as(needed).isNotNull();
      }
    }
  }

  @Test
  void theLauncherOfADistributionRunsWhatIsInLib() throws Exception {
    Path lib = Files.createDirectories(folder.resolve("lib"));
    int n = 0;
    for (String entry : System.getProperty("java.class.path").split(File.pathSeparator)) {
      Path path = Path.of(entry);
      if (Files.isRegularFile(path)) {
        Files.createSymbolicLink(lib.resolve(n++ + "-" + path.getFileName()), path);
      } else if (Files.isDirectory(path) && !path.endsWith("test-classes")) {
        ToolProvider jar = ToolProvider.findFirst("jar").orElseThrow();
        String file = lib.resolve(n++ + ".jar").toString();
        assertThat(jar.run(System.out, System.err, "-cf", file, "-C", entry, ".")).isZero();
      }
    }
    Path launcher = Files.copy(ROOT.resolve("sidstream"), folder.resolve("sidstream"));
    List<String> command = new ArrayList<>(List.of("bash", launcher.toString(), "--version"));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    builder.environment().remove("SIDSTREAM_NO_BUILD");
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(said).contains("sidstream 0.1.0").doesNotContain("building");
    assertThat(process.exitValue()).isZero();
    // Nothing is made where nothing is built.
    assertThat(folder.resolve("cli")).doesNotExist();
    // JUnit would warn of each.
    try (Stream<Path> links = Files.list(lib)) {
      for (Path link : links.filter(Files::isSymbolicLink).toList()) {
        Files.delete(link);
      }
    }
  }

  private static Element pom(Path file) throws Exception {
    Document document =
        DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile());
    return document.getDocumentElement();
  }

  private static String text(Element parent, String name) {
    return child(parent, name).getTextContent();
  }

  private static Element child(Element parent, String name) {
    for (Node at = parent.getFirstChild(); at != null; at = at.getNextSibling()) {
      if (at instanceof Element element && element.getTagName().equals(name)) {
        return element;
      }
    }
    return null;
  }
}
