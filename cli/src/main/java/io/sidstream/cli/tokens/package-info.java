/** What can be asked of the token topics: {@code sidstream tokens}. */
package io.sidstream.cli.tokens;
