package io.sidstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.concurrent.TimeUnit;
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
