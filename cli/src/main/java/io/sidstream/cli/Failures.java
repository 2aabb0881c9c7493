package io.sidstream.cli;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/** Says why something failed. */
final class Failures {
  private Failures() {}

  /**
   * The innermost cause: what a person can act on is there, not in the layers that passed it on.
   */
  static Throwable root(Throwable failure) {
    Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Throwable at = failure;
    while (at.getCause() != null && seen.add(at)) {
      at = at.getCause();
    }
    return at;
  }

  /** One line: what failed, and the innermost cause where it is another. */
  static String describe(Throwable failure) {
    Throwable root = root(failure);
    String top = line(failure);
    return root == failure ? top : top + " (cause: " + line(root) + ")";
  }

  private static String line(Throwable failure) {
    String message = failure.getMessage();
    String name = failure.getClass().getSimpleName();
    if (message == null || message.isBlank()) {
      return name;
    }
    String first = message.lines().findFirst().orElse("");
    // Without a reason, the message of a file system is the path alone.
    boolean speaks =
        failure instanceof FileSystemException file
            ? file.getReason() != null
            : failure instanceof IllegalStateException || failure instanceof IOException;
    return speaks ? first : name + ": " + first;
  }
}
