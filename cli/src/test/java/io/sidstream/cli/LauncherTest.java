package io.sidstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher script, with a JVM that only says how it was called. */
class LauncherTest {
  @TempDir Path folder;

  @Test
  void identifiersAndFileNamesAreUtf8UnderEveryLocale() throws Exception {
    for (String locale : new String[] {"C", "POSIX", "de_DE.ISO-8859-1", "C.UTF-8"}) {
      String said = launch(locale, "tokens", "get", "A1");
      assertThat(said).as(locale).contains("locale C.UTF-8");
      assertThat(said).as(locale).contains("-Dfile.encoding=UTF-8");
      assertThat(said).as(locale).contains("io.sidstream.cli.main.Main tokens get A1");
    }
  }

  /** The real JVM: what it takes a file's name for depends on the locale that it starts under. */
  @Test
  void aFileOfAnyNameIsWrittenUnderTheLocaleC() throws Exception {
    // As an unpacked distribution: the launcher beside its lib.
    Path launcher = folder.resolve("sidstream");
    Files.copy(Path.of("..", "sidstream"), launcher, StandardCopyOption.COPY_ATTRIBUTES);
    Manifest classPath = new Manifest();
    classPath.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    classPath
        .getMainAttributes()
        .put(
            Attributes.Name.CLASS_PATH,
            Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(entry -> Path.of(entry).toUri().toASCIIString())
                .collect(Collectors.joining(" ")));
    Path lib = Files.createDirectories(folder.resolve("lib"));
    new JarOutputStream(Files.newOutputStream(lib.resolve("all.jar")), classPath).close();
    Path script =
        Files.writeString(
            folder.resolve("run"),
            "name=$'gr\\xc3\\xb6\\xc3\\x9fe.yaml'\n./sidstream init --out \"$name\" && test -s \"$name\"\n");
    ProcessBuilder builder =
        new ProcessBuilder("bash", script.toString())
            .directory(folder.toFile())
            .redirectErrorStream(true);
    builder.environment().put("LC_ALL", "C");
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(said).contains("gr\u00f6\u00dfe.yaml: ");
    assertThat(process.exitValue()).as(said).isZero();
  }

  private String launch(String locale, String... args) throws IOException, InterruptedException {
    Path bin = Files.createDirectories(folder.resolve("jdk").resolve("bin"));
    Path java = bin.resolve("java");
    Files.writeString(
        java,
        """
        #!/bin/sh
        if [ "$1" = -XshowSettings:properties ]; then
          echo '    java.specification.version = 17' >&2
        else
          echo "locale $LC_ALL"
          echo "$@"
        fi
        """);
    Files.setPosixFilePermissions(java, PosixFilePermissions.fromString("rwxr-xr-x"));
    String[] command = new String[args.length + 1];
    command[0] = Path.of("..", "sidstream").toAbsolutePath().normalize().toString();
    System.arraycopy(args, 0, command, 1, args.length);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    Map<String, String> environment = builder.environment();
    environment.put("LC_ALL", locale);
    environment.put("JAVA_HOME", folder.resolve("jdk").toString());
    environment.put("SIDSTREAM_NO_BUILD", "1");
    Process process = builder.start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
    return said;
  }
}
