package io.sidstream.job.config;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.kafka.common.config.provider.ConfigProvider;
import org.apache.kafka.common.config.provider.DirectoryConfigProvider;
import org.apache.kafka.common.config.provider.EnvVarConfigProvider;
import org.apache.kafka.common.config.provider.FileConfigProvider;

/**
 * Values that stand elsewhere: {@code ${env:NAME}} is an environment variable, {@code
 * ${file:/path:key}} a line of a properties file, {@code ${dir:/path:name}} a file of a folder, as
 * a Kubernetes secret is mounted.
 *
 * <p>The notation and its readers are Kafka's. A Kafka client resolves its own references where it
 * runs ({@link #enable}), so that a secret is never in a job's graph, nor in what Flink stores of
 * it; every other value is resolved when the configuration is read.
 */
public final class ConfigReferences {
  static final Pattern REFERENCE = Pattern.compile("\\$\\{(env|file|dir):(?:([^}:]*):)?([^}:]*)}");

  private static final String PROVIDERS = "config.providers";

  /** What Kafka calls them, in the order in which they are named to it. */
  private static final Map<String, Class<? extends ConfigProvider>> CLASSES = new LinkedHashMap<>();

  static {
    CLASSES.put("env", EnvVarConfigProvider.class);
    CLASSES.put("file", FileConfigProvider.class);
    CLASSES.put("dir", DirectoryConfigProvider.class);
  }

  private ConfigReferences() {}

  /** Whether a value names another place. */
  public static boolean in(String value) {
    return REFERENCE.matcher(value).find();
  }

  /** What stands beside the references. */
  static String without(String value) {
    return REFERENCE.matcher(value).replaceAll("");
  }

  /**
   * The value with what its references name.
   *
   * @param key whose value it is, for the message
   * @throws ConfigException where there is no such variable, file or line; names key and reference,
   *     never what is there instead
   */
  public static String resolve(String key, String value) {
    Matcher matcher = REFERENCE.matcher(value);
    StringBuilder out = new StringBuilder();
    while (matcher.find()) {
      matcher.appendReplacement(out, Matcher.quoteReplacement(resolve(key, matcher)));
    }
    return matcher.appendTail(out).toString();
  }

  private static String resolve(String key, Matcher reference) {
    String kind = reference.group(1);
    String path = reference.group(2);
    String name = reference.group(3);
    if (kind.equals("env")) {
      String value = path == null ? System.getenv(name) : null;
      if (value == null) {
        throw missing(key, reference, "set the environment variable where this process runs", null);
      }
      return value;
    }
    if (path == null || path.isEmpty()) {
      throw missing(key, reference, "write ${" + kind + ":/absolute/path:key}", null);
    }
    String value;
    try (ConfigProvider provider =
        kind.equals("file") ? new FileConfigProvider() : new DirectoryConfigProvider()) {
      provider.configure(Map.of());
      value = provider.get(path, Set.of(name)).data().get(name);
    } catch (IOException | RuntimeException e) {
      throw missing(key, reference, "it cannot be read", e);
    }
    if (value == null) {
      throw missing(
          key,
          reference,
          Path.of(path).toFile().exists()
              ? "there is no " + name + " in " + path
              : "there is no " + path,
          null);
    }
    return value;
  }

  private static ConfigException missing(
      String key, Matcher reference, String why, Exception cause) {
    return new ConfigException(
        key + " names " + reference.group() + ", which gives nothing: " + why, cause);
  }

  /**
   * Lets a Kafka client resolve references in its properties; where there are none, nothing is
   * added. Providers that the properties name already stay.
   */
  public static void enable(Properties kafka) {
    boolean any = kafka.values().stream().anyMatch(v -> v instanceof String text && in(text));
    if (!any) {
      return;
    }
    List<String> names = new ArrayList<>();
    String given = kafka.getProperty(PROVIDERS, "");
    Arrays.stream(given.split(",")).map(String::trim).filter(n -> !n.isEmpty()).forEach(names::add);
    CLASSES.forEach(
        (name, type) -> {
          if (!names.contains(name)) {
            names.add(name);
            kafka.setProperty(PROVIDERS + "." + name + ".class", type.getName());
          }
        });
    kafka.setProperty(PROVIDERS, String.join(",", names));
  }
}
