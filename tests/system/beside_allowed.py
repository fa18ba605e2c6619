"""beside_allowed - where ringway may differ from nginx, and why: all of it, and nothing that is not.

A row allows the differences that all of its patterns match; what is not given matches everything.
A row that matches nothing any more fails the test as well, so the list stays true. until: the
first version of nginx that no longer differs.
"""
import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Allowed:
    """One row. Patterns are searched for: in the case's name, in what differs, in both values."""
    reason: str
    case: str = ""
    ask: str = ""
    what: str = ""
    nginx: str = ""
    ringway: str = ""
    until: tuple = (999,)

    def covers(self, difference):
        return all(re.search(getattr(self, name), getattr(difference, name), re.S)
                   for name in ("case", "ask", "what", "nginx", "ringway"))


ALLOWED = [
    # Answers of our own.
    Allowed("HTTP/1.1 means that a connection is kept: nothing needs to say so",
            what="field connection$", nginx=r"^\['Connection: keep-alive'\]$", ringway="^None$"),
    Allowed("the page of an error has the proxy's name, of which HEAD shows the length",
            ask="^HEAD ", what="field content-length$"),
    Allowed("405 says which methods are allowed: RFC 9110, section 15.5.6",
            what="field allow$", nginx="^None$"),
    Allowed("304 has no length that is not the content's: RFC 9110, section 8.6",
            case="/return$", ask="/304", what="field content-"),
    Allowed("a redirect to nowhere has no empty Location",
            case="/return$", ask="/301-none", what="field location$"),
    Allowed("408 is told: RFC 9110, section 15.5.9",
            case="/return$", ask="/408", what="status line", nginx="eof"),
    Allowed("444 resets the connection, so that nobody takes it for an empty answer",
            ask="/444", what="^end$", nginx="eof", ringway="reset"),
    Allowed("statuses that nginx has no name for have RFC 9110's",
            case="/return_names$", what="status line"),

    # What clients may write.
    Allowed("a target is ASCII: RFC 9112, section 3.2",
            ask="\xfc", what="status line", ringway="400"),
    Allowed("a method is any token, also in small letters: RFC 9110, section 9.1",
            ask="^get ", what="status line", nginx="400"),
    Allowed("an absolute target without a path has the path /: RFC 9110, section 4.2.3",
            ask="^GET http://b.test.x", nginx=r"(\?x|: 20)"),
]


def allowed_by(difference):
    """The first row that covers a difference, or None."""
    return next((row for row in ALLOWED if row.covers(difference)), None)
