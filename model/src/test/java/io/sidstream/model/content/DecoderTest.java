package io.sidstream.model.content;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.sidstream.model.math.Rng;
import io.sidstream.model.quantize.EncodeResult;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class DecoderTest {
  @Test
  void errorIsThatOfTheTrainedModel() {
    RqVaeConfig config = RqVaeConfig.paper(20);
    RqVae vae = new RqVae(config, new Rng(1));
    int n = 300;
    float[] x = new float[n * 20];
    Rng rng = new Rng(2);
    for (int i = 0; i < x.length; i++) {
      x[i] = rng.nextGaussian();
    }
    vae.initialiseCodebooks(x, n, new Rng(3));
    vae.forwardTrain(x, n);
    Decoder decoder =
        new Decoder(
            config.decoderDims(),
            Arrays.copyOfRange(
                vae.parameters(), config.encoderParameters(), vae.parameters().length));
    assertThat(decoder.squaredError(vae.z(), x, n, new EncodeResult()) / n)
        .isCloseTo(vae.reconstructionLoss(), within(1e-4));
  }

  @Test
  void weightsOfAnotherShapeAreNamed() {
    assertThatThrownBy(() -> new Decoder(new int[] {2, 3}, new float[4]))
        .hasMessage("Decoder [2, 3] needs 9 weights, not 4");
  }
}
