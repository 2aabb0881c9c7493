package io.sidstream.job.config;

import java.util.function.Function;
import java.util.function.Predicate;
import org.apache.flink.configuration.ConfigOption;

/**
 * A key of the configuration and what may stand in it.
 *
 * @param option Flink's option: key, type, default and description
 * @param parse text to value; throws any RuntimeException where the text is not of the type
 * @param show value to text, such that parsing the text gives the value again
 * @param inRange whether a value is allowed
 * @param allowed what is allowed, for a person, such as {@code an integer from 1 to 65536}
 */
record Setting<T>(
    ConfigOption<T> option,
    Function<String, T> parse,
    Function<T, String> show,
    Predicate<T> inRange,
    String allowed) {

  /**
   * Reads a value.
   *
   * @param shown what a message may show of the text
   * @throws ConfigException where the text is not of the type or out of range
   */
  T read(String text, String shown) {
    T value;
    try {
      value = parse.apply(text.trim());
    } catch (RuntimeException e) {
      throw refuse(shown);
    }
    if (!inRange.test(value)) {
      throw refuse(shown);
    }
    return value;
  }

  private ConfigException refuse(String shown) {
    return new ConfigException(option.key() + " is '" + shown + "'; allowed: " + allowed);
  }
}
