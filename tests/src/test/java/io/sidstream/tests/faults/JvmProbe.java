package io.sidstream.tests.faults;

import com.sun.tools.attach.AttachNotSupportedException;
import com.sun.tools.attach.VirtualMachine;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryMXBean;
import java.lang.management.PlatformManagedObject;
import java.util.Map;
import java.util.TreeMap;
import javax.management.MBeanServerConnection;
import javax.management.remote.JMXConnector;
import javax.management.remote.JMXConnectorFactory;
import javax.management.remote.JMXServiceURL;

/** Looks into another Java process of this machine: what is left after a collection. */
final class JvmProbe implements AutoCloseable {
  /** No thread that finds out, and says, that the other process was killed. */
  private static final Map<String, Long> UNWATCHED =
      Map.of("jmx.remote.x.client.connection.check.period", 0L);

  private final JMXConnector connector;
  private final MBeanServerConnection beans;

  /**
   * Attaches to it; it must have been up for some seconds, or the signal that asks for it ends it.
   *
   * @throws IOException where it is gone, or does not answer
   */
  JvmProbe(Process process) throws IOException {
    try {
      VirtualMachine machine = VirtualMachine.attach(String.valueOf(process.pid()));
      try {
        connector =
            JMXConnectorFactory.connect(
                new JMXServiceURL(machine.startLocalManagementAgent()), UNWATCHED);
      } finally {
        machine.detach();
      }
    } catch (AttachNotSupportedException e) {
      throw new IOException("process " + process.pid() + " cannot be looked into", e);
    }
    beans = connector.getMBeanServerConnection();
  }

  private <T extends PlatformManagedObject> T bean(Class<T> type) throws IOException {
    return ManagementFactory.getPlatformMXBean(beans, type);
  }

  /** Collects, and tells what is there then: bytes, and numbers of threads and classes. */
  Map<String, Double> collect() throws IOException {
    MemoryMXBean memory = bean(MemoryMXBean.class);
    memory.gc();
    Map<String, Double> found = new TreeMap<>();
    found.put("heap after collection", (double) memory.getHeapMemoryUsage().getUsed());
    found.put("other than heap", (double) memory.getNonHeapMemoryUsage().getUsed());
    double buffers = 0;
    for (BufferPoolMXBean pool :
        ManagementFactory.getPlatformMXBeans(beans, BufferPoolMXBean.class)) {
      buffers += pool.getMemoryUsed();
    }
    found.put("buffers", buffers);
    found.put("threads", (double) bean(java.lang.management.ThreadMXBean.class).getThreadCount());
    found.put(
        "classes",
        (double) bean(java.lang.management.ClassLoadingMXBean.class).getLoadedClassCount());
    return found;
  }

  @Override
  public void close() throws IOException {
    connector.close();
  }
}
