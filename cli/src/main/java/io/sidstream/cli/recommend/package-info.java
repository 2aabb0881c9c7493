/** What a user may want next, ranked from the published topics alone. */
package io.sidstream.cli.recommend;
