package io.sidstream.lab.bench;

/** What is in a block. */
enum BlockKind {
  ITEMS,
  INTERACTIONS,
  BOTH
}
