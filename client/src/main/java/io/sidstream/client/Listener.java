package io.sidstream.client;

import io.sidstream.client.BrokerProbe.WrongProtocol;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.List;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;

/**
 * What a client of a security protocol asks a listener, to learn whether they speak alike: does it
 * speak TLS, and does it ask for a login. Nothing secret is sent, and no key or certificate is
 * judged.
 */
final class Listener {
  private static final int TLS_ALERT = 0x15;
  private static final int TLS_HANDSHAKE = 0x16;

  /** No answer to these questions is longer. */
  private static final int LONGEST = 1 << 20;

  private static final short API_VERSIONS = 18;
  private static final short SASL_HANDSHAKE = 17;

  /** Error codes of SaslHandshake. */
  private static final int NONE = 0;

  private static final int UNSUPPORTED_SASL_MECHANISM = 33;
  private static final int ILLEGAL_SASL_STATE = 34;

  private final boolean tls;
  private final boolean login;
  private final String mechanism;

  /**
   * The questions of a client.
   *
   * @param protocol its security.protocol, in capitals
   * @param mechanism its sasl.mechanism
   */
  Listener(String protocol, String mechanism) {
    tls = protocol.contains("SSL");
    login = protocol.startsWith("SASL");
    this.mechanism = mechanism;
  }

  /**
   * Asks.
   *
   * @param socket connected, with a timeout
   * @throws WrongProtocol where the listener speaks another protocol; says which and the cure
   * @throws IOException where it does not answer
   */
  void ask(Socket socket, String host, int port) throws IOException {
    if (tls) {
      greet(socket, host, port);
      return;
    }
    socket.getOutputStream().write(request(API_VERSIONS, (short) 0, new byte[0]));
    answer(socket.getInputStream());
    askForLogin(socket);
  }

  /** Sends what opens a TLS connection; the answer of a TLS listener begins in one of two ways. */
  private void greet(Socket socket, String host, int port) throws IOException {
    SSLEngine engine;
    try {
      engine = SSLContext.getDefault().createSSLEngine(host, port);
    } catch (NoSuchAlgorithmException e) {
      throw new IOException("TLS cannot be spoken here: " + e.getMessage(), e);
    }
    engine.setUseClientMode(true);
    ByteBuffer hello = ByteBuffer.allocate(engine.getSession().getPacketBufferSize());
    engine.wrap(ByteBuffer.allocate(0), hello);
    socket.getOutputStream().write(hello.array(), 0, hello.position());
    int first;
    try {
      first = socket.getInputStream().read();
    } catch (SocketException e) {
      first = -1;
    }
    String cure = login ? "SASL_PLAINTEXT" : "PLAINTEXT";
    if (first < 0) {
      // As a broker does that takes the greeting for the length of a request; so does a proxy
      // whose broker is away.
      throw new EOFException(
          "it closes the connection at the TLS greeting: is it a listener without TLS? set"
              + " security.protocol="
              + cure);
    }
    if (first != TLS_HANDSHAKE && first != TLS_ALERT) {
      throw new WrongProtocol("speaks no TLS: set security.protocol=" + cure);
    }
  }

  /**
   * A listener that asks for a login tells so, and by which mechanisms, when it is offered one. The
   * first answer has shown that it is a broker's: what is not understood here is no fault.
   */
  private void askForLogin(Socket socket) throws IOException {
    byte[] offered = mechanism.getBytes(StandardCharsets.UTF_8);
    byte[] body =
        ByteBuffer.allocate(2 + offered.length)
            .putShort((short) offered.length)
            .put(offered)
            .array();
    int error;
    List<String> mechanisms = new ArrayList<>();
    try {
      socket.getOutputStream().write(request(SASL_HANDSHAKE, (short) 1, body));
      ByteBuffer answer = ByteBuffer.wrap(answer(socket.getInputStream()));
      answer.getInt();
      error = answer.getShort();
      for (int left = answer.getInt(); left > 0; left--) {
        byte[] name = new byte[answer.getShort()];
        answer.get(name);
        mechanisms.add(new String(name, StandardCharsets.UTF_8));
      }
    } catch (IOException | RuntimeException e) {
      return;
    }
    if (!login && (error == NONE || error == UNSUPPORTED_SASL_MECHANISM)) {
      throw new WrongProtocol(
          "asks for a login (by "
              + String.join(", ", mechanisms)
              + "): set security.protocol=SASL_PLAINTEXT, sasl.mechanism and sasl.jaas.config");
    }
    if (login && error == ILLEGAL_SASL_STATE) {
      throw new WrongProtocol("asks for no login: set security.protocol=PLAINTEXT");
    }
    if (login && error == UNSUPPORTED_SASL_MECHANISM) {
      throw new WrongProtocol(
          "has no login by "
              + mechanism
              + ": set sasl.mechanism to one of "
              + String.join(", ", mechanisms));
    }
  }

  /** A request with a head of version 1. */
  private static byte[] request(short api, short version, byte[] body) {
    return ByteBuffer.allocate(14 + body.length)
        .putInt(10 + body.length)
        .putShort(api)
        .putShort(version)
        .putInt(1)
        .putShort((short) -1)
        .put(body)
        .array();
  }

  /** The bytes of an answer after its length. */
  private static byte[] answer(InputStream in) throws IOException {
    byte[] head;
    try {
      head = in.readNBytes(4);
    } catch (SocketException e) {
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
      String text = new String(head, StandardCharsets.ISO_8859_1);
      throw new WrongProtocol(
          text.startsWith("HTTP")
              ? "speaks HTTP: it is no Kafka broker"
              : "does not speak Kafka's protocol: check the port");
    }
    try {
      return in.readNBytes(length);
    } catch (SocketTimeoutException e) {
      throw new EOFException("it ends in the middle of its answer");
    }
  }
}
