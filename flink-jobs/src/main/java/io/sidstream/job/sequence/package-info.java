/** The newest items of every user, as windows to train on. */
package io.sidstream.job.sequence;
