#!/usr/bin/python3
"""tidy - holds the tree to its own rules: floors, rooms, sizes, and what C is written like.

    tests/tidy.py            checks itself, then the tree that it stands in
    tests/tidy.py ROOT       the same for another tree

Each finding is "file:line: text". The last line counts: "tidy: N rules passed, N failed". The exit
status is 1 when there is a finding. tests/floors.txt lists the rooms, from the top down: a file
includes only headers of rooms above its own.

Headers of other libraries have one room each. A room may have several .c files when they share a
private header, src/<floor>/<room>_<word>.h, which is listed in floors.txt as well: each .c file of
that folder whose name begins with the room's and that includes the header is a part of the room.
"""

import pathlib
import re
import shutil
import subprocess
import sys

LINES_PER_FUNCTION = 70
PARAMETERS = 5
COLUMNS = 100
LINES_PER_FILE = 600
LINES_PER_FILE_WARNING = 500
CLANG_FORMAT_MAJOR = 14  # others lay out the same .clang-format in other ways

# A library's headers, the files that may include them, and how its names begin.
ONE_ROOM = [
    (r"liburing.*", r"src/io/loop\w*\.[ch]", r"io_uring_\w+"),
    (r"wolfssl/.*", r"src/io/tls\w*\.[ch]", r"WOLFSSL\w*|wolfSSL_\w+|wc_\w+"),
    (r"llhttp\.h", r"src/http/parser\.c", r"llhttp_\w+"),
    (r"intel-ipsec-mb\.h", r"src/io/tls_bulk\.c", r"IMB_\w+|imb_\w+|gcm_\w+"),
    (r"ares\.h", r"src/io/resolver\w*\.[ch]", r"ares_\w+|ARES_\w+"),
    (r"pcre2\.h", r"src/conf/regex\.c", r"pcre2_\w+|PCRE2_\w+"),
    (r"zlib\.h", r"src/proxy/log_pack\.c", r"z_stream\w*|deflate\w+"),
    (r"crypt\.h", r"src/proxy/password\.c", r"crypt_\w+"),
    (r"curl/.*", r"src/server/stapler\.c", r"curl_\w+|CURL\w*"),
]

# Globals that may change: (file, name) and why.
MUTABLE = {
    ("src/core/log.c", "lost_count"): "lines are lost by whatever log there is, also between two",
    ("src/io/tls_bulk.c", "bulk"): "wolfSSL's devices are the process's",
    ("src/io/tls_hkdf.c", "memory"): "wolfSSL hands down nothing of a session; each thread's own",
}

TEXT_FOLDERS = ["src", "include", "tests", "scripts", "bench", "configs"]
TEXT_SUFFIXES = {"", ".c", ".h", ".py", ".sh", ".build", ".md", ".conf", ".txt", ".ini"}
C_SUFFIXES = {".c", ".h"}

DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.MULTILINE)
NO_VARIABLE = re.compile(r"(typedef|static_assert|_Static_assert)\b")

RULES = []


def rule(function):
    """A generator of (path, line, text) over a tree; a text that begins with "warning" is none."""
    RULES.append(function)
    return function


class File:
    """One text, and its C with comments and strings blanked out, line by line the same."""

    BLANKED = re.compile(
        r"//[^\n]*|/\*.*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        self.is_c = pathlib.PurePath(path).suffix in C_SUFFIXES
        self.code = self.BLANKED.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), text)

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def includes(self):
        """(line, name, is_ours) of each #include."""
        for at, line in enumerate(self.lines, 1):
            found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if found:
                yield at, found[2], found[1] == '"'


class Tree:
    """All texts below a root, and the order of the rooms."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.ignored = None
        self.files = {}
        for path in sorted(self._paths()):
            try:
                text = (self.root / path).read_bytes().decode()
            except (UnicodeDecodeError, FileNotFoundError):  # no text, or gone meanwhile
                continue
            self.files[path] = File(path, text)
        self.floors = []  # (line, room)
        for at, line in enumerate(self.lines_of("tests/floors.txt"), 1):
            if line.strip() and not line.startswith("#"):
                self.floors.append((at, line.strip()))
        self.rank = {room: at for at, (_, room) in enumerate(self.floors)}

    def _is_made(self, name):
        """True for what git is told to ignore: programs make it, nobody reads it as source."""
        if self.ignored is None:
            out = subprocess.run(
                ["git", "-C", str(self.root), "ls-files", "-oi", "--exclude-standard"],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
            self.ignored = set(out.splitlines())
        return str(name) in self.ignored

    def _paths(self):
        for folder in TEXT_FOLDERS:
            for path in (self.root / folder).rglob("*"):
                name = path.relative_to(self.root)
                is_hidden = any(part[0] in "._" for part in name.parts[:-1])
                if (path.is_file() and path.suffix in TEXT_SUFFIXES and not is_hidden
                        and not self._is_made(name)):
                    yield str(name)
        for path in self.root.glob("*"):
            if path.is_file() and path.suffix in {".md", ".build"}:
                yield path.name

    def lines_of(self, path):
        return self.files[path].lines if path in self.files else []

    def c_files(self, *folders):
        for path, file in self.files.items():
            if file.is_c and (not folders or path.split("/")[0] in folders):
                yield file

    def rooms(self):
        """Files of src and include with their room; main.c stands below all and is none."""
        for file in self.c_files("src", "include"):
            if file.path != "src/main.c":
                yield file, room_of(file.path)

    def private_header(self, file):
        """The path of the private header whose room a .c file is a part of, or None."""
        for _, name, is_ours in file.includes():
            path = str(pathlib.PurePath(file.path).parent / name)
            is_part = file.path.startswith(re.sub(r"_\w+\.h$", "", path))
            if is_ours and is_part and file.path.endswith(".c") and path in self.files:
                return path
        return None


def room_of(path):
    return re.sub(r"^(src|include)/|\.[ch]$", "", path)


@rule
def rooms_mirror(tree):
    """src/<floor>/x.c and include/<floor>/x.h belong together."""
    for file, room in tree.rooms():
        header = f"include/{room}.h"
        if file.path.endswith(".c") and header not in tree.files and not tree.private_header(file):
            yield file.path, 1, f"has no {header}"
        if file.path == header and f"src/{room}.c" not in tree.files:
            for line, name in prototypes(file):
                yield file.path, line, f"{name}() is declared, and there is no src/{room}.c"


def prototypes(file):
    """(line, name) of functions that a header declares and does not define."""
    for line, statement in statements(file):
        found = re.search(r"(\w+)\s*\(", statement)
        if found and "{" not in statement and not NO_VARIABLE.match(statement):
            yield line, found[1]


@rule
def rooms_are_listed(tree):
    """Each room stands in tests/floors.txt once, and each line there is a room."""
    rooms = {}
    for file, room in tree.rooms():
        rooms.setdefault(room, file.path)
    for room, path in rooms.items():
        if room not in tree.rank:
            yield path, 1, f"{room} is not in tests/floors.txt"
    seen = set()
    for line, room in tree.floors:
        if room in seen:
            yield "tests/floors.txt", line, f"{room} is listed twice"
        elif room not in rooms:
            yield "tests/floors.txt", line, f"there is no {room}"
        seen.add(room)


@rule
def includes_go_up(tree):
    """A file includes only headers of rooms above its own, and its own header."""
    for file, room in tree.rooms():
        own = tree.rank.get(room, len(tree.rank))
        private = tree.private_header(file)
        if private:
            own = max(own, tree.rank.get(room_of(private), own))
        for line, name, is_ours in file.includes():
            other = included_room(tree, file, name) if is_ours else None
            if not other:
                continue
            if file.path.endswith(".c") and other in (room, private and room_of(private)):
                continue
            if tree.rank.get(other, -1) >= own:  # rooms_are_listed tells of the others
                yield file.path, line, f"{name} is not above {room} in tests/floors.txt"


def included_room(tree, file, name):
    beside = str(pathlib.PurePath(file.path).parent / name)
    if beside in tree.files:
        return room_of(beside)
    return room_of(f"include/{name}")


@rule
def includes_are_in_order(tree):
    """A .c file includes its own header (or its private one), then the system's, then ours."""
    for file, room in tree.rooms():
        if not file.path.endswith(".c"):
            continue
        included = list(file.includes())
        private = tree.private_header(file)
        firsts = {f"{room}.h", private and pathlib.PurePath(private).name}
        if not included or included[0][1] not in firsts:
            yield file.path, included[0][0] if included else 1, "does not include its header first"
            continue
        is_behind_ours = False
        for line, name, is_ours in included[1:]:
            if name in firsts:
                continue
            if is_behind_ours and not is_ours:
                yield file.path, line, f"<{name}> stands behind headers of ours"
            is_behind_ours |= is_ours


@rule
def libraries_have_one_room(tree):
    """Each library is included by one room, and no name of it stands in a header of ours."""
    for file in tree.c_files("src", "include"):
        for header, place, names in ONE_ROOM:
            for line, name, _ in file.includes():
                if re.fullmatch(header, name) and not re.fullmatch(place, file.path):
                    yield file.path, line, f"{name} is for {place} alone".replace("\\", "")
            if file.path.startswith("include/"):
                for found in re.finditer(rf"\b(?:{names})\b", file.code):
                    yield file.path, file.line_of(found.start()), f"{found[0]} in a header of ours"


@rule
def functions_are_short(tree):
    """From its first line to its closing brace, a function has at most 70 lines."""
    for file in tree.c_files():
        lines = file.code.split("\n")
        for at, line in enumerate(lines):
            if line.rstrip() != "{" or "}" not in lines[at:]:
                continue
            first = at
            while first > 0 and re.match(r"[^\s#}]|\s+\S", lines[first - 1]):
                first -= 1
            length = lines.index("}", at) - first + 1
            if length > LINES_PER_FUNCTION:
                yield file.path, first + 1, f"a function of {length} lines"


@rule
def functions_take_few_parameters(tree):
    """At most five, without "..."; what a library calls has as many as that wants."""
    for file in tree.c_files("src", "include"):
        code = re.sub(r"PRINTF_LIKE\(.*?\)", lambda found: " " * len(found[0]), file.code)
        for found in re.finditer(r"^\w[\w *]*?\b(\w+)\((\w[^;{}]*?)\)[^;{}()]*[;{]", code,
                                 re.MULTILINE):
            outer = re.sub(r"\([^()]*\)|,\s*\.\.\.", "", found[2])
            count = outer.count(",") + 1
            is_of_library = re.search(r"WOLFSSL|(\b|_)wc_|\bares_", found[0])
            if count > PARAMETERS and not is_of_library:
                yield (file.path, file.line_of(found.start()),
                       f"{found[1]}() takes {count} parameters")


@rule
def lines_are_short(tree):
    """At most 100 columns."""
    for file in tree.files.values():
        if not file.is_c and not file.path.endswith(".py"):
            continue
        for at, line in enumerate(file.lines, 1):
            if len(line) > COLUMNS:
                yield file.path, at, f"{len(line)} columns"


@rule
def files_are_short(tree):
    """At most 600 lines; 500 are worth a word."""
    for file in tree.files.values():
        if not file.is_c and not file.path.endswith(".py"):
            continue
        length = file.text.count("\n")
        if length > LINES_PER_FILE:
            yield file.path, 1, f"{length} lines"
        elif length > LINES_PER_FILE_WARNING:
            yield file.path, 1, f"warning: {length} lines"


@rule
def blanks_are_spaces(tree):
    """No tabs, no carriage returns, no blanks at the end of a line, a line feed at the end."""
    for file in tree.files.values():
        for at, line in enumerate(file.lines, 1):
            if "\t" in line:
                yield file.path, at, "a tab"
            if re.search(r"\s$", line):
                yield file.path, at, "blanks at the end of the line"
        if file.text and (not file.text.endswith("\n") or file.text.endswith("\n\n")):
            yield file.path, len(file.lines), "does not end with one line feed"


@rule
def nothing_is_put_off(tree):
    """No notes of what is still to be done: they belong where work is planned."""
    note = re.compile(r"\b(TO" r"DO|FIX" r"ME)\b")
    for file in tree.files.values():
        for at, line in enumerate(file.lines, 1):
            found = note.search(line)
            if found:
                yield file.path, at, found[0]


@rule
def typedefs_are_of_functions(tree):
    """typedef for function types only."""
    for file in tree.c_files():
        for found in re.finditer(r"\btypedef\b[^;]*;", file.code):
            if "{" in found[0] or "(" not in found[0]:
                yield file.path, file.line_of(found.start()), "a typedef of no function type"


@rule
def files_say_what_they_are(tree):
    """The first line is a comment: "/* name - …", for a unit test "/* Tests of …"."""
    for file in tree.c_files():
        name = pathlib.PurePath(file.path).stem
        opening = "/* Tests of " if file.path.startswith("tests/unit/") else f"/* {name} - "
        if not file.text.startswith(opening):
            yield file.path, 1, f'does not begin with "{opening}…"'


@rule
def globals_are_constant(tree):
    """No variable at file scope, and no static one in a function, that can change."""
    for file in tree.c_files("src", "include"):
        for line, statement in statements(file):
            name = mutable_name(statement)
            if name and (file.path, name) not in MUTABLE:
                yield file.path, line, f"{name} can change"
        for found in re.finditer(r"^[ \t]+static\s+([^;{=(]*)", file.code, re.MULTILINE):
            name = mutable_name(found[1])
            if name and (file.path, name) not in MUTABLE:
                yield file.path, file.line_of(found.start()), f"{name} can change"
    yield from mutable_symbols(tree)


def statements(file):
    """(line, text) of what stands at file scope; blocks are cut down to "{}", functions go."""
    code = DIRECTIVE.sub(lambda m: re.sub(r"[^\n]", " ", m[0]), file.code)
    depth, begin, text = 0, 0, ""
    for at, c in enumerate(code):
        if not text and c.isspace():
            continue
        if not text:
            begin = at
        if c == "{":
            depth += 1
        elif c == "}":
            depth -= 1
            if depth == 0 and text.rstrip().endswith(")") and "=" not in text:
                text = ""  # a function
            elif depth == 0:
                text += "{}"
        elif c == ";" and depth == 0:
            yield file.line_of(begin), " ".join(text.split())
            text = ""
        elif depth == 0:
            text += c


def is_prototype(statement):
    """A declaration of a function, or a macro that stands for itself; no pointer to a function."""
    return bool(re.match(r"[^(]*\w\s*\((?!\s*\*)", statement.split("=")[0]))


def mutable_name(statement):
    """The name that a statement at file scope makes a variable of, unless that is constant."""
    declaration = re.sub(r"\[[^\]]*\]|__attribute__\s*\(\(.*?\)\)|\b_Alignas\s*\(.*?\)", "",
                         statement.split("=")[0]).strip()
    if NO_VARIABLE.match(declaration) or is_prototype(declaration):
        return None
    if re.fullmatch(r"((struct|enum|union)\s+)?\w*\s*(\{\})?", declaration):
        return None
    pointed = declaration.rsplit("*", 1)
    if re.search(r"\bconst\b", pointed[-1]):
        return None
    names = re.findall(r"\w+", re.sub(r"\)\s*\(.*", "", declaration))
    return names[-1] if names else None


def mutable_symbols(tree):
    """What the compiler put into writable sections, where there is a release build to look at."""
    objdump = shutil.which("objdump")
    for path in sorted(tree.root.glob("build/release/src/*.p/*.c.o")) if objdump else []:
        floor, _, name = path.name[:-len(".o")].partition("_")
        source = f"src/{floor}/{name}" if name else f"src/{floor}"
        if source not in tree.files or is_older(path, tree.root / source):
            continue
        for symbol in writable_symbols(objdump, path):
            if (source, symbol) not in MUTABLE:
                found = re.search(rf"\b{re.escape(symbol)}\b", tree.files[source].code)
                line = tree.files[source].line_of(found.start()) if found else 1
                yield source, line, f"{symbol} can change, says {path.relative_to(tree.root)}"


def is_older(path, other):
    return path.stat().st_mtime < other.stat().st_mtime


def writable_symbols(objdump, path):
    """By objdump: nm asks link-time optimization's plugin, which knows no sections."""
    listing = subprocess.run([objdump, "--syms", path], capture_output=True, text=True,
                             check=True).stdout
    for flags, section, name in re.findall(r"^[0-9a-f]+ (.{7}) (\S+)\t[0-9a-f]+ (.+)$", listing,
                                           re.MULTILINE):
        if "d" not in flags and re.match(r"\.t?(data|bss)|\*COM\*", section) \
                and not section.startswith(".data.rel.ro"):
            yield re.sub(r"\.\d+$", "", name.split()[-1])


@rule
def layout_is_clang_format(tree):
    """As clang-format lays it out by .clang-format, where it is installed in the right version."""
    tool = shutil.which("clang-format")
    if not tool or not (tree.root / ".clang-format").exists():
        return
    version = subprocess.run([tool, "--version"], capture_output=True, text=True, check=True).stdout
    if f"version {CLANG_FORMAT_MAJOR}." not in version:
        return
    paths = [file.path for file in tree.c_files()]
    report = subprocess.run([tool, "--dry-run", *paths], cwd=tree.root, capture_output=True,
                            text=True, check=False).stderr
    seen = set()
    for found in re.finditer(r"^([^\s:]+):(\d+):\d+: (?:warning|error): ", report, re.MULTILINE):
        if found[1] not in seen:
            yield found[1], int(found[2]), "clang-format would lay this out in another way"
        seen.add(found[1])


def check(tree):
    """Prints the findings of every rule; returns how many rules had none, and how many had."""
    passed = failed = 0
    for function in RULES:
        findings = list(function(tree))
        for path, line, text in findings:
            print(f"{path}:{line}: {text}")
        if all(text.startswith("warning") for _, _, text in findings):
            passed += 1
        else:
            failed += 1
    return passed, failed


def main():
    here = pathlib.Path(__file__).resolve().parent
    sys.path.insert(0, str(here))
    sys.dont_write_bytecode = True
    import tidy_samples  # pylint: disable=import-outside-toplevel

    passed, failed = check(Tree(sys.argv[1] if len(sys.argv) > 1 else here.parent))
    faults = tidy_samples.faults(Tree, RULES)
    for fault in faults:
        print(f"tests/tidy_samples.py:1: {fault}")
    passed, failed = (passed, failed + 1) if faults else (passed + 1, failed)
    print(f"tidy: {passed} rules passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
