package io.sidstream.client;

import static org.assertj.core.api.Assertions.assertThat;

import io.sidstream.client.BrokerProbe.State;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.time.Duration;
import java.util.Properties;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.Test;

class BrokerProbeTest {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  @Test
  void tellsATlsListenerFromASilentOne() throws Exception {
    try (ServerSocket tls =
        SSLContext.getDefault()
            .getServerSocketFactory()
            .createServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      Thread server =
          new Thread(
              () -> {
                try (Socket socket = tls.accept()) {
                  socket.getInputStream().read();
                } catch (IOException e) {
                  // What was read is no handshake: the alert is sent by then.
                }
              });
      server.start();
      BrokerProbe.Finding found = ask("localhost:" + tls.getLocalPort());
      assertThat(found.state()).isEqualTo(State.OTHER_PROTOCOL);
      assertThat(found.message())
          .contains("localhost:" + tls.getLocalPort())
          .contains("TLS")
          .contains("set security.protocol=SSL");
      server.join();
    }
    try (ServerSocket silent = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      long began = System.nanoTime();
      BrokerProbe.Finding found =
          BrokerProbe.ask(
              "127.0.0.1:" + silent.getLocalPort(), new Properties(), Duration.ofSeconds(1));
      assertThat(found.state()).isEqualTo(State.UNREACHABLE);
      assertThat(found.message()).contains("does not answer for 1.0 s");
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(PATIENCE);
    }
  }

  @Test
  void namesWhatAnswersInsteadOfABroker() throws Exception {
    assertAnswer("HTTP/1.1 400 Bad Request\r\n\r\n", State.OTHER_PROTOCOL, "speaks HTTP");
    assertAnswer("220 mail.example ESMTP\r\n", State.OTHER_PROTOCOL, "does not speak Kafka's");
    assertAnswer("", State.UNREACHABLE, "is it a TLS listener?");
    assertAnswer("\0\0\0\u0006abcdef", State.ANSWERS, "");
  }

  @Test
  void tellsAListenerThatAsksForALoginFromOneThatDoesNot() throws Exception {
    String versions = "\0\0\0\u0006abcdef";
    String asks = versions + "\0\0\0\u0011\0\0\0\u0001\0!\0\0\0\u0001\0\u0005PLAIN";
    String offered = versions + "\0\0\0\u0011\0\0\0\u0001\0\0\0\0\0\u0001\0\u0005PLAIN";
    String none = versions + "\0\0\0\n\0\0\0\u0001\0\"\0\0\0\0";
    assertAnswer(asks, State.OTHER_PROTOCOL, "asks for a login (by PLAIN): set security.protocol");
    assertAnswer(none, State.ANSWERS, "");
    Properties login = new Properties();
    login.put("security.protocol", "sasl_plaintext");
    login.put("sasl.mechanism", "PLAIN");
    assertAnswer(offered, login, State.ANSWERS, "");
    assertAnswer(none, login, State.OTHER_PROTOCOL, "asks for no login");
    login.put("sasl.mechanism", "GSSAPI");
    assertAnswer(
        asks,
        login,
        State.OTHER_PROTOCOL,
        "has no login by GSSAPI: set sasl.mechanism to one of PLAIN");
  }

  @Test
  void tellsAClientOfTlsThatTheListenerDoesNotSpeakIt() throws Exception {
    Properties tls = new Properties();
    tls.put("security.protocol", "SSL");
    assertAnswer("HTTP", tls, State.OTHER_PROTOCOL, "speaks no TLS: set security.protocol");
    assertAnswer("", tls, State.UNREACHABLE, "is it a listener without TLS?");
    assertAnswer("\u0016\u0003\u0003", tls, State.ANSWERS, "");
    assertAnswer("\u0015\u0003\u0003", tls, State.ANSWERS, "");
  }

  @Test
  void namesAddressesThatCannotBeReached() throws Exception {
    int free;
    try (ServerSocket socket = new ServerSocket(0)) {
      free = socket.getLocalPort();
    }
    assertThat(ask("localhost:" + free).message())
        .isEqualTo(
            "broker localhost:" + free + " refuses the connection: is a broker running there?");
    assertThat(ask("localhost:" + free).state()).isEqualTo(State.UNREACHABLE);
    assertThat(ask("no-such-host.invalid:9092").message()).contains("is not known");
    assertThat(ask("localhost").state()).isEqualTo(State.OTHER_PROTOCOL);
    assertThat(ask("localhost").message()).contains("expected HOST:PORT");
    assertThat(ask(",").message()).contains("no broker is named");
    assertThat(ask("localhost:" + free + ",localhost").message())
        .contains("localhost:" + free)
        .contains("; localhost is no address");
  }

  private static void assertAnswer(String answer, State state, String message) throws Exception {
    assertAnswer(answer, new Properties(), state, message);
  }

  private static void assertAnswer(
      String answer, Properties properties, State state, String message) throws Exception {
    try (ServerSocket server = new ServerSocket(0, 5, InetAddress.getLoopbackAddress())) {
      Thread thread =
          new Thread(
              () -> {
                try (Socket socket = server.accept()) {
                  socket.getInputStream().readNBytes(14);
                  socket
                      .getOutputStream()
                      .write(answer.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
                  // Until the client has all it wants: what is unread resets the connection.
                  socket.shutdownOutput();
                  socket.getInputStream().readAllBytes();
                } catch (java.net.SocketException e) {
                  // The client needs no more.
                } catch (IOException e) {
                  throw new java.io.UncheckedIOException(e);
                }
              });
      thread.start();
      BrokerProbe.Finding found =
          BrokerProbe.ask("127.0.0.1:" + server.getLocalPort(), properties, PATIENCE);
      assertThat(found.state()).as(answer).isEqualTo(state);
      assertThat(found.message()).contains(message);
      thread.join();
    }
  }

  private static BrokerProbe.Finding ask(String bootstrap) {
    return BrokerProbe.ask(bootstrap, new Properties(), PATIENCE);
  }
}
