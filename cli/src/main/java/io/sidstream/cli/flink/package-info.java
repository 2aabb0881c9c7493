/** A Flink cluster, as its REST API shows it: for who submits to it, watches it or tests it. */
package io.sidstream.cli.flink;
