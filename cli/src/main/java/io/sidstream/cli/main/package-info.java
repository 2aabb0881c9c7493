/** Where the commands come together. */
package io.sidstream.cli.main;
