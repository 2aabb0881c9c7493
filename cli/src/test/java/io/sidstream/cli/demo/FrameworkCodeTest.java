package io.sidstream.cli.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.management.ManagementFactory;
import javax.management.ObjectName;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class FrameworkCodeTest {
  @AfterEach
  void forgetDirectives() throws Exception {
    diagnostic("compilerDirectivesClear");
  }

  @Test
  void theJvmTakesTheDirectives() throws Exception {
    assertThat(FrameworkCode.compileQuickly()).contains("1 compiler directives added");
    String all = String.valueOf(diagnostic("compilerDirectivesPrint"));
    assertThat(all).contains("org/apache/*.*").doesNotContain("io/sidstream");
  }

  private static Object diagnostic(String operation) throws Exception {
    return ManagementFactory.getPlatformMBeanServer()
        .invoke(
            new ObjectName("com.sun.management:type=DiagnosticCommand"),
            operation,
            new Object[0],
            new String[0]);
  }
}
