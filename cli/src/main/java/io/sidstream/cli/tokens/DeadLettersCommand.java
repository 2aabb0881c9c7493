package io.sidstream.cli.tokens;

import io.sidstream.schemas.DeadLetter;
import io.sidstream.schemas.WireFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code tokens dead-letters}. */
@Command(
    name = "dead-letters",
    mixinStandardHelpOptions = true,
    description = {
      "Print what the job could not use, as JSON lines: the rule, the reason, where the record was, its key.",
      "How many by rule goes to the error stream. docs/dead-letters.md says what each rule means."
    })
final class DeadLettersCommand implements Callable<Integer> {
  @Mixin TokensCommand.Where where;

  @Option(
      names = "--code",
      paramLabel = "RULE",
      description = "Only those of a rule, such as VECTOR_ZERO.")
  String code;

  @Option(names = "--values", description = "With key and value as base64, as they were.")
  boolean values;

  @Override
  public Integer call() {
    WireFormat wire = new WireFormat();
    Map<String, Long> counts = new TreeMap<>();
    TokenLog.read(
        where.bootstrap(),
        where.prefix(),
        where.properties(),
        Set.of("dead-letters"),
        new String[] {"dead-letters"},
        record -> {
          String place = TokenLog.place(record);
          DeadLetter letter;
          try {
            letter = wire.decode(record.value(), DeadLetter.class);
          } catch (RuntimeException e) {
            System.err.println("sidstream: " + place + " is no dead letter: " + e.getMessage());
            return;
          }
          if (code == null || code.equals(letter.getCode())) {
            counts.merge(letter.getCode(), 1L, Long::sum);
            System.out.println(RowText.write(fields(letter)));
          }
        });
    System.out.flush();
    System.err.printf(
        "%,d dead letters%s%n",
        counts.values().stream().mapToLong(Long::longValue).sum(),
        counts.isEmpty() ? "" : ": " + counts);
    return 0;
  }

  private Map<String, Object> fields(DeadLetter letter) {
    Map<String, Object> fields = new LinkedHashMap<>();
    fields.put("code", letter.getCode());
    fields.put("reason", letter.getReason());
    fields.put("topic", letter.getTopic());
    fields.put("partition", letter.getPartition());
    fields.put("offset", letter.getOffset());
    fields.put("timestamp", letter.getTimestamp().toString());
    fields.put("rejected", letter.getTime().toString());
    fields.put("key", TokenLog.key(letter));
    fields.put("valueBytes", letter.getValueLength());
    if (values) {
      // Jackson writes bytes as base64.
      fields.put("keyBase64", letter.getKey());
      fields.put("valueBase64", letter.getValue());
    }
    return fields;
  }
}
