package io.sidstream.job.learn;

import io.sidstream.job.record.RoundPiece;
import java.util.Arrays;

/** Bytes as pieces that a network buffer and a state entry like, made when they are asked for. */
final class RoundPieces {
  private static final int PIECE = 1 << 18;

  private final int shard;
  private final long round;
  private final byte[] whole;

  RoundPieces(int shard, long round, byte[] whole) {
    this.shard = shard;
    this.round = round;
    this.whole = whole;
  }

  int count() {
    return Math.max(1, (whole.length + PIECE - 1) / PIECE);
  }

  RoundPiece piece(int index) {
    RoundPiece piece = new RoundPiece();
    piece.shard = shard;
    piece.round = round;
    piece.index = index;
    piece.count = count();
    piece.data =
        Arrays.copyOfRange(whole, index * PIECE, Math.min(whole.length, (index + 1) * PIECE));
    return piece;
  }
}
