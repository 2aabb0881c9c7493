package io.sidstream.job.learn;

import io.sidstream.schemas.ModelPart;
import io.sidstream.schemas.ModelPartKind;
import io.sidstream.schemas.ModelParts;
import java.util.function.Consumer;
import org.apache.flink.api.common.state.MapState;

/**
 * The parts of the model that readers need now, as they were said last: what a lost transaction of
 * the models topic took is said again from here. Of codebooks, which no version's readers are ever
 * done with, those of the newest two versions.
 */
final class PublishedParts {
  private final MapState<String, ModelPart> parts;

  PublishedParts(MapState<String, ModelPart> parts) {
    this.parts = parts;
  }

  /** A part is said, or removed. */
  void said(ModelPart part) throws Exception {
    if (part.getPart() == ModelPartKind.LEARNER) {
      return;
    }
    String key = ModelParts.key(part);
    if (part.getCount() == 0) {
      parts.remove(key);
      return;
    }
    parts.put(key, part);
    if (part.getPart() == ModelPartKind.CODEBOOKS) {
      int old = part.getVersion() - 2;
      for (String gone :
          ModelParts.keys(old, part.getPart(), part.getCount() * ModelParts.PIECE_BYTES)) {
        parts.remove(gone);
      }
    }
  }

  /** Says all of them again. */
  void sayAgain(Consumer<ModelPart> out) throws Exception {
    for (ModelPart part : parts.values()) {
      out.accept(part);
    }
  }
}
