/* fuzz_parser - the property that both fuzzers of the parser hold it to.
 *
 * The first byte of the input chooses the setup and the sizes of pieces, the rest is the stream. */
#ifndef RINGWAY_TESTS_FUZZ_PARSER_H
#define RINGWAY_TESTS_FUZZ_PARSER_H

#include "transcript.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Heads and trailers while their buffers double, fields, and what is decoded. */
#define FUZZ_ARENA_BYTES_MAX (16 * 4096)

static int fuzz_parser(const uint8_t *data, size_t size, bool is_request)
{
    struct transcript_setup setup = {.limits = TRANSCRIPT_LIMITS, .is_request = is_request};
    struct transcript whole;
    struct transcript pieces;
    struct span stream;

    if (!size)
        return 0;
    setup.seed = data[0];
    setup.answers.was_head = (data[0] & 3) == 3;
    setup.answers.asked_for_upgrade = (data[0] & 12) == 12;
    setup.limits.underscores_in_names = data[0] & 16;
    setup.limits.invalid_names_are_ignored = data[0] & 32;
    setup.limits.slashes_are_merged = data[0] & 64;
    stream = span_of((const char *)data + 1, size - 1);
    transcript_of(&whole, &setup, stream);
    setup.piece_bytes = data[0] & 128 ? 1 : 40;
    transcript_of(&pieces, &setup, stream);
    assert(whole.len == pieces.len);
    assert(memcmp(whole.text, pieces.text, whole.len) == 0);
    assert(whole.arena_bytes <= FUZZ_ARENA_BYTES_MAX);
    assert(pieces.arena_bytes <= FUZZ_ARENA_BYTES_MAX);
    free(whole.text);
    free(pieces.text);
    return 0;
}

#endif
