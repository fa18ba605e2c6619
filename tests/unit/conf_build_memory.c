/* Tests of conf/build: what a configuration that there is no memory for comes to. */
#include "../conf_text.h"
#include "../scarce_memory.h"

/* Their tree is larger than a block of the arena, so that more than the first one is needed. */
#define LINE_COUNT 2000

static char *text_new(void)
{
    char *text;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    fprintf(f, "error_log /dev/null;\nevents {}\nhttp {\naccess_log off;\n"
               "geo $where { default 0; 10.0.0.0/8 a; }\n"
               "map $arg_a $mapped { ~^(?<x>a+)$ $x; default d;\n");
    for (unsigned i = 0; i < LINE_COUNT; i++)
        fprintf(f, "key%u value;\n", i);
    fprintf(f, "}\nserver { listen 127.0.0.1:8080; server_name ~^a b.example;\n"
               "ssl_session_cache shared:one:1m;\naccess_log logs/$host.log;\n"
               "location ~ /x(.*) { rewrite ^ /$1; root $mapped; } }}\n");
    assert_int_equal(fclose(f), 0);
    return text;
}

/* Whichever piece it is that is not there. */
static void lack_of_memory_is_said_in_one_line(void **state)
{
    static const char line[] = "[emerg] no memory left to "; /* read or build it */
    struct conf_text t;
    char *text = text_new();
    unsigned left = 0;

    (void)state;
    for (bool was_scarce = true; was_scarce; left++) {
        memory_is_scarce(0, left);
        conf_text_build(&t, text);
        was_scarce = memory_was_scarce();
        if (was_scarce) {
            assert_int_equal(t.rc, -ENOMEM);
            assert_memory_equal(t.log, line, sizeof(line) - 1);
            assert_ptr_equal(strchr(t.log, '\n') + 1, t.log + strlen(t.log));
        }
    }
    assert_string_equal(t.log, "");
    assert_int_equal(t.rc, 0);
    assert_true(left > 8);
    conf_text_deinit(&t);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lack_of_memory_is_said_in_one_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
