/** Benchmarks that need a broker and a cluster: {@code lab bench}. */
package io.sidstream.lab.bench;
