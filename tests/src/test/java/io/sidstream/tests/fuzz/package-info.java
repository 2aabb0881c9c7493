/** Bytes that nobody wrote, given to every decoder that reads what strangers can write. */
package io.sidstream.tests.fuzz;
