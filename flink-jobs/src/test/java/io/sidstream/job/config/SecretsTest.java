package io.sidstream.job.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SecretsTest {
  private static final String SECRET = "hunter2-xyzzy";
  private static final String PEM =
      "-----BEGIN PRIVATE KEY----- " + SECRET + " -----END PRIVATE KEY-----";
  private static final String JAAS =
      "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"sid\" password=\"%s\";";

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "kafka.properties.ssl.keystore.key",
        "kafka.properties.ssl.key.password",
        "kafka.properties.ssl.keystore.certificate.chain",
        "kafka.properties.ssl.truststore.certificates",
        "kafka.properties.sasl.jaas.config",
        "kafka.properties.sasl.oauthbearer.client.credentials.client.secret",
        "kafka.properties.listener.name.inside.ssl.keystore.key",
        "flink.s3.access-key",
        "flink.s3.access.key",
        "flink.fs.s3a.access.key",
        "flink.s3.secret-key",
        "flink.fs.azure.account.key.x.blob.core.windows.net",
        "flink.security.ssl.rest.keystore-password",
        "flink.fs.gs.auth.service.account.private.key",
      })
  void hidesByKey(String key) {
    JobConfig config = JobConfig.of(Map.of(key, SECRET));
    assertThat(config.describe()).contains(key + ": '" + Secrets.HIDDEN + "'");
    assertNothingSaid(config.describe());
    assertThat(config.secretsInClear()).containsExactly(key);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "kafka.properties.my.pem",
        "kafka.properties.sasl.jas.config",
        "flink.env.java.opts.all"
      })
  void hidesByValue(String key) {
    for (String value : List.of(PEM, JAAS.formatted(SECRET))) {
      JobConfig config = JobConfig.of(Map.of(key, value));
      assertNothingSaid(config.describe());
      assertThat(config.secretsInClear()).containsExactly(key);
    }
  }

  @Test
  void hidesWhoASchemeLogsInAs() {
    JobConfig config =
        JobConfig.of(
            Map.of(
                "checkpoint.dir", "s3://id:" + SECRET + "@bucket/x",
                "flink.high-availability.storageDir", "s3://id:" + SECRET + "@bucket/ha"));
    assertThat(config.describe()).contains("checkpoint.dir: 's3://******@bucket/x'");
    assertNothingSaid(config.describe());
  }

  @Test
  void showsWhatIsNoSecret() {
    JobConfig config =
        JobConfig.of(
            Map.of(
                "kafka.properties.security.protocol", "SASL_SSL",
                "kafka.properties.ssl.keystore.location", "/etc/keys.p12",
                "flink.s3.endpoint", "https://s3:9000"));
    assertThat(config.describe())
        .contains("SASL_SSL")
        .contains("/etc/keys.p12")
        .contains("https://s3:9000");
    assertThat(config.secretsInClear()).isEmpty();
  }

  @Test
  void errorsRepeatNoSecret() throws IOException {
    Path yaml = folder.resolve("job.yaml");
    Files.writeString(yaml, "kafka.properties.ssl.key.password: \"" + SECRET + "\n  x: [\n");
    List<Runnable> wrong =
        List.of(
            () -> JobConfig.load(yaml, List.of()),
            () -> JobConfig.load(null, List.of("kafka.propertie.ssl.key.pasword=" + SECRET)),
            () -> JobConfig.load(null, List.of("s3.key=" + SECRET)),
            () -> JobConfig.load(null, List.of("password=\"" + SECRET + "\";", SECRET + "\";")),
            () -> JobConfig.load(null, List.of("kafka.properties.group.id=" + PEM)),
            () -> JobConfig.load(null, List.of("flink.state.backend=" + PEM)),
            () -> JobConfig.load(null, List.of("parallelism=${file:" + file("n", SECRET) + ":n}")));
    for (Runnable call : wrong) {
      assertThatThrownBy(call::run)
          .isInstanceOf(ConfigException.class)
          .satisfies(
              e -> {
                for (Throwable at = e; at != null; at = at.getCause()) {
                  assertNothingSaid(String.valueOf(at.getMessage()));
                }
              });
    }
  }

  @Test
  void referencesAreShownAsWrittenAndGiveTheValue() throws Exception {
    Path file = file("pw", SECRET);
    String reference = "${file:" + file + ":pw}";
    String jaas = JAAS.formatted(reference);
    JobConfig config =
        JobConfig.of(
            Map.of(
                "kafka.group",
                "${env:PATH}",
                "kafka.properties.sasl.jaas.config",
                jaas,
                "kafka.properties.ssl.key.password",
                "${dir:" + folder + ":one}",
                "flink.s3.secret-key",
                reference,
                "seed",
                "${file:" + file("seed", "7") + ":seed}"));
    assertThat(config.get(JobOptions.KAFKA_GROUP)).isEqualTo(System.getenv("PATH"));
    assertThat(config.get(JobOptions.SEED)).isEqualTo(7);
    assertThat(config.flinkConfiguration().toMap()).containsEntry("s3.secret-key", SECRET);
    assertThat(config.secretsInClear()).isEmpty();
    assertNothingSaid(config.describe());
    assertThat(config.describe()).contains(jaas).contains("kafka.group: '${env:PATH}'");

    // Kafka's own clients resolve them.
    Properties properties = config.kafkaProperties();
    properties.put("bootstrap.servers", "k:1");
    properties.put("key.deserializer", ByteArrayDeserializer.class);
    properties.put("value.deserializer", ByteArrayDeserializer.class);
    ConsumerConfig consumer = new ConsumerConfig(properties);
    assertThat(consumer.getPassword("sasl.jaas.config").value()).isEqualTo(JAAS.formatted(SECRET));
    assertThat(consumer.getPassword("ssl.key.password").value()).isEqualTo("folder's " + SECRET);

    // The description is a file that gives the same; nothing of the secret travels with a job.
    Path again = Files.writeString(folder.resolve("again.yaml"), config.describe());
    assertThat(JobConfig.load(again, List.of()).describe()).isEqualTo(config.describe());
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(config);
      out.writeObject(config.kafkaProperties());
    }
    assertNothingSaid(bytes.toString(StandardCharsets.ISO_8859_1));
  }

  @Test
  void aSecretBesideAReferenceStaysHidden() {
    for (String value :
        List.of(
            JAAS.formatted("${env:PATH}").replace(";", " clientSecret=\"" + SECRET + "\";"),
            JAAS.formatted("${env:PATH}" + SECRET),
            "${env:PATH}" + SECRET)) {
      JobConfig config = JobConfig.of(Map.of("kafka.properties.sasl.jaas.config", value));
      assertNothingSaid(config.describe());
      assertThat(config.secretsInClear()).hasSize(1);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "${env:SIDSTREAM_NO_SUCH_VARIABLE}",
        "${file:/no/such/file:key}",
        "${file:key}",
        "${dir:/no/such/folder:name}",
      })
  void aReferenceToNothingIsNamed(String reference) {
    for (String key : List.of("kafka.properties.ssl.key.password", "flink.a.b", "kafka.group")) {
      assertThatThrownBy(() -> JobConfig.of(Map.of(key, "x" + reference)))
          .isInstanceOf(ConfigException.class)
          .hasMessageStartingWith(key + " names " + reference + ", which gives nothing: ");
    }
  }

  @Test
  void providersOfTheUserStay() {
    JobConfig config =
        JobConfig.of(
            Map.of(
                "kafka.properties.config.providers", "vault",
                "kafka.properties.config.providers.vault.class", "org.example.Vault",
                "kafka.properties.ssl.key.password", "${vault:a:b}",
                "kafka.properties.ssl.keystore.password", "${env:PATH}"));
    assertThat(config.kafkaProperties())
        .containsEntry("config.providers", "vault,env,file,dir")
        .containsEntry("ssl.key.password", "${vault:a:b}");
    assertThat(JobConfig.defaults().kafkaProperties()).isEmpty();
  }

  private Path file(String key, String value) {
    try {
      Files.writeString(folder.resolve("one"), "folder's " + SECRET);
      return Files.writeString(folder.resolve(key + ".properties"), key + "=" + value + "\n");
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static void assertNothingSaid(String text) {
    assertThat(text).doesNotContain("hunter2").doesNotContain("xyzzy");
  }
}
