/** {@code sidstream train}: each model's options and command, and the trainings behind them. */
package io.sidstream.cli.train;
