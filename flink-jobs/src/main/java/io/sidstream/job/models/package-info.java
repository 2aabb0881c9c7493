/** What of a model is published: its parts, in the formats that readers rank with. */
package io.sidstream.job.models;
