package io.sidstream.cli;

import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/** Processor time of this process. */
public final class ProcessorTime {
  private ProcessorTime() {}

  /** Of all its threads since it began, ns. */
  public static long nanos() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime();
  }
}
