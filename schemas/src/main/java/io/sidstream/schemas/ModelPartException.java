package io.sidstream.schemas;

/** Pieces that are not one part of a model, or bytes that are not the part they say. */
public final class ModelPartException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  ModelPartException(String message) {
    super(message);
  }
}
