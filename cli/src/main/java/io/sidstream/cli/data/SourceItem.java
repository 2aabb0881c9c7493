package io.sidstream.cli.data;

import java.util.Map;

/**
 * An item of a data set.
 *
 * @param id identifier, not empty
 * @param title short name, or null
 * @param text what the content vector is computed from, or null
 * @param attributes free attributes such as brand
 * @param row row of the item in a file of vectors, from 0
 * @param vector content vector that the item itself brings, or null
 */
public record SourceItem(
    String id,
    String title,
    String text,
    Map<String, String> attributes,
    int row,
    float[] vector) {}
