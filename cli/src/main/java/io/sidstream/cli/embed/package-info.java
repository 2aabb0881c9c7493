/** Content vectors of texts, in a file. */
package io.sidstream.cli.embed;
