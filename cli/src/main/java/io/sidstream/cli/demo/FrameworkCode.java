package io.sidstream.cli.demo;

import java.io.IOException;
import java.io.InputStream;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import javax.management.JMException;
import javax.management.ObjectName;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Leaves the code of Flink, Kafka and other libraries to the JVM's quick compiler (C1). A demo runs
 * for minutes, in which C2 would take a third of the processor time to make code better that waits
 * for data most of the time; the model's code is compiled as ever. By compiler directives (JEP
 * 165), which every JVM with C2 has; another one goes on without.
 */
final class FrameworkCode {
  private static final Logger LOG = LoggerFactory.getLogger(FrameworkCode.class);
  private static final String DIRECTIVES = "framework-code.json";

  private FrameworkCode() {}

  /**
   * From here on; what was compiled before stays.
   *
   * @return what the JVM says
   */
  static String compileQuickly() throws IOException {
    Path file = Files.createTempFile("sidstream-", ".json");
    try (InputStream in = FrameworkCode.class.getResourceAsStream(DIRECTIVES)) {
      Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
      Object said =
          ManagementFactory.getPlatformMBeanServer()
              .invoke(
                  new ObjectName("com.sun.management:type=DiagnosticCommand"),
                  "compilerDirectivesAdd",
                  new Object[] {new String[] {file.toString()}},
                  new String[] {String[].class.getName()});
      LOG.info("code of libraries is left to C1: {}", said);
      return String.valueOf(said).strip();
    } catch (JMException e) {
      LOG.info(
          "this JVM takes no compiler directives, so all code is compiled as ever: {}",
          e.toString());
      return "";
    } finally {
      Files.delete(file);
    }
  }
}
