/* order - what the kernel orders between threads, told to ThreadSanitizer.
 *
 * A descriptor's number is used again only once it was closed. ThreadSanitizer follows that by the
 * calls of libc that it intercepts; it sees neither io_uring's close nor its accept, and takes
 * close(2) in one worker for a race with the socket(2) of another that had the number before.
 * Without ThreadSanitizer these do nothing. */
#ifndef RINGWAY_CORE_ORDER_H
#define RINGWAY_CORE_ORDER_H

/* All that this thread did with the descriptor comes before its close by io_uring. */
void order_before_close(int fd);

/* What follows with a descriptor from io_uring comes behind the close of its number. */
void order_behind_open(int fd);

#endif
