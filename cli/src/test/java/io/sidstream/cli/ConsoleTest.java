package io.sidstream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.apache.logging.log4j.core.LoggerContext;
import org.apache.logging.log4j.core.appender.RollingFileAppender;
import org.apache.logging.log4j.core.config.Configurator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConsoleTest {
  @TempDir Path folder;

  @AfterEach
  void back() {
    for (String name : new String[] {"sidstream.log", "sidstream.log.rolled", "log.file"}) {
      System.clearProperty(name);
    }
    Configurator.reconfigure();
  }

  @Test
  void theLogGoesToAFolderOfAnyName() throws Exception {
    for (String name : new String[] {"plain", "50 % \u00f6 #x", "a%20b", "100%", "%d{yyyy}%i"}) {
      Path log = folder.resolve(name).resolve("sidstream.log");
      Console.logTo(log);
      LoggerContext context =
          new LoggerContext("test", null, Console.class.getResource("/log4j2.properties").toURI());
      try {
        context.start();
        RollingFileAppender file = context.getConfiguration().getAppender("file");
        assertThat(file.getFileName()).isEqualTo(log.toString());
        StringBuilder rolled = new StringBuilder();
        file.getManager()
            .getPatternProcessor()
            .formatFileName(context.getConfiguration().getStrSubstitutor(), rolled, 1);
        assertThat(rolled.toString()).isEqualTo(log + ".1");
      } finally {
        context.stop();
      }
    }
  }
}
