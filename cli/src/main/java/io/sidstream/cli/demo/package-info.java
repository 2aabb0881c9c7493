/** {@code sidstream demo}: broker, Flink, data and job in one process. */
package io.sidstream.cli.demo;
