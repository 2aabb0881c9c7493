package io.sidstream.cli.train;

import java.util.Map;

/**
 * What a training comes to.
 *
 * @param report its figures, as the JSON names them
 * @param sections the model, as the sections of a file
 * @param times of its steps
 */
public record Trained(Map<String, Object> report, Map<String, byte[]> sections, StepTimes times) {}
