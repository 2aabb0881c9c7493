/** Benchmarks that need a broker and a cluster: {@code sidstream bench}. */
package io.sidstream.cli.bench;
