package io.sidstream.cli.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sidstream.cli.CommandRun;
import io.sidstream.client.TokenTable;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clients whose security protocol is not the listener's are told so within ten seconds. */
class ListenersITCase {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final String PASSWORD = "broker-store";

  @TempDir static Path folder;
  private static EmbeddedKafka kafka;
  private static Path items;
  private static String tls;
  private static String login;
  private static String tlsLogin;

  @BeforeAll
  static void start() throws Exception {
    items = Files.writeString(folder.resolve("a.jsonl"), "{\"item\":\"A\",\"text\":\"x\"}\n");
    Path store = folder.resolve("broker.p12");
    keytool(store);
    tls = "localhost:" + free();
    login = "localhost:" + free();
    tlsLogin = "localhost:" + free();
    String listeners = "TLS://%s,LOGIN://%s,BOTH://%s".formatted(tls, login, tlsLogin);
    String jaas = "org.apache.kafka.common.security.scram.ScramLoginModule required;";
    kafka =
        EmbeddedKafka.start(
            folder.resolve("kafka"),
            Map.ofEntries(
                Map.entry("listeners", listeners),
                Map.entry("advertised.listeners", listeners),
                Map.entry(
                    "listener.security.protocol.map", "TLS:SSL,LOGIN:SASL_PLAINTEXT,BOTH:SASL_SSL"),
                Map.entry("sasl.enabled.mechanisms", "SCRAM-SHA-512"),
                Map.entry("listener.name.login.scram-sha-512.sasl.jaas.config", jaas),
                Map.entry("listener.name.both.scram-sha-512.sasl.jaas.config", jaas),
                Map.entry("ssl.keystore.location", store.toString()),
                Map.entry("ssl.keystore.type", "PKCS12"),
                Map.entry("ssl.keystore.password", PASSWORD),
                Map.entry("ssl.key.password", PASSWORD)));
  }

  private static void keytool(Path store) throws Exception {
    List<String> command =
        new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "keytool") + ""));
    command.addAll(
        Arrays.asList(
            "-genkeypair -alias broker -keyalg RSA -validity 2 -storetype PKCS12 -dname CN=localhost -ext san=dns:localhost"
                .split(" ")));
    command.addAll(
        List.of("-keystore", store.toString(), "-storepass", PASSWORD, "-keypass", PASSWORD));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
  }

  private static int free() throws IOException {
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return free.getLocalPort();
    }
  }

  @AfterAll
  static void stop() {
    kafka.close();
  }

  @Test
  void everyCommandSaysThatAListenerSpeaksTls() {
    String message = "broker " + tls + " speaks TLS: set security.protocol=SSL";
    told(message, "status", "--bootstrap", tls);
    told(message, "tokens", "verify", "--bootstrap", tls);
    told(message, "tokens", "get", "A", "--bootstrap", tls);
    told(message, "explain", "A", "--bootstrap", tls);
    told(message, "load", "items", items, "--bootstrap", tls);
    told(message, "recommend", "--history", "A", "--bootstrap", tls);
    told(message, "report", "-o", folder.resolve("r.html"), "--bootstrap", tls);
    told(message, "job", "--bootstrap", tls, "--state", folder.resolve("state"));
  }

  @Test
  void aTableSaysThatAListenerSpeaksTlsOrAsksForALogin() throws Exception {
    for (String address : List.of(tls, login)) {
      String message =
          "broker " + address + (address.equals(tls) ? " speaks TLS" : " asks for a login");
      long began = System.nanoTime();
      try (TokenTable table = TokenTable.builder(address).open()) {
        assertThatThrownBy(() -> table.await(1, Duration.ofSeconds(60)))
            .hasMessageContaining(message);
      }
      assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(PATIENCE);
    }
  }

  @Test
  void saysThatAListenerAsksForALogin() {
    told(
        "broker " + login + " asks for a login (by SCRAM-SHA-512): set security.protocol",
        "status",
        "--bootstrap",
        login);
    // Behind TLS nothing can be asked without keys; here the client trusts the broker.
    told(
        "does it ask for a login (SASL_SSL)",
        "status",
        "--bootstrap",
        tlsLogin,
        "--kafka",
        "security.protocol=SSL",
        "--kafka",
        "ssl.truststore.location=" + folder.resolve("broker.p12"),
        "--kafka",
        "ssl.truststore.password=" + PASSWORD);
  }

  @Test
  void saysThatAListenerSpeaksNoTlsOrAsksForNoLogin() {
    told(
        "is it a listener without TLS? set security.protocol=PLAINTEXT",
        "status",
        "--bootstrap",
        kafka.bootstrap(),
        "--kafka",
        "security.protocol=SSL");
    told(
        "asks for no login: set security.protocol=PLAINTEXT",
        "status",
        "--bootstrap",
        kafka.bootstrap(),
        "--kafka",
        "security.protocol=SASL_PLAINTEXT");
  }

  @Test
  void saysThatTheBrokerIsNotTrusted() {
    told(
        "broker " + tls + " and this client do not agree on TLS: check ssl.truststore.*",
        "status",
        "--bootstrap",
        tls,
        "--kafka",
        "security.protocol=SSL");
  }

  private static void told(String message, Object... command) {
    long began = System.nanoTime();
    CommandRun run = CommandRun.of(command);
    assertThat(run.err()).contains(message);
    assertThat(run.code()).isEqualTo(1);
    assertThat(Duration.ofNanos(System.nanoTime() - began)).isLessThan(PATIENCE);
  }
}
