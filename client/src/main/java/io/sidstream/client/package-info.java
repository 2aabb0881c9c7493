/**
 * What a consumer embeds: {@link io.sidstream.client.TokenTable}, a table of semantic IDs kept from
 * Kafka. Kafka clients and Avro only.
 */
package io.sidstream.client;
