/* summary - what was counted for each upstream peer, as lines of the error log. */
#ifndef RINGWAY_SERVER_SUMMARY_H
#define RINGWAY_SERVER_SUMMARY_H

#include "conf/snapshot.h"

/* At notice, a line for each peer that had anything to do: requests, and how many handshakes were
 * full (and why), resumed, failed. */
void summary_log(const struct log *log, const struct snapshot *s);

#endif
