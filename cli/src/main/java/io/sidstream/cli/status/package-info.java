/** What a running job is worth, read from its topics as any consumer reads them. */
package io.sidstream.cli.status;
