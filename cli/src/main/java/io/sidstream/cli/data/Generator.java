package io.sidstream.cli.data;

import io.sidstream.cli.UsageException;
import io.sidstream.model.file.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * A synthetic catalogue and its audience, the same for the same seed.
 *
 * <p>Items belong to themes and, within a theme, to one of several styles; their texts are drawn
 * from the words of both, so that text tells what an item is. Two fifths of the items are there at
 * the start, the others arrive evenly over the year that the stream spans. Each user likes a few
 * themes, changes taste now and then, and goes through a theme style by style: what somebody did
 * last says what comes next, which a sequential recommender can learn and a ranking by popularity
 * cannot. Popularity within a theme is Zipf-like, and younger items are sought more.
 */
public final class Generator {
  private static final long START = 1_704_067_200_000L; // 2024-01-01 UTC
  private static final long YEAR = 365L * 24 * 3600 * 1000;
  private static final int STYLES = 4;

  private static final String[][] THEMES = {
    {"espresso", "coffee", "grinder", "roast", "crema", "barista", "portafilter", "beans"},
    {"trail", "hiking", "boots", "backpack", "ridge", "summit", "waterproof", "trekking"},
    {"watercolor", "brush", "pigment", "canvas", "easel", "palette", "sketch", "gouache"},
    {"telescope", "astronomy", "eyepiece", "nebula", "refractor", "planet", "tripod", "stargazing"},
    {"guitar", "acoustic", "strings", "fretboard", "chord", "amplifier", "pickup", "tuner"},
    {"sourdough", "bread", "flour", "oven", "proofing", "crust", "dough", "starter"},
    {"bicycle", "gravel", "derailleur", "saddle", "tubeless", "pedal", "handlebar", "cassette"},
    {"aquarium", "fish", "coral", "filter", "plankton", "reef", "tank", "seaweed"},
    {"chess", "board", "opening", "endgame", "bishop", "tournament", "clock", "gambit"},
    {"garden", "tomato", "compost", "seedling", "pruning", "trellis", "mulch", "greenhouse"},
    {"knitting", "yarn", "needles", "merino", "cable", "sweater", "stitch", "skein"},
    {
      "robot",
      "servo",
      "sensor",
      "microcontroller",
      "soldering",
      "firmware",
      "actuator",
      "breadboard"
    },
    {"perfume", "jasmine", "sandalwood", "bergamot", "fragrance", "musk", "atomizer", "cologne"},
    {"sailing", "mast", "rudder", "spinnaker", "anchor", "keel", "harbor", "rigging"},
    {"photography", "lens", "aperture", "shutter", "darkroom", "film", "exposure", "portrait"},
    {"ceramics", "kiln", "glaze", "stoneware", "wheel", "pottery", "clay", "slip"},
    {"surfing", "wave", "longboard", "wetsuit", "leash", "barrel", "swell", "fins"},
    {"candle", "beeswax", "wick", "lavender", "soy", "lantern", "melt", "votive"},
    {"puzzle", "jigsaw", "maze", "riddle", "labyrinth", "tangram", "brainteaser", "cipher"},
    {"yoga", "mat", "stretch", "breathing", "balance", "meditation", "pose", "strap"},
  };
  private static final String[][] STYLE_WORDS = {
    {"beginner", "simple", "easy", "first", "starter"},
    {"compact", "travel", "lightweight", "folding", "small"},
    {"professional", "precision", "advanced", "expert", "studio"},
    {"vintage", "handmade", "classic", "collector", "heritage"},
  };
  private static final String[] FORMS = {
    "set", "kit", "guide", "edition", "bundle", "tool", "case", "book", "stand", "pack"
  };

  private static final String[] SYLLABLES = {
    "ve", "lo", "ra", "mi", "to", "ka", "sen", "dor", "fa", "quin", "zu", "bel", "nor", "pi", "gal",
    "ost"
  };

  private Generator() {}

  /**
   * A data set.
   *
   * @param items number of items, at least 40
   * @param events number of interactions, at least as many as items
   * @param seed where every draw comes from
   */
  public static DataSet generate(int items, int events, long seed) {
    return generate(items, events, 0, seed);
  }

  /**
   * A data set of so many users: fewer make longer histories.
   *
   * @param users at least 20; 0 for one in sixteen events
   */
  public static DataSet generate(int items, int events, int users, long seed) {
    if (users != 0 && users < 20) {
      throw new UsageException("--users " + users + ": at least 20, or 0 for one in 16 events");
    }
    if (items < 40) {
      throw new UsageException("--items " + items + ": at least 40 are needed, two of each theme");
    }
    if (events < items) {
      throw new UsageException(
          "--events " + events + ": at least as many as --items (" + items + ")");
    }
    SplittableRandom root = new SplittableRandom(seed);
    SplittableRandom catalogue = root.split();
    SplittableRandom audience = root.split();

    int[] theme = new int[items];
    int[] style = new int[items];
    long[] born = new long[items];
    List<SourceItem> made = new ArrayList<>(items);
    List<List<List<Integer>>> shelves = new ArrayList<>();
    for (int t = 0; t < THEMES.length; t++) {
      List<List<Integer>> shelf = new ArrayList<>();
      for (int s = 0; s < STYLES; s++) {
        shelf.add(new ArrayList<>());
      }
      shelves.add(shelf);
    }
    int atStart = Math.max(THEMES.length * STYLES, items * 2 / 5);
    for (int i = 0; i < items; i++) {
      theme[i] = i < THEMES.length * STYLES ? i % THEMES.length : catalogue.nextInt(THEMES.length);
      style[i] = i < THEMES.length * STYLES ? i / THEMES.length : catalogue.nextInt(STYLES);
      born[i] =
          i < atStart
              ? START
              : START + YEAR * (i - atStart + 1L) / (items - Math.min(atStart, items - 1));
      made.add(item(i, theme[i], style[i], catalogue));
      shelves.get(theme[i]).get(style[i]).add(i);
    }

    int audienceSize = users == 0 ? Math.max(20, events / 16) : users;
    int[] taste = new int[audienceSize];
    int[] side = new int[audienceSize];
    int[] stage = new int[audienceSize];
    int[] last = new int[audienceSize];
    for (int u = 0; u < audienceSize; u++) {
      taste[u] = audience.nextInt(THEMES.length);
      side[u] = audience.nextInt(THEMES.length);
      stage[u] = audience.nextInt(STYLES);
      last[u] = -1;
    }
    String[] user = new String[events];
    int[] what = new int[events];
    long[] time = new long[events];
    for (int k = 0; k < events; k++) {
      long now = START + (long) ((double) YEAR * k / events);
      // Users join over time: early ones are not active for ever, late ones not from the beginning.
      int newestUser = Math.max(20, (int) ((double) audienceSize * (0.3 + 0.7 * k / events)));
      int u = newestUser - 1 - (int) (newestUser * Math.pow(audience.nextDouble(), 1.5));
      u = Math.max(0, u);
      if (audience.nextDouble() < 0.03) {
        taste[u] = side[u];
        side[u] = audience.nextInt(THEMES.length);
      }
      int t = audience.nextDouble() < 0.85 ? taste[u] : side[u];
      if (audience.nextDouble() < 0.6) {
        stage[u] = (stage[u] + 1) % STYLES;
      }
      int pick = pick(shelves.get(t).get(stage[u]), born, now, last[u], audience);
      if (pick < 0) {
        pick = pick(shelves.get(t).get(t % STYLES), born, now, last[u], audience);
      }
      if (pick < 0) {
        pick = audience.nextInt(Math.min(atStart, items));
      }
      last[u] = pick;
      user[k] = "u" + u;
      what[k] = pick;
      time[k] = now;
    }
    String parameters =
        "generated, form 2: items "
            + items
            + ", events "
            + events
            + (users == 0 ? "" : ", users " + users)
            + ", seed "
            + seed;
    String digest = Sha256.hex(parameters.getBytes(StandardCharsets.UTF_8));
    return DataSet.sorted(parameters, digest, "view", made, user, what, time, "");
  }

  /**
   * An item of the shelf that exists by now, the better known and the newer ones sooner; -1 where
   * there is none.
   */
  private static int pick(
      List<Integer> shelf, long[] born, long now, int not, SplittableRandom random) {
    int there = 0;
    while (there < shelf.size() && born[shelf.get(there)] <= now) {
      there++;
    }
    if (there == 0) {
      return -1;
    }
    int rank = (int) (there * Math.pow(random.nextDouble(), 2.2));
    // A third looks for what is new, from the end of the shelf; the others for what is known, from
    // its beginning.
    int chosen = shelf.get(random.nextInt(3) == 0 ? there - 1 - rank : rank);
    return chosen == not && there > 1 ? shelf.get(random.nextInt(there)) : chosen;
  }

  private static SourceItem item(int i, int theme, int style, SplittableRandom random) {
    String[] words = THEMES[theme];
    String[] how = STYLE_WORDS[style];
    String subject = words[random.nextInt(words.length)];
    String second = words[random.nextInt(words.length)];
    String manner = how[random.nextInt(how.length)];
    String form = FORMS[random.nextInt(FORMS.length)];
    // A brand and a model make each text its own.
    String brand =
        capital(
            SYLLABLES[random.nextInt(SYLLABLES.length)]
                + SYLLABLES[random.nextInt(SYLLABLES.length)]
                + SYLLABLES[random.nextInt(SYLLABLES.length)]);
    String title =
        brand + " " + random.nextInt(100, 1000) + " " + manner + " " + subject + " " + form;
    StringBuilder text =
        new StringBuilder(title).append(" for ").append(words[0]).append(" with ").append(second);
    for (int n = 0; n < 4; n++) {
      text.append(' ').append(words[random.nextInt(words.length)]);
    }
    text.append(", ").append(how[random.nextInt(how.length)]);
    return new SourceItem(
        String.format("item-%05d", i),
        title,
        text.toString(),
        Map.of("brand", brand, "theme", words[0], "style", how[0]),
        i,
        null);
  }

  private static String capital(String word) {
    return Character.toUpperCase(word.charAt(0)) + word.substring(1);
  }
}
