package io.sidstream.job.config;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.flink.configuration.GlobalConfiguration;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.config.ConfigDef;

/**
 * What must not be shown: values of Kafka's own PASSWORD type, of keys that Flink calls sensitive,
 * of keys of object stores that Flink does not, private keys wherever they stand, and what stands
 * between {@code ://} and {@code @}.
 */
public final class Secrets {
  /** What is shown instead. */
  public static final String HIDDEN = GlobalConfiguration.HIDDEN_CONTENT;

  /** Every Kafka client key of type PASSWORD, such as {@code ssl.keystore.key}. */
  private static final Set<String> KAFKA =
      Stream.of(
              ConsumerConfig.configDef(), ProducerConfig.configDef(), AdminClientConfig.configDef())
          .flatMap(def -> def.configKeys().values().stream())
          .filter(key -> key.type == ConfigDef.Type.PASSWORD)
          .map(key -> key.name)
          .collect(Collectors.toUnmodifiableSet());

  /** Parts of names that Flink does not count; it shows {@code s3.access-key}. */
  private static final List<String> MORE =
      List.of(
          "access-key",
          "access.key",
          "accesskey",
          "account.key",
          "account-key",
          "private-key",
          "private.key",
          "privatekey",
          "keystore.key",
          "passphrase",
          "credential",
          "shared-key",
          "sas.");

  /** A private key, or a password in a JAAS line, under whatever key. */
  private static final Pattern TELLING =
      Pattern.compile("-----BEGIN [A-Z ]*PRIVATE KEY|\\b(password|clientSecret)\\s*=");

  /** Options of a JAAS line that are no secrets, and a password that is a reference. */
  private static final Pattern HARMLESS =
      Pattern.compile(
          "\\b(username|principal|keyTab|useKeyTab|storeKey|useTicketCache|serviceName|tokenauth)"
              + "\\s*=\\s*(\"[^\"]*\"|[^\\s;]+)"
              + "|\\bpassword\\s*=\\s*\"?"
              + ConfigReferences.REFERENCE.pattern()
              + "\"?");

  private static final Pattern USER_INFO = Pattern.compile("://[^/@\\s]+@");

  private Secrets() {}

  /**
   * Whether the value of a key is a secret, by the key; the job's own keys hold none.
   *
   * @param key with or without {@code kafka.properties.} or {@code flink.}
   */
  public static boolean isSecret(String key) {
    if (JobOptions.settings().containsKey(key)) {
      // embed.max-tokens is none.
      return false;
    }
    String name = key.toLowerCase(Locale.ROOT);
    // Kafka's listener prefixes stand before its names.
    return GlobalConfiguration.isSensitive(name)
        || MORE.stream().anyMatch(name::contains)
        || KAFKA.stream().anyMatch(k -> name.equals(k) || name.endsWith("." + k));
  }

  /**
   * The value as it may be printed, logged or written. A {@linkplain ConfigReferences reference} is
   * shown as it stands: it says where a secret is, not what it is.
   */
  public static String shown(String key, String value) {
    String text = key.endsWith("jaas.config") ? withoutHarmless(value) : value;
    String rest = ConfigReferences.in(text) ? ConfigReferences.without(text) : text;
    boolean nothingElse = ConfigReferences.in(value) && rest.isBlank();
    if (!nothingElse && (isSecret(key) || TELLING.matcher(rest).find())) {
      return HIDDEN;
    }
    return USER_INFO.matcher(value).replaceAll("://" + HIDDEN + "@");
  }

  /** What a JAAS line has beside its login module, its flag and options that are no secrets. */
  private static String withoutHarmless(String jaas) {
    return HARMLESS
        .matcher(jaas.trim())
        .replaceAll("")
        .replaceFirst("^[\\w.$]+\\s+(required|requisite|sufficient|optional)\\b", "")
        .replace(";", "");
  }
}
