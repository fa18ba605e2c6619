"""tidy_samples - a small tree without fault, and for each rule of tidy.py one with a fault.

Each sample changes files of the clean tree and says where which rule must find something. A rule
that finds nothing any more would let everything pass and look well.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

CLEAN = {
    "tests/floors.txt": "# a comment\ncore/base\ncore/thing\nio/loop\nio/tls\nio/tls_internal\n"
                        "io/tls_part\nproxy/route\n",
    ".clang-format": "BasedOnStyle: LLVM\nIndentWidth: 4\nBreakBeforeBraces: Linux\n"
                     "PointerAlignment: Right\nColumnLimit: 100\nSortIncludes: Never\n"
                     "AllowShortFunctionsOnASingleLine: None\n",
    "include/core/base.h": "/* base - sample. */\n#define ONE 1\n\nstatic inline int one(void)\n"
                           "{\n    return ONE;\n}\n",
    "include/core/thing.h": "/* thing - sample. */\n#include \"core/base.h\"\n\n"
                            "typedef int (*thing_fn)(int of);\n\nstruct thing {\n    int a;\n};\n\n"
                            "int thing_get(const struct thing *t);\n"
                            "void each(void (*f)(int of)) __attribute__((nonnull(1)));\n",
    "src/core/thing.c": "/* thing - sample. */\n#include \"core/thing.h\"\n\n"
                        "#include <stddef.h>\n\n"
                        "static const char *const words[] = {\"a{\", \"b;\"};\n\n"
                        "int thing_get(const struct thing *t)\n{\n"
                        "    static const int none = 0;\n\n"
                        "    return t ? t->a + words[0][0] : none;\n}\n",
    "include/io/loop.h": "/* loop - sample. */\nint loop_run(void);\n",
    "src/io/loop.c": "/* loop - sample. */\n#include \"io/loop.h\"\n\n#include <liburing.h>\n",
    "include/io/tls.h": "/* tls - sample. */\nint tls_run(void);\n",
    "src/io/tls_internal.h": "/* tls_internal - sample. */\n#include <wolfssl/ssl.h>\n\n"
                             "#include \"io/tls.h\"\n",
    "src/io/tls.c": "/* tls - sample. */\n#include \"tls_internal.h\"\n",
    "src/io/tls_part.c": "/* tls_part - sample. */\n#include \"tls_internal.h\"\n",
    "include/proxy/route.h": "/* route - sample. */\n#include \"core/thing.h\"\n\n"
                             "int route(struct thing *t);\n",
    "src/proxy/route.c": "/* route - sample. */\n#include \"proxy/route.h\"\n",
    "src/main.c": "/* main - sample. */\n#include \"proxy/route.h\"\n",
    "tests/unit/core_thing.c": "/* Tests of core/thing. */\n#include \"core/thing.h\"\n",
    "scripts/run": "#!/bin/bash\necho ok\n",
}


def after(path, text):
    """The clean file with something behind it."""
    return {path: CLEAN[path] + text}


def long_function(lines):
    return "\nvoid f(void)\n{\n" + "    one();\n" * (lines - 3) + "}\n"


# (rule, what is changed, where it must be found)
SAMPLES = [
    ("rooms_mirror", {"include/core/thing.h": None}, "src/core/thing.c:1"),
    ("rooms_mirror", {"src/proxy/route.c": None}, "include/proxy/route.h:4"),
    ("rooms_mirror", {"src/io/tls_part.c": "/* tls_part - sample. */\n#include \"io/tls.h\"\n"},
     "src/io/tls_part.c:1"),
    ("rooms_are_listed", {"include/core/new.h": "/* new - sample. */\n"}, "include/core/new.h:1"),
    ("rooms_are_listed", {"src/io/hidden.h": "/* hidden - sample. */\n"}, "src/io/hidden.h:1"),
    ("rooms_are_listed", after("tests/floors.txt", "io/gone\n"), "tests/floors.txt:9"),
    ("rooms_are_listed", after("tests/floors.txt", "core/base\n"), "tests/floors.txt:9"),
    ("includes_go_up", after("include/core/base.h", "#include \"core/thing.h\"\n"),
     "include/core/base.h:8"),
    ("includes_go_up", after("src/core/thing.c", "#include \"proxy/route.h\"\n"),
     "src/core/thing.c:14"),
    ("includes_go_up", after("src/io/tls_part.c", "#include \"proxy/route.h\"\n"),
     "src/io/tls_part.c:3"),
    ("includes_go_up", after("src/io/loop.c", "#include \"tls_internal.h\"\n"), "src/io/loop.c:5"),
    ("includes_are_in_order",
     {"src/proxy/route.c": "/* route - sample. */\n#include <stddef.h>\n\n"
                           "#include \"proxy/route.h\"\n"}, "src/proxy/route.c:2"),
    ("includes_are_in_order",
     after("src/proxy/route.c", "#include \"core/base.h\"\n#include <stddef.h>\n"),
     "src/proxy/route.c:4"),
    ("libraries_have_one_room", after("src/core/thing.c", "#include <liburing.h>\n"),
     "src/core/thing.c:14"),
    ("libraries_have_one_room", after("src/proxy/route.c", "#include <wolfssl/wolfcrypt/rsa.h>\n"),
     "src/proxy/route.c:3"),
    ("libraries_have_one_room", after("src/proxy/route.c", "#include <llhttp.h>\n"),
     "src/proxy/route.c:3"),
    ("libraries_have_one_room", after("src/proxy/route.c", "#include <pcre2.h>\n"),
     "src/proxy/route.c:3"),
    ("libraries_have_one_room", after("src/proxy/route.c", "#include <zlib.h>\n"),
     "src/proxy/route.c:3"),
    ("libraries_have_one_room", after("src/proxy/route.c", "#include <crypt.h>\n"),
     "src/proxy/route.c:3"),
    ("libraries_have_one_room", after("include/io/tls.h", "#include <wolfssl/ssl.h>\n"),
     "include/io/tls.h:3"),
    ("libraries_have_one_room", after("include/io/tls.h", "void f(struct WOLFSSL *s);\n"),
     "include/io/tls.h:3"),
    ("functions_are_short", after("tests/unit/core_thing.c", long_function(71)),
     "tests/unit/core_thing.c:4"),
    ("functions_take_few_parameters",
     after("include/core/base.h", "int f(int a, int b, int c, void (*d)(int, int), int e,\n"
                                  "      int g);\n"), "include/core/base.h:8"),
    ("lines_are_short", after("tests/unit/core_thing.c", f"/*{'x' * 97}*/\n"),
     "tests/unit/core_thing.c:3"),
    ("files_are_short", after("tests/unit/core_thing.c", "int f(void);\n" * 599),
     "tests/unit/core_thing.c:1"),
    ("blanks_are_spaces", after("scripts/run", "\techo\n"), "scripts/run:3"),
    ("blanks_are_spaces", after("scripts/run", "echo \n"), "scripts/run:3"),
    ("blanks_are_spaces", after("scripts/run", "echo\r\n"), "scripts/run:3"),
    ("blanks_are_spaces", after("scripts/run", "echo"), "scripts/run:3"),
    ("nothing_is_put_off", after("scripts/run", "# TO" "DO: more\n"), "scripts/run:3"),
    ("nothing_is_put_off", after("src/main.c", "/* FIX" "ME */\n"), "src/main.c:3"),
    ("typedefs_are_of_functions", after("src/main.c", "typedef struct thing thing_t;\n"),
     "src/main.c:3"),
    ("typedefs_are_of_functions",
     after("src/main.c", "typedef struct {\n    int (*f)(void);\n} t;\n"), "src/main.c:3"),
    ("files_say_what_they_are", {"src/main.c": "/* entry - sample. */\n"}, "src/main.c:1"),
    ("files_say_what_they_are", {"tests/unit/core_thing.c": "int f(void);\n"},
     "tests/unit/core_thing.c:1"),
    ("globals_are_constant", after("src/main.c", "static int count;\n"), "src/main.c:3"),
    ("globals_are_constant", after("src/main.c", "const char *word = \"a\";\n"), "src/main.c:3"),
    ("globals_are_constant", after("src/main.c", "static int (*handler)(int);\n"), "src/main.c:3"),
    ("globals_are_constant", after("src/main.c", "struct thing things[2] = {{1}, {2}};\n"),
     "src/main.c:3"),
    ("globals_are_constant",
     after("src/main.c", "void f(void)\n{\n    static _Atomic int count = 1;\n}\n"),
     "src/main.c:5"),
]

# What the text alone does not show is found in the object: a macro that makes a variable.
HIDDEN_GLOBAL = ("#define HIDE(name) int name\nHIDE(hidden_count);\n"
                 "int f(void)\n{\n    return hidden_count++;\n}\n")
BAD_LAYOUT = "int  f(void) ;\n"


def write(root, files):
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if text is None:
            target.unlink()
        else:
            target.write_text(text, encoding="utf-8", newline="")


def found(rules, tree):
    """{rule: ["file:line", …]} of what is no warning."""
    return {function.__name__: [f"{path}:{line}" for path, line, text in function(tree)
                                if not text.startswith("warning")] for function in rules}


def build_hidden_global(root):
    """A release object of src/main.c; False where there is no compiler."""
    folder = root / "build/release/src/ringway.p"
    compiler = shutil.which("cc") or shutil.which("gcc")
    if not compiler or not shutil.which("objdump"):
        return False
    folder.mkdir(parents=True)
    os.utime(root / "src/main.c", (0, 0))
    subprocess.run([compiler, "-c", "-I", root / "include", root / "src/main.c", "-o",
                    folder / "main.c.o"], check=True)
    return True


def faults(make_tree, rules):
    """Where the rules do not find what they should, or find what is none."""
    result = []
    quick = [function for function in rules if function.__name__ != "layout_is_clang_format"]
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        write(root, CLEAN)
        for name, places in found(rules, make_tree(root)).items():
            result += [f"{name} finds {place} in a clean tree" for place in places]
        for name, change, place in SAMPLES:
            write(root, change)
            if place not in found(quick, make_tree(root))[name]:
                result.append(f"{name} does not find {place} of {change}")
            write(root, {path: CLEAN.get(path) for path in change})
        result += tool_faults(root, make_tree, rules)
    sampled = {name for name, _, _ in SAMPLES} | {"layout_is_clang_format"}
    result += [f"{function.__name__} has no sample" for function in rules
               if function.__name__ not in sampled]
    return result


def tool_faults(root, make_tree, rules):
    """The same for the rules that run other programs, where those are there."""
    result = []
    write(root, after("src/main.c", HIDDEN_GLOBAL))
    if build_hidden_global(root) and \
            "src/main.c:4" not in found(rules, make_tree(root))["globals_are_constant"]:
        result.append("globals_are_constant does not find what is in an object")
    write(root, after("src/main.c", BAD_LAYOUT))
    places = found(rules, make_tree(root))["layout_is_clang_format"]
    if shutil.which("clang-format") and has_tool_version() and "src/main.c:3" not in places:
        result.append("layout_is_clang_format does not find src/main.c:3")
    return result


def has_tool_version():
    version = subprocess.run(["clang-format", "--version"], capture_output=True, text=True,
                             check=True).stdout
    return "version 14." in version
