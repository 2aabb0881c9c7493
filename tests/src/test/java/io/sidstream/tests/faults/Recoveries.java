package io.sidstream.tests.faults;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** How long it took after each fault until readers saw a row of an item that was sent after it. */
final class Recoveries {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Map<String, List<Long>> millis = new TreeMap<>();
  private final List<Long> all = new ArrayList<>();

  void add(String fault, long took) {
    millis.computeIfAbsent(fault, f -> new ArrayList<>()).add(took);
    all.add(took);
  }

  int count() {
    return all.size();
  }

  /** Count, median, 99th percentile (nearest rank) and worst, in seconds; of all and of each. */
  ObjectNode json() {
    ObjectNode json = summary(all);
    millis.forEach((fault, of) -> json.set(fault, summary(of)));
    return json;
  }

  private static ObjectNode summary(List<Long> of) {
    List<Long> sorted = of.stream().sorted().toList();
    ObjectNode json = JSON.createObjectNode().put("faults", sorted.size());
    if (!sorted.isEmpty()) {
      json.put("medianSeconds", seconds(sorted, .5))
          .put("p99Seconds", seconds(sorted, .99))
          .put("worstSeconds", seconds(sorted, 1));
    }
    return json;
  }

  private static double seconds(List<Long> sorted, double quantile) {
    int rank = Math.max(1, (int) Math.ceil(quantile * sorted.size()));
    return sorted.get(rank - 1) / 1000.;
  }
}
