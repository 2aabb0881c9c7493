package io.sidstream.client;

/** The table cannot be read, or is not what its COMMIT record says; the message names what. */
public final class TokenTableException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  TokenTableException(String message) {
    super(message);
  }

  TokenTableException(String message, Throwable cause) {
    super(message, cause);
  }
}
