package io.sidstream.cli.flink;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/**
 * A Flink cluster, by its REST API. Every method throws {@link IOException} where the cluster does
 * not answer or refuses, with what it says.
 */
public final class FlinkCluster {
  private static final Duration CONNECT = Duration.ofSeconds(10);

  /** A main class that makes topics, and a jar over a slow network, take their time. */
  private static final Duration ANSWER = Duration.ofMinutes(5);

  private static final long POLL_MS = 500;
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String BOUNDARY = "----sidstream-jar";

  private final URI address;
  private final Duration longest;
  private final HttpClient http;

  /**
   * A job that the cluster knows.
   *
   * @param state such as RUNNING, FINISHED
   * @param started ms
   */
  public record Job(String id, String name, String state, long started) {
    /** Whether it has not ended, and does not end by itself. */
    public boolean lives() {
      return !List.of("FINISHED", "CANCELED", "FAILED", "SUSPENDED").contains(state);
    }
  }

  /** At an address such as {@code http://localhost:8081}. */
  public FlinkCluster(URI address) {
    this(address, ANSWER);
  }

  /**
   * For who cannot wait long.
   *
   * @param longest how long an answer may take
   */
  public FlinkCluster(URI address, Duration longest) {
    this.address = address;
    this.longest = longest;
    Duration connect = longest.compareTo(CONNECT) < 0 ? longest : CONNECT;
    http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(connect)
            .build();
  }

  /** The jobs of a name, the newest first. */
  public List<Job> jobs(String name) throws IOException, InterruptedException {
    List<Job> jobs = new ArrayList<>();
    for (JsonNode job : get("/jobs/overview").path("jobs")) {
      if (job.path("name").asText().equals(name)) {
        jobs.add(
            new Job(
                job.path("jid").asText(),
                name,
                job.path("state").asText(),
                job.path("start-time").asLong()));
      }
    }
    jobs.sort((a, b) -> Long.compare(b.started, a.started));
    return jobs;
  }

  /**
   * Where the newest complete checkpoint or savepoint of a job is.
   *
   * @return empty where it has none, or none that was kept
   */
  public Optional<String> newestState(Job job) throws IOException, InterruptedException {
    JsonNode latest = get("/jobs/" + job.id + "/checkpoints").path("latest");
    JsonNode checkpoint = latest.path("completed");
    JsonNode savepoint = latest.path("savepoint");
    boolean later =
        savepoint.path("trigger_timestamp").asLong()
            >= checkpoint.path("trigger_timestamp").asLong();
    String path = (later ? savepoint : checkpoint).path("external_path").asText("");
    return path.startsWith("<") || path.isEmpty() ? Optional.empty() : Optional.of(path);
  }

  /**
   * Stops a job with a savepoint and waits until it has ended.
   *
   * @param folder where the savepoint goes; null for what the cluster is configured with
   * @param within how long that may take
   * @return where the savepoint is
   */
  public String stop(Job job, String folder, Duration within)
      throws IOException, InterruptedException {
    long until = System.nanoTime() + within.toNanos();
    ObjectNode request = JSON.createObjectNode().put("drain", false);
    if (folder != null) {
      request.put("targetDirectory", folder);
    }
    String trigger = post("/jobs/" + job.id + "/stop", request).path("request-id").asText();
    JsonNode answer = get("/jobs/" + job.id + "/savepoints/" + trigger);
    while (!answer.path("status").path("id").asText().equals("COMPLETED")) {
      if (System.nanoTime() > until) {
        throw new IOException(
            "job %s is %s, and its savepoint is not complete after %d s: it may still come and stop the job. Look at %s, or allow longer with --stop-within"
                .formatted(job.id, stateOf(job), within.toSeconds(), address));
      }
      TimeUnit.MILLISECONDS.sleep(POLL_MS);
      answer = get("/jobs/" + job.id + "/savepoints/" + trigger);
    }
    JsonNode location = answer.path("operation").path("location");
    if (location.isMissingNode()) {
      throw new IOException(
          "job %s was not stopped, no savepoint was made: %s"
              .formatted(
                  job.id,
                  cause(
                      answer
                          .path("operation")
                          .path("failure-cause")
                          .path("stack-trace")
                          .asText())));
    }
    String state = stateOf(job);
    while (new Job(job.id, job.name, state, job.started).lives()) {
      if (System.nanoTime() > until) {
        throw new IOException(
            "job %s is still %s after %d s; its savepoint is %s. End the job at %s, then go on with --from and the savepoint, or allow longer with --stop-within"
                .formatted(job.id, state, within.toSeconds(), location.asText(), address));
      }
      TimeUnit.MILLISECONDS.sleep(POLL_MS);
      state = stateOf(job);
    }
    return location.asText();
  }

  private String stateOf(Job job) throws IOException, InterruptedException {
    return get("/jobs/" + job.id).path("state").asText();
  }

  /** Sends a jar; its identifier. */
  public String upload(Path jar) throws IOException, InterruptedException {
    String head =
        "--"
            + BOUNDARY
            + "\r\nContent-Disposition: form-data; name=\"jarfile\"; filename=\"sidstream-job.jar\""
            + "\r\nContent-Type: application/x-java-archive\r\n\r\n";
    BodyPublisher body =
        BodyPublishers.concat(
            BodyPublishers.ofString(head),
            BodyPublishers.ofFile(jar),
            BodyPublishers.ofString("\r\n--" + BOUNDARY + "--\r\n"));
    JsonNode answer =
        send(
            "/jars/upload",
            HttpRequest.newBuilder()
                .header("Content-Type", "multipart/form-data; boundary=" + BOUNDARY)
                .POST(body));
    return Path.of(answer.path("filename").asText()).getFileName().toString();
  }

  /**
   * Runs the main class of a jar that was sent.
   *
   * @param from checkpoint or savepoint to go on from; null for none
   * @return the job's identifier
   */
  public String run(String jar, List<String> arguments, String from)
      throws IOException, InterruptedException {
    ObjectNode request = JSON.createObjectNode();
    request.set("programArgsList", JSON.valueToTree(arguments));
    if (from != null) {
      // Nothing of what it goes on from is deleted.
      request.put("savepointPath", from).put("claimMode", "NO_CLAIM");
    }
    return post("/jars/" + jar + "/run", request).path("jobid").asText();
  }

  /** Deletes a jar that was sent; a job that runs from it has what it needs. */
  public void delete(String jar) throws IOException, InterruptedException {
    send("/jars/" + jar, HttpRequest.newBuilder().DELETE());
  }

  /** State of a job's tasks: RUNNING where all of them run, else that of the job. */
  public String state(String job) throws IOException, InterruptedException {
    JsonNode answer = get("/jobs/" + job);
    String state = answer.path("state").asText();
    for (JsonNode vertex : answer.path("vertices")) {
      if (state.equals("RUNNING") && !vertex.path("status").asText().equals("RUNNING")) {
        return "STARTING";
      }
    }
    return state;
  }

  /** The newest failure of a job, empty where it had none. */
  public String failure(String job) throws IOException, InterruptedException {
    JsonNode newest = get("/jobs/" + job + "/exceptions").path("exceptionHistory").path("entries");
    return cause(newest.path(0).path("stacktrace").asText());
  }

  /** What it answers to a path such as {@code /jobs}. */
  public JsonNode get(String path) throws IOException, InterruptedException {
    return send(path, HttpRequest.newBuilder().GET());
  }

  private JsonNode post(String path, JsonNode body) throws IOException, InterruptedException {
    return send(
        path,
        HttpRequest.newBuilder()
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(body.toString())));
  }

  private JsonNode send(String path, HttpRequest.Builder request)
      throws IOException, InterruptedException {
    HttpResponse<String> answer;
    try {
      answer =
          http.send(
              request.uri(address.resolve(path)).timeout(longest).build(), BodyHandlers.ofString());
    } catch (ConnectException | HttpTimeoutException e) {
      throw new IOException(
          "no Flink cluster answers at %s: start one, or name its REST address with --cluster"
              .formatted(address),
          e);
    }
    JsonNode said = json(answer.body());
    if (answer.statusCode() >= 300) {
      JsonNode errors = said == null ? JSON.createArrayNode() : said.path("errors");
      String error = errors.isEmpty() ? answer.body() : errors.get(errors.size() - 1).asText();
      throw new IOException(
          "%s refuses %s (%d): %s".formatted(address, path, answer.statusCode(), cause(error)));
    }
    if (said == null) {
      throw new IOException(
          "%s answers %s (%d) with what is not JSON, so it is not Flink's REST API: %s"
              .formatted(address, path, answer.statusCode(), cause(answer.body())));
    }
    return said;
  }

  /** Null where it is none: a proxy answers with a page of its own. */
  private static JsonNode json(String body) {
    try {
      return JSON.readTree(body.isBlank() ? "{}" : body);
    } catch (JsonProcessingException e) {
      return null;
    }
  }

  /** Of a stack trace the innermost cause: the layers around it say nothing of the job. */
  private static String cause(String trace) {
    String mark = "Caused by: ";
    String cause = trace.lines().filter(line -> !line.isBlank()).findFirst().orElse("");
    for (String line : trace.lines().toList()) {
      cause = line.startsWith(mark) ? line.substring(mark.length()) : cause;
    }
    return cause.trim();
  }
}
