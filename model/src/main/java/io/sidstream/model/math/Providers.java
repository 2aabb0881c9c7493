package io.sidstream.model.math;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.bytedeco.javacpp.Loader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The providers of matrix products, fastest first, and the choice among them. */
final class Providers {
  private static final Logger LOG = LoggerFactory.getLogger(Providers.class);

  private static final String AUTO = "auto";

  private static final Map<String, Supplier<Products>> ALL = new LinkedHashMap<>();

  static {
    ALL.put("openblas", () -> NetlibProducts.openBlas());
    ALL.put("nd4j", () -> new Nd4jProducts());
    ALL.put("java", () -> NetlibProducts.java());
  }

  private Providers() {}

  /**
   * Loads a provider, and checks it.
   *
   * @param wanted the one to take; null or {@code auto} for the first that loads
   * @throws IllegalStateException saying what to do, when none does, or one computes wrong products
   */
  static Products choose(String wanted) {
    boolean any = wanted == null || wanted.equals(AUTO);
    if (!any && !ALL.containsKey(wanted)) {
      throw new IllegalStateException(
          "System property "
              + Blas.PROVIDER_PROPERTY
              + " is '"
              + wanted
              + "'; set it to "
              + AUTO
              + " or one of "
              + ALL.keySet());
    }
    IllegalStateException failed = null;
    for (Map.Entry<String, Supplier<Products>> provider : ALL.entrySet()) {
      if (!any && !provider.getKey().equals(wanted)) {
        continue;
      }
      Products products;
      try {
        products = provider.getValue().get();
      } catch (RuntimeException | LinkageError e) {
        IllegalStateException missing = missing(provider.getKey(), e);
        if (any) {
          LOG.warn("{} The next provider is slower.", missing.getMessage());
          LOG.debug("Why it does not load", e);
        }
        if (failed != null) {
          missing.addSuppressed(failed);
        }
        failed = missing;
        continue;
      }
      SelfCheck.check(products);
      LOG.info("Matrix products by {}: {}", products.name(), products.description());
      return products;
    }
    throw failed;
  }

  private static IllegalStateException missing(String name, Throwable cause) {
    return new IllegalStateException(
        "The provider of matrix products "
            + name
            + " does not load on "
            + platform()
            + " ("
            + cause
            + "); put its jars with this platform's classifier on the class path (-Dnative.platform of the build), or set -D"
            + Blas.PROVIDER_PROPERTY
            + "=java for the slow plain Java products.",
        cause);
  }

  private static String platform() {
    try {
      return Loader.Detector.getPlatform();
    } catch (LinkageError e) {
      return System.getProperty("os.name") + " " + System.getProperty("os.arch");
    }
  }
}
