package io.sidstream.job.config;

import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * The libraries that run a text model. A job whose items all come with vectors needs none of them,
 * and its jar can be built without ({@code -P job-jar-without-texts}).
 */
public final class TextLibraries {
  /** Group and name of each, and a class of it. */
  private static final Map<String, String> CLASSES =
      new TreeMap<>(
          Map.of(
              "com.microsoft.onnxruntime:onnxruntime", "ai.onnxruntime.OrtEnvironment",
              "ai.djl.huggingface:tokenizers",
                  "ai.djl.huggingface.tokenizers.HuggingFaceTokenizer"));

  private TextLibraries() {}

  /** What to say where one of them is not on the class path; empty where all are. */
  public static Optional<String> missing() {
    for (Map.Entry<String, String> library : CLASSES.entrySet()) {
      try {
        Class.forName(library.getValue(), false, TextLibraries.class.getClassLoader());
      } catch (ClassNotFoundException e) {
        return Optional.of(
            "there is no %s on the class path, which text models need: this job's jar was built with -P job-jar-without-texts; take one that was built without it, or send vectors"
                .formatted(library.getKey()));
      }
    }
    return Optional.empty();
  }
}
