package io.sidstream.client;

import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.common.config.AbstractConfig;
import org.apache.kafka.common.config.ConfigDef;
import org.apache.kafka.common.config.SslConfigs;
import org.apache.kafka.common.security.ssl.DefaultSslEngineFactory;

/**
 * Names the property of a Kafka client whose key or certificate cannot be used. Kafka itself says
 * what its parser says ("Empty input"), not of which of them.
 */
final class TlsSettings {
  private static final String CERTIFICATE =
      "; expected: certificates in PEM, -----BEGIN CERTIFICATE----- to -----END CERTIFICATE-----";

  private TlsSettings() {}

  /**
   * What is wrong, for a person; empty where nothing is. No key and no password is in it.
   *
   * @param properties of a client whose security protocol is one over TLS
   */
  static String fault(Properties properties) {
    Map<String, Object> all;
    try {
      ConfigDef ssl = new ConfigDef();
      SslConfigs.addClientSslSupport(ssl);
      all = new HashMap<>(new AbstractConfig(ssl, properties, false).values());
    } catch (RuntimeException e) {
      // A reference to nothing, or no value of its kind: Kafka's own message names the key.
      return root(e);
    }
    if (all.get(SslConfigs.SSL_ENGINE_FACTORY_CLASS_CONFIG) != null) {
      return "";
    }
    String why = trouble(all, "ssl.truststore.");
    if (!why.isEmpty()) {
      return all.get(SslConfigs.SSL_TRUSTSTORE_CERTIFICATES_CONFIG) != null
          ? SslConfigs.SSL_TRUSTSTORE_CERTIFICATES_CONFIG + " cannot be used: " + why + CERTIFICATE
          : file(all, SslConfigs.SSL_TRUSTSTORE_LOCATION_CONFIG, "ssl.truststore", why);
    }
    why = trouble(all, "ssl.key");
    if (why.isEmpty()) {
      return "";
    }
    Object chain = all.get(SslConfigs.SSL_KEYSTORE_CERTIFICATE_CHAIN_CONFIG);
    if (all.get(SslConfigs.SSL_KEYSTORE_KEY_CONFIG) == null && chain == null) {
      return file(all, SslConfigs.SSL_KEYSTORE_LOCATION_CONFIG, "ssl.keystore", why);
    }
    // A chain that could be trusted can be read: then it is the key.
    Map<String, Object> trust = new HashMap<>(all);
    trust.put(SslConfigs.SSL_TRUSTSTORE_TYPE_CONFIG, "PEM");
    trust.put(SslConfigs.SSL_TRUSTSTORE_CERTIFICATES_CONFIG, chain);
    trust.remove(SslConfigs.SSL_TRUSTSTORE_LOCATION_CONFIG);
    trust.remove(SslConfigs.SSL_TRUSTSTORE_PASSWORD_CONFIG);
    String chainWhy = chain == null ? "it is not set" : trouble(trust, "ssl.truststore.");
    return chainWhy.isEmpty()
        ? SslConfigs.SSL_KEYSTORE_KEY_CONFIG
            + " cannot be used: "
            + why
            + "; expected: a private key of PKCS #8 in PEM, -----BEGIN PRIVATE KEY----- to"
            + " -----END PRIVATE KEY-----, or BEGIN ENCRYPTED PRIVATE KEY with ssl.key.password"
        : SslConfigs.SSL_KEYSTORE_CERTIFICATE_CHAIN_CONFIG
            + " cannot be used: "
            + chainWhy
            + CERTIFICATE;
  }

  private static String file(Map<String, Object> all, String location, String what, String why) {
    return "%s %s cannot be used: %s; check the file, %s.type (%s) and %s.password"
        .formatted(location, all.get(location), why, what, all.get(what + ".type"), what);
  }

  /** What Kafka says of the settings whose names begin so, and of no other key or certificate. */
  private static String trouble(Map<String, Object> all, String begin) {
    Map<String, Object> some = new HashMap<>(all);
    some.keySet()
        .removeIf(
            key ->
                (key.startsWith("ssl.key") || key.startsWith("ssl.truststore."))
                    && !key.startsWith(begin)
                    && !key.endsWith(".type")
                    && !key.endsWith(".algorithm"));
    try (DefaultSslEngineFactory factory = new DefaultSslEngineFactory()) {
      factory.configure(some);
      return "";
    } catch (RuntimeException e) {
      return root(e);
    }
  }

  private static String root(Throwable failure) {
    Throwable at = failure;
    while (at.getCause() != null) {
      at = at.getCause();
    }
    String message = at.getMessage();
    // Java's parser of keys says so where the text ends too early.
    boolean says = message != null && !message.isBlank() && !message.endsWith(": null");
    String kind = at.getClass().getSimpleName();
    return says && at instanceof java.nio.file.FileSystemException
        ? kind + ": " + message
        : says ? message : kind;
  }
}
