package io.sidstream.client;

/**
 * What a {@link TokenTable} tells of itself at one moment, for metrics and health checks: {@link
 * TokenTable#stats()}. The module {@code sidstream-client-micrometer} makes meters of it.
 *
 * @param reading whether Kafka is being read, or waited for; false once reading has ended with a
 *     {@link TokenTable#failure()} or the table is closed
 * @param version the version served, 0 before the first
 * @param versionsBehind committed versions, of which the COMMIT is read, that are newer than the
 *     one served: more than 0 for long where rows are missing, after a rollback, or where versions
 *     come faster than they are read
 * @param ageMs time since the version served was committed, ms; -1 before the first
 * @param lag committed records of all topics that are not read yet; -1 where that is not known
 * @param items items that are served with a token, additions among them
 * @param rows token rows and removals read since the table was opened
 * @param skipped records that were not what belongs on their topic, and were passed over
 * @param verifyFailures versions that were reported because they disagree with their COMMIT record
 * @param loadMs time from opening to the first version served, ms; -1 before that
 */
public record TokenTableStats(
    boolean reading,
    int version,
    int versionsBehind,
    long ageMs,
    long lag,
    long items,
    long rows,
    long skipped,
    long verifyFailures,
    long loadMs) {}
