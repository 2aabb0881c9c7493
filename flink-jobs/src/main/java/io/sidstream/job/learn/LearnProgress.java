package io.sidstream.job.learn;

import java.util.Arrays;

/** Where a shard stands; with its tables and its model it is all that a restart goes on from. */
public class LearnProgress implements Cloneable {
  /** What a shard is doing. */
  public enum Phase {
    /** No model yet: what arrives is collected. */
    COLLECT,
    /** Between rounds. */
    IDLE,
    /** What a round learns from is taken from the queues into the tables. */
    TAKE,
    /** The round is drawn and computed; a restart does both again. */
    COMPUTE,
    /** What it came to is put aside and sent; a restart computes it again and sends the rest. */
    STORE,
    /** What was put aside is put into the tables. */
    APPLY,
    /** The shard waits for what the merge makes of the round. */
    WAIT,
    /** What the merge made is put into the tables. */
    ADOPT
  }

  public Phase phase = Phase.COLLECT;

  /** The settings that are fixed with this state, as key=value. */
  public String[] shape = {};

  /** The round under way, or the last one between rounds; from 1, 0 for none. */
  public long round;

  /** Newest round that another shard has begun, as far as is known. */
  public long called;

  /** Token version in use, 0 for none. */
  public int version;

  /** Items with a number from here on came after that version began. */
  public long versionItem;

  /** The oldest version whose tokenizer is kept. */
  public int oldestTokenizer = 1;

  /** Place up to which the items have adopted {@link #sweepVersion}. */
  public int sweepPlace;

  public int sweepVersion;

  /** Items and users, and the number that the next new item gets. */
  public int items;

  public int users;

  /** Users with more than one event; theirs are the first places. */
  public int replayable;

  public long nextItem;

  /** Place up to which the sweep for users that are to be forgotten is, and when it began, ms. */
  public int userSweepPlace;

  public long userSweepAt;

  /** What waits in the queues. */
  public long queuedItems;

  public long queuedEvents;

  /** Number of the next arrival. */
  public long arrivals;

  /** Interactions consumed in all. */
  public long interactions;

  /** Interactions with items that have not come: how many, from, to (by number), and dropped. */
  public long waiting;

  public long waitingHead;

  public long waitingTail;
  public long waitingDropped;

  /** Rounds that took more than is wanted, because too much was waiting. */
  public long catchUpRounds;

  /** Events of the round: wanted and taken. */
  public long wanted;

  public long taken;

  /** Users with something new in the round, and windows of theirs that are full. */
  public int touched;

  public int full;

  /** Which of two copies of the model is in use, 0 or 1; and pieces of each. */
  public int copy;

  public int[] pieces = {0, 0};

  /** Pieces of the round's result that were sent; rows of it that were put aside and applied. */
  public int sent;

  public int rowsStored;
  public int rowsApplied;

  /** Pieces of a merged round that wait to be adopted, all of them; 0 for none. */
  public int mergedPieces;

  /** Embeddings that go with the round's result because their items are gone. */
  public int gone;

  /** Processing time of the first item and of the end of the last round, ms; 0 for never. */
  public long firstItemAt;

  public long lastRoundAt;

  /** Where the topics ended at the first start, and whether all before that has been read. */
  public String backlog;

  public boolean backlogRead;

  /** Newest held-out users with a window to rank, oldest first. */
  public String[] heldOut = {};

  /** A copy that shares no array with this. */
  LearnProgress copy() {
    LearnProgress other;
    try {
      other = (LearnProgress) super.clone();
    } catch (CloneNotSupportedException e) {
      throw new AssertionError(e);
    }
    other.shape = shape.clone();
    other.pieces = pieces.clone();
    other.heldOut = heldOut.clone();
    return other;
  }

  /** A held-out user has a new event: it becomes the newest. */
  void heldOut(String user, int most) {
    int at = Arrays.asList(heldOut).indexOf(user);
    int from = at >= 0 || heldOut.length < most ? 0 : 1;
    String[] next = new String[Math.min(most, heldOut.length + (at >= 0 ? 0 : 1))];
    int n = 0;
    for (int i = from; i < heldOut.length; i++) {
      if (i != at) {
        next[n++] = heldOut[i];
      }
    }
    next[n] = user;
    heldOut = next;
  }
}
