/** {@code sidstream ui}: the report's views, kept up to date by a server. */
package io.sidstream.cli.ui;
