/* Tests of core/outcome. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/outcome.h"

static void every_row_is_filled(void **state)
{
    (void)state;
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        const struct outcome_row *row = outcome_row((enum outcome)i);

        assert_non_null(row->word);
        assert_true(strlen(row->word) > 0);
        assert_true(row->fault <= FAULT_US);
        assert_true(row->retry <= RETRY_STALE);
    }
}

/* Words are values of a metric's label: each of its own, lower case. */
static void words_are_unique_labels(void **state)
{
    (void)state;
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        const char *word = outcome_row((enum outcome)i)->word;

        assert_int_equal(strspn(word, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(word));
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(word, outcome_row((enum outcome)k)->word);
    }
}

static void statuses_are_errors_or_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        unsigned status = outcome_row((enum outcome)i)->status;

        assert_true(status == 0 || (status >= 400 && status <= 599));
    }
}

/* Whoever is at fault decides the class of the status: 4xx is the client's. 501 and 505 answer a
 * client that asks for what we do not have (RFC 9110 sections 15.6.2 and 15.6.6). */
static void classes_tell_whose_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        const struct outcome_row *row = outcome_row((enum outcome)i);

        if (row->status >= 400 && row->status < 500)
            assert_int_equal(row->fault, FAULT_CLIENT);
        if (row->fault == FAULT_UPSTREAM && row->status)
            assert_true(row->status >= 500);
    }
}

static void only_faults_of_the_upstream_are_tried_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < OUTCOME_COUNT; i++) {
        const struct outcome_row *row = outcome_row((enum outcome)i);

        if (row->retry != RETRY_NEVER)
            assert_int_equal(row->fault, FAULT_UPSTREAM);
    }
    assert_int_equal(outcome_row(OUTCOME_CONNECT_FAILED)->retry, RETRY_ERROR);
    assert_int_equal(outcome_row(OUTCOME_CONNECT_TIMEOUT)->retry, RETRY_TIMEOUT);
}

static void none_is_the_zero_value(void **state)
{
    (void)state;
    assert_int_equal(OUTCOME_NONE, 0);
    assert_int_equal(outcome_row(OUTCOME_NONE)->status, 0);
    assert_int_equal(outcome_row(OUTCOME_DONE)->fault, FAULT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_filled),
        cmocka_unit_test(words_are_unique_labels),
        cmocka_unit_test(statuses_are_errors_or_none),
        cmocka_unit_test(classes_tell_whose_fault),
        cmocka_unit_test(only_faults_of_the_upstream_are_tried_again),
        cmocka_unit_test(none_is_the_zero_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
