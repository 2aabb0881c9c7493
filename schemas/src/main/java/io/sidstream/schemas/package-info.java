/** The records of every topic, their wire format and their released schemas. */
package io.sidstream.schemas;
