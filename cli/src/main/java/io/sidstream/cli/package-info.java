/**
 * What commands share. The commands are in packages by what they are about, and come together in
 * {@link io.sidstream.cli.main.Main}.
 */
package io.sidstream.cli;
