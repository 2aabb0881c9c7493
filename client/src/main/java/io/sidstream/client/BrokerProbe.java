package io.sidstream.client;

import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Properties;
import org.apache.kafka.clients.CommonClientConfigs;
import org.apache.kafka.common.config.SaslConfigs;

/**
 * Asks the addresses of {@code bootstrap.servers} a question or two each, so that a person is told
 * within seconds what is wrong. Kafka's own clients only time out where the listener speaks TLS and
 * they do not, or the reverse, or where it asks for a login that they do not know of; and one that
 * speaks plainly to a TLS listener takes the alert for the length of an answer and allocates
 * hundreds of megabytes for it.
 */
public final class BrokerProbe {
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
   * @param properties of the Kafka client; with a security protocol over TLS the keys and
   *     certificates are looked at, and whether the listener speaks TLS
   * @param timeout for all addresses together
   */
  public static Finding ask(String bootstrap, Properties properties, Duration timeout) {
    String protocol =
        String.valueOf(
                properties.getOrDefault(CommonClientConfigs.SECURITY_PROTOCOL_CONFIG, "PLAINTEXT"))
            .toUpperCase(Locale.ROOT);
    if (protocol.contains("SSL")) {
      String fault = TlsSettings.fault(properties);
      if (!fault.isEmpty()) {
        return new Finding(State.OTHER_PROTOCOL, fault);
      }
    }
    Listener listener =
        new Listener(
            protocol,
            String.valueOf(properties.getOrDefault(SaslConfigs.SASL_MECHANISM, "GSSAPI")));
    List<String> addresses =
        Arrays.stream(bootstrap.split(",")).map(String::strip).filter(a -> !a.isEmpty()).toList();
    if (addresses.isEmpty()) {
      return new Finding(State.OTHER_PROTOCOL, "no broker is named: expected HOST:PORT");
    }
    int millis = (int) Math.max(200, timeout.toMillis() / addresses.size());
    List<String> failures = new ArrayList<>();
    boolean other = false;
    for (String address : addresses) {
      try {
        ask(address, listener, millis);
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

  private static void ask(String address, Listener listener, int millis) throws IOException {
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
        socket.setSoTimeout(each);
        listener.ask(socket, host, port);
        return;
      } catch (WrongProtocol e) {
        throw e;
      } catch (IOException e) {
        last = e;
      }
    }
    throw last;
  }

  /** Something else than a broker answers. */
  static final class WrongProtocol extends IOException {
    private static final long serialVersionUID = 1L;

    WrongProtocol(String message) {
      super(message);
    }
  }
}
