/**
 * What measures and compares, and is not shipped: {@link io.sidstream.lab.bench benchmarks}, {@link
 * io.sidstream.lab.tiger baselines} of other papers, experiments. Nothing that is shipped depends
 * on it.
 */
package io.sidstream.lab;
