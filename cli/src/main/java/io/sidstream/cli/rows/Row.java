package io.sidstream.cli.rows;

import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * A record of a file.
 *
 * @param number its line, from 1; of Parquet its row
 * @param fields columns and their values; of CSV and TSV they are texts
 * @param text the record as text: equal texts, equal records
 */
public record Row(long number, ObjectNode fields, String text) {}
