/** {@code lab bench}: how fast the parts and the whole job are, beside their peers. */
package io.sidstream.lab.bench;
