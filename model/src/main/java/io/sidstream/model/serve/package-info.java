/** What is served: the parts of a model that a reader ranks with, and the ranking itself. */
package io.sidstream.model.serve;
