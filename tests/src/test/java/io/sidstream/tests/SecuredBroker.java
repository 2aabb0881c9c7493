package io.sidstream.tests;

import io.sidstream.cli.kafka.EmbeddedKafka;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;

/**
 * A broker with a listener that asks who one is (SASL_SSL with SCRAM-SHA-512) and, by ACLs, what
 * one may; and a plain one, on which anybody may everything, for the test's own needs.
 */
final class SecuredBroker implements AutoCloseable {
  private static final String KEYSTORE_PASSWORD = "broker-store";

  private final EmbeddedKafka kafka;
  private final String secured;
  private final KeyStore keys;
  private final Admin admin;

  private SecuredBroker(EmbeddedKafka kafka, String secured, KeyStore keys) {
    this.kafka = kafka;
    this.secured = secured;
    this.keys = keys;
    this.admin = Admin.create(Map.of("bootstrap.servers", kafka.bootstrap()));
  }

  static SecuredBroker start(Path folder) throws Exception {
    Files.createDirectories(folder);
    Path store = folder.resolve("broker.p12");
    keytool(
        "-genkeypair -alias broker -keyalg RSA -keysize 2048 -validity 2 -storetype PKCS12 -dname CN=localhost -ext san=dns:localhost -keystore",
        store);
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, KEYSTORE_PASSWORD.toCharArray());
    }
    int port;
    try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    String listener = "SECURE://localhost:" + port;
    EmbeddedKafka kafka =
        EmbeddedKafka.start(
            folder.resolve("kafka"),
            Map.ofEntries(
                Map.entry("listeners", listener),
                Map.entry("advertised.listeners", listener),
                Map.entry("listener.security.protocol.map", "SECURE:SASL_SSL"),
                Map.entry("listener.name.secure.sasl.enabled.mechanisms", "SCRAM-SHA-512"),
                Map.entry(
                    "listener.name.secure.scram-sha-512.sasl.jaas.config",
                    "org.apache.kafka.common.security.scram.ScramLoginModule required;"),
                Map.entry("ssl.keystore.location", store.toString()),
                Map.entry("ssl.keystore.type", "PKCS12"),
                Map.entry("ssl.keystore.password", KEYSTORE_PASSWORD),
                Map.entry("ssl.key.password", KEYSTORE_PASSWORD),
                Map.entry(
                    "authorizer.class.name",
                    "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
                Map.entry("super.users", "User:ANONYMOUS")));
    return new SecuredBroker(kafka, "localhost:" + port, keys);
  }

  private static void keytool(String arguments, Path store) throws Exception {
    List<String> command =
        new java.util.ArrayList<>(
            List.of(Path.of(System.getProperty("java.home"), "bin", "keytool").toString()));
    command.addAll(List.of(arguments.split(" ")));
    command.addAll(
        List.of(store.toString(), "-storepass", KEYSTORE_PASSWORD, "-keypass", KEYSTORE_PASSWORD));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String said = new String(process.getInputStream().readAllBytes());
    if (!process.waitFor(60, TimeUnit.SECONDS) || process.exitValue() != 0) {
      throw new IllegalStateException("keytool: " + said);
    }
  }

  /** Address that asks for a login. */
  String secured() {
    return secured;
  }

  /** Address that asks for nothing. */
  String plain() {
    return kafka.bootstrap();
  }

  Admin admin() {
    return admin;
  }

  /** The broker's certificate, PEM. */
  String certificate() throws Exception {
    return pem("CERTIFICATE", keys.getCertificate("broker").getEncoded());
  }

  /** A private key, PEM. */
  String privateKey() throws Exception {
    return pem("PRIVATE KEY", keys.getKey("broker", KEYSTORE_PASSWORD.toCharArray()).getEncoded());
  }

  private static String pem(String what, byte[] der) {
    String body = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(der);
    return "-----BEGIN " + what + "-----\n" + body + "\n-----END " + what + "-----\n";
  }

  /** Makes a user, or changes the password. */
  void user(String name, String password) throws Exception {
    admin
        .alterUserScramCredentials(
            List.of(
                new UserScramCredentialUpsertion(
                    name, new ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), password)))
        .all()
        .get();
  }

  void allow(Collection<AclBinding> rights) throws Exception {
    admin.createAcls(rights).all().get();
  }

  void withdraw(AclBinding right) throws Exception {
    admin.deleteAcls(List.of(right.toFilter())).all().get();
  }

  static AclBinding right(
      String user, AclOperation operation, ResourceType type, PatternType pattern, String name) {
    return new AclBinding(
        new ResourcePattern(type, name, pattern),
        new AccessControlEntry("User:" + user, "*", operation, AclPermissionType.ALLOW));
  }

  /** A login line. */
  static String jaas(String user, String password) {
    return "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"%s\" password=\"%s\";"
        .formatted(user, password);
  }

  /** What a client of the secured listener needs, with the password as it is. */
  Properties client(String user, String password) throws Exception {
    Properties p = new Properties();
    p.setProperty("security.protocol", "SASL_SSL");
    p.setProperty("sasl.mechanism", "SCRAM-SHA-512");
    p.setProperty("sasl.jaas.config", jaas(user, password));
    p.setProperty("ssl.truststore.type", "PEM");
    p.setProperty("ssl.truststore.certificates", certificate());
    return p;
  }

  @Override
  public void close() {
    admin.close();
    kafka.close();
  }
}
