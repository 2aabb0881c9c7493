package io.sidstream.client;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Properties;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TlsSettingsTest {
  /** Of CN=test, for a hundred years; its key is not kept. */
  private static final String CERTIFICATE =
      """
      -----BEGIN CERTIFICATE-----
      MIIBNjCB3aADAgECAghchaqrFVuOWzAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDEwR0
      ZXN0MCAXDTI2MTEyODE0NTAyOVoYDzIxMjYxMTA0MTQ1MDI5WjAPMQ0wCwYDVQQD
      EwR0ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEi/R6Kt3w3P4XlTvo/tWl
      nCVSgfr+mz5IRnnF4GQQKjsbBFl4MeC+Vb2LqUIiV1IcHj58u59esEfcWiefjWwN
      vqMhMB8wHQYDVR0OBBYEFC/QXoZ3JdypiuGiB430FcN4uy7tMAoGCCqGSM49BAMC
      A0gAMEUCIAX4CokiZGeYSb0Kemb/z+dX4d0ZQx3+AoiTQDVB/bcPAiEAjfXSGEGv
      blY8e1mHctLpkR/Ncng4+J+w5Htlj1IEhs4=
      -----END CERTIFICATE-----
      """;

  private static final String SECRET = "c2VjcmV0";
  private static final String KEY =
      "-----BEGIN PRIVATE KEY-----\n" + SECRET + "\n-----END PRIVATE KEY-----\n";

  @Test
  void namesTheKeyOrCertificateThatCannotBeUsed() {
    assertThat(fault()).isEmpty();
    assertThat(fault("ssl.truststore.type", "PEM", "ssl.truststore.certificates", CERTIFICATE))
        .isEmpty();
    for (String broken : new String[] {"rubbish", CERTIFICATE.substring(0, 200), KEY}) {
      assertThat(fault("ssl.truststore.type", "PEM", "ssl.truststore.certificates", broken))
          .startsWith("ssl.truststore.certificates cannot be used: ")
          .contains("-----BEGIN CERTIFICATE-----");
    }
    for (String broken : new String[] {KEY, SECRET, KEY.substring(0, 40)}) {
      assertThat(
              fault(
                  "ssl.keystore.type", "PEM",
                  "ssl.keystore.key", broken,
                  "ssl.keystore.certificate.chain", CERTIFICATE))
          .startsWith("ssl.keystore.key cannot be used: ")
          .contains("PKCS #8 in PEM")
          .doesNotContain(SECRET);
    }
    assertThat(
            fault(
                "ssl.keystore.type", "PEM",
                "ssl.keystore.key", KEY,
                "ssl.keystore.certificate.chain", "rubbish"))
        .startsWith("ssl.keystore.certificate.chain cannot be used: ");
    assertThat(fault("ssl.keystore.type", "PEM", "ssl.keystore.key", KEY))
        .startsWith("ssl.keystore.certificate.chain cannot be used: it is not set");
  }

  @Test
  void namesTheFileThatCannotBeUsed(@TempDir Path folder) throws Exception {
    String none = folder.resolve("none.p12").toString();
    assertThat(fault("ssl.truststore.location", none))
        .startsWith("ssl.truststore.location " + none + " cannot be used: NoSuchFileException")
        .endsWith("check the file, ssl.truststore.type (JKS) and ssl.truststore.password");
    Path text = Files.writeString(folder.resolve("text.p12"), "no store");
    assertThat(fault("ssl.keystore.location", text.toString(), "ssl.keystore.password", "hush"))
        .startsWith("ssl.keystore.location " + text + " cannot be used: ")
        .doesNotContain("hush");
  }

  @Test
  void isAskedBeforeTheBrokerIs() {
    Properties properties = properties("ssl.truststore.location", "/none.p12");
    properties.put("security.protocol", "ssl");
    BrokerProbe.Finding found =
        BrokerProbe.ask("localhost:1", properties, java.time.Duration.ofSeconds(1));
    assertThat(found.state()).isEqualTo(BrokerProbe.State.OTHER_PROTOCOL);
    assertThat(found.message()).startsWith("ssl.truststore.location /none.p12");
  }

  private static String fault(String... keysAndValues) {
    return TlsSettings.fault(properties(keysAndValues));
  }

  private static Properties properties(String... keysAndValues) {
    Properties properties = new Properties();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      properties.put(keysAndValues[i], keysAndValues[i + 1]);
    }
    return properties;
  }
}
