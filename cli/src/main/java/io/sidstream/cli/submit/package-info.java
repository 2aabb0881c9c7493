/** {@code sidstream submit}: the job's jar on a running Flink cluster, by its REST API. */
package io.sidstream.cli.submit;
