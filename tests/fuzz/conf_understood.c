/* conf_understood - what is printed of a configuration reads as the same. */
#include "../understood_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct understood first, second;
    struct span text;
    int rc;

    if (understood_read(&first, span_of((const char *)data, size)) == 0) {
        rc = conf_print_understood(&first.conf, &text);
        assert(rc == 0);
        rc = understood_read(&second, text);
        assert(rc == 0);
        assert(understood_is_same(&first.conf.tree.root, &second.conf.tree.root));
        understood_free(&second);
    }
    understood_free(&first);
    return 0;
}
