/** A configuration to begin with. */
package io.sidstream.cli.init;
