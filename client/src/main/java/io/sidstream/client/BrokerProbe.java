package io.sidstream.client;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.CommonClientConfigs;

/**
 * Asks the addresses of {@code bootstrap.servers} one question each, so that a person is told
 * within seconds what is wrong. Kafka's own clients only time out, and one that speaks plainly to a
 * TLS listener takes the alert for the length of an answer and allocates hundreds of megabytes for
 * it.
 */
public final class BrokerProbe {
  private static final int TLS_ALERT = 0x15;
  private static final int TLS_HANDSHAKE = 0x16;

  /** No answer to ApiVersions is longer. */
  private static final int LONGEST = 1 << 20;

  private BrokerProbe() {}

  /**
   * What was found.
   *
   * @param state whether the brokers can be used
   * @param message for a person: address, what is wrong and the cure; empty where nothing is
   */
  public record Finding(State state, String message) {}

  /** Whether brokers can be used. */
  public enum State {
    /** One of the addresses answers as a broker does. */
    ANSWERS,
    /** None can be reached; that may pass. */
    UNREACHABLE,
    /** What answers is no broker for these properties: waiting will not help. */
    OTHER_PROTOCOL
  }

  /**
   * Asks until one address answers.
   *
   * @param bootstrap host:port, several parted by commas
   * @param properties of the Kafka client; with a security protocol over TLS only the connection is
   *     tried
   * @param timeout for all addresses together
   */
  public static Finding ask(String bootstrap, Properties properties, Duration timeout) {
    String protocol =
        String.valueOf(
            properties.getOrDefault(CommonClientConfigs.SECURITY_PROTOCOL_CONFIG, "PLAINTEXT"));
    boolean plain = !protocol.toUpperCase(java.util.Locale.ROOT).contains("SSL");
    List<String> addresses =
        java.util.Arrays.stream(bootstrap.split(","))
            .map(String::strip)
            .filter(a -> !a.isEmpty())
            .toList();
    if (addresses.isEmpty()) {
      return new Finding(State.OTHER_PROTOCOL, "no broker is named: expected HOST:PORT");
    }
    int millis = (int) Math.max(200, timeout.toMillis() / addresses.size());
    List<String> failures = new ArrayList<>();
    boolean other = false;
    for (String address : addresses) {
      try {
        ask(address, plain, millis);
        return new Finding(State.ANSWERS, "");
      } catch (WrongProtocol e) {
        other = true;
        failures.add(address + " " + e.getMessage());
      } catch (IOException e) {
        failures.add(address + " " + reason(e, millis));
      }
    }
    return new Finding(
        other ? State.OTHER_PROTOCOL : State.UNREACHABLE, "broker " + String.join("; ", failures));
  }

  private static String reason(IOException e, int millis) {
    if (e instanceof UnknownHostException) {
      return "is not known: check the host's name";
    }
    if (e instanceof SocketTimeoutException) {
      return "does not answer for %.1f s: check host and port, and firewalls between"
          .formatted(millis / 1000.0);
    }
    if (e instanceof ConnectException) {
      return "refuses the connection: is a broker running there?";
    }
    return "cannot be asked: " + e.getMessage();
  }

  private static void ask(String address, boolean plain, int millis) throws IOException {
    int at = address.lastIndexOf(':');
    int port;
    try {
      port = Integer.parseInt(address.substring(at + 1));
    } catch (NumberFormatException e) {
      port = -1;
    }
    if (at < 1 || port < 1 || port > 65535) {
      throw new WrongProtocol("is no address: expected HOST:PORT");
    }
    String host = address.substring(0, at);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    }
    // A host may have several addresses, one of which nothing listens on.
    IOException last = null;
    InetAddress[] all = InetAddress.getAllByName(host);
    for (InetAddress one : all) {
      try (Socket socket = new Socket()) {
        int each = Math.max(200, millis / all.length);
        socket.connect(new InetSocketAddress(one, port), each);
        if (plain) {
          socket.setSoTimeout(each);
          socket.getOutputStream().write(apiVersions());
          answer(socket.getInputStream());
        }
        return;
      } catch (WrongProtocol e) {
        throw e;
      } catch (IOException e) {
        last = e;
      }
    }
    throw last;
  }

  /** ApiVersions of version 0, which every broker answers, before any authentication. */
  private static byte[] apiVersions() {
    return ByteBuffer.allocate(14)
        .putInt(10)
        .putShort((short) 18)
        .putShort((short) 0)
        .putInt(1)
        .putShort((short) -1)
        .array();
  }

  private static void answer(InputStream in) throws IOException {
    byte[] head;
    try {
      head = in.readNBytes(4);
    } catch (java.net.SocketException e) {
      head = new byte[0];
    }
    if (head.length == 0) {
      throw new EOFException(
          "it closes the connection at the first question: is it a TLS listener? set security.protocol=SSL (or SASL_SSL)");
    }
    if (head.length > 1 && (head[0] == TLS_ALERT || head[0] == TLS_HANDSHAKE) && head[1] == 3) {
      throw new WrongProtocol("speaks TLS: set security.protocol=SSL (or SASL_SSL)");
    }
    if (head.length < 4) {
      throw new EOFException("it ends in the middle of its answer");
    }
    int length = ByteBuffer.wrap(head).getInt();
    if (length < 6 || length > LONGEST) {
      String text = new String(head, java.nio.charset.StandardCharsets.ISO_8859_1);
      throw new WrongProtocol(
          text.startsWith("HTTP")
              ? "speaks HTTP: it is no Kafka broker"
              : "does not speak Kafka's protocol: check the port");
    }
  }

  /** Something else than a broker answers. */
  private static final class WrongProtocol extends IOException {
    private static final long serialVersionUID = 1L;

    WrongProtocol(String message) {
      super(message);
    }
  }
}
