package io.sidstream.cli;

import io.sidstream.job.config.ConfigException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import picocli.CommandLine;
import picocli.CommandLine.IExecutionExceptionHandler;

/** Says why something failed. */
public final class Failures {
  private Failures() {}

  /**
   * What a program does with an exception of its commands: one line to standard error; exit code 2
   * for what was asked for wrongly, else 1.
   *
   * @param program its name, which opens the line
   * @param verbose whether the stack trace is printed, too
   */
  public static IExecutionExceptionHandler handler(String program, BooleanSupplier verbose) {
    return (e, commandLine, parsed) -> {
      var err = commandLine.getErr();
      if (verbose.getAsBoolean()) {
        e.printStackTrace(err);
      }
      boolean usage = e instanceof UsageException || e instanceof ConfigException;
      err.println(program + ": " + (usage ? e.getMessage() : describe(e)));
      err.flush();
      return usage ? CommandLine.ExitCode.USAGE : CommandLine.ExitCode.SOFTWARE;
    };
  }

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
  public static String describe(Throwable failure) {
    Throwable root = root(failure);
    String top = line(failure);
    return root == failure ? top : top + " (cause: " + line(root) + ")";
  }

  private static String line(Throwable failure) {
    if (failure instanceof TopicAuthorizationException refused) {
      return "the principal lacks a right on "
          + refused.unauthorizedTopics().stream()
              .sorted()
              .map("topic %s: READ to read it, WRITE to send to it"::formatted)
              .collect(Collectors.joining("; "))
          + " (kafka-acls.sh --add; docs/security.md lists what each command needs)";
    }
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
