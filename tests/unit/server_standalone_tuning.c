/* Tests of server/standalone: flags for tuning, beside a file and of several words. */
#include "../command_line.h"

#include "server/standalone.h"

static void beside_a_file_only_the_flags_for_tuning_are_written(void **state)
{
    struct standalone s;
    char error[OPTIONS_ERROR_BYTES];
    struct called c;

    call_taken(&c, "ringway -c a.conf --worker-connections 9 --workers 2");
    assert_int_equal(standalone_init(&s, &c.o, error), 0);
    assert_string_equal(s.text, "worker_processes \"2\";\n"
                                "events {\n"
                                "worker_connections \"9\";\n"
                                "}\n");
    standalone_deinit(&s);
}

/* The value of a flag, as a shell passes it. */
static void write_value(char *flag, char *value, struct standalone *s)
{
    char name[] = "ringway", *words[] = {name, flag, value, NULL};
    char error[OPTIONS_ERROR_BYTES] = "";
    struct options o;

    assert_int_equal(options_parse(&o, 3, words, error), 0);
    assert_int_equal(standalone_init(s, &o, error), 0);
}

static void each_word_of_a_value_is_an_argument(void **state)
{
    static const struct {
        char value[24];
        const char *line;
    } rows[] = {
        {"0001", "worker_cpu_affinity \"0001\";\n"},
        {"auto 11", "worker_cpu_affinity \"auto\" \"11\";\n"},
        {"  01  10 ", "worker_cpu_affinity \"01\" \"10\";\n"},
        {"01;\"daemon", "worker_cpu_affinity \"01;\\\"daemon\";\n"},
        {" ", "worker_cpu_affinity;\n"},
    };

    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char flag[] = "--affinity", value[24];
        struct standalone s;

        memcpy(value, rows[i].value, sizeof(value));
        write_value(flag, value, &s);
        assert_memory_equal(s.text, rows[i].line, strlen(rows[i].line));
        standalone_deinit(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beside_a_file_only_the_flags_for_tuning_are_written),
        cmocka_unit_test(each_word_of_a_value_is_an_argument),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
