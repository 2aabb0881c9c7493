package io.sidstream.tests.fuzz;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Coverage-guided fuzzing of the decoders by Jazzer, each for so many seconds or inputs, whichever
 * comes first, from the seeds and what is kept. What reached something new is written to the folder
 * of what is kept; what broke a decoder ends the run with an exit code of 1.
 *
 * <p>Arguments: seconds, inputs (-1 for any number), the folder of what is kept, names of decoders
 * (all, where there are none).
 */
final class FuzzMain {
  private static final Pattern DONE = Pattern.compile("#(\\d+)\\s+DONE\\s+cov: (\\d+)");

  private FuzzMain() {}

  /** Runs it. */
  public static void main(String[] args) throws Exception {
    int seconds = Integer.parseInt(args[0]);
    int inputs = Integer.parseInt(args[1]);
    Path kept = Path.of(args[2]);
    List<String> names = List.of(args).subList(3, args.length);
    long all = 0;
    boolean broken = false;
    for (Decoder decoder : Decoders.all()) {
      if (!names.isEmpty() && !names.contains(decoder.name())) {
        continue;
      }
      Path work = Files.createTempDirectory("sidstream-fuzz-" + decoder.name() + "-");
      Path found = Files.createDirectories(work.resolve("found"));
      int n = 0;
      List<byte[]> known = new ArrayList<>(decoder.seeds());
      known.addAll(Corpus.read(decoder));
      for (byte[] input : known) {
        Files.write(found.resolve("known-" + n++), input);
      }
      String said =
          jazzer(
              decoder,
              work,
              List.of("-max_total_time=" + seconds, "-runs=" + inputs, found.toString()));
      Matcher done = DONE.matcher(said);
      boolean finished = done.find();
      System.out.printf(
          "%s: %s%n",
          decoder.name(),
          finished
              ? done.group(1) + " inputs, coverage " + done.group(2)
              : "broken, in " + work + ":\n" + said.replaceAll("(?m)^INFO: .*\\R", ""));
      broken |= !finished;
      if (finished) {
        all += Long.parseLong(done.group(1));
        Corpus.write(kept, decoder, contents(found));
      }
    }
    System.out.println(all + " inputs in all");
    System.exit(broken ? 1 : 0);
  }

  private static List<byte[]> contents(Path folder) throws IOException {
    List<byte[]> contents = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.sorted().toList()) {
        contents.add(Files.readAllBytes(file));
      }
    }
    return contents;
  }

  private static String jazzer(Decoder decoder, Path work, List<String> more)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx1g",
            "-Dfuzz.decoder=" + decoder.name(),
            "-cp",
            System.getProperty("java.class.path"),
            "com.code_intelligence.jazzer.Jazzer",
            "--target_class=" + JazzerTarget.class.getName(),
            "--instrumentation_includes=io.sidstream.**:com.fasterxml.jackson.dataformat.csv.**",
            // Its hooks look for injections into commands and queries, of which there are none.
            "--disabled_hooks=.*",
            "--custom_hook_excludes=**",
            "--reproducer_path=" + work,
            "-artifact_prefix=" + work + "/",
            "-rss_limit_mb=3000",
            "-timeout=20",
            "-max_len=4096"));
    command.addAll(more);
    Process process =
        new ProcessBuilder(command).directory(work.toFile()).redirectErrorStream(true).start();
    StringBuilder said = new StringBuilder();
    try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
      reader.lines().forEach(line -> said.append(line).append('\n'));
    }
    process.waitFor();
    return said.toString();
  }
}
