/**
 * Records of files: JSON lines, CSV, TSV and Parquet, and how their columns become the fields of
 * items and interactions.
 */
package io.sidstream.cli.rows;
