package io.sidstream.job.config;

/** The configuration cannot be used; the message names the key, its value and what is allowed. */
public final class ConfigException extends IllegalArgumentException {
  /** With what is wrong and what to do. */
  public ConfigException(String message) {
    super(message);
  }

  public ConfigException(String message, Throwable cause) {
    super(message, cause);
  }
}
