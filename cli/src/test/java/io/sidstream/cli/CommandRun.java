package io.sidstream.cli;

import io.sidstream.cli.main.Main;
import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/**
 * A command, run in this process.
 *
 * @param code exit code
 * @param out what it wrote to the standard output
 * @param err what it wrote to the standard error
 */
public record CommandRun(int code, String out, String err) {
  /** Runs a command of sidstream that builds no job. */
  public static CommandRun of(Object... args) {
    return of(
        Main.commandLine(
            (env, config) -> {
              throw new AssertionError("the job must not be built");
            }),
        args);
  }

  /** Runs a command. */
  public static CommandRun of(CommandLine commands, Object... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    String[] words = new String[args.length];
    for (int i = 0; i < args.length; i++) {
      words[i] = String.valueOf(args[i]);
    }
    int code =
        commands
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true))
            .execute(words);
    return new CommandRun(code, out.toString(), err.toString());
  }
}
