"""beside_allowed - where ringway may differ from nginx, and why: all of it, and nothing else.

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
            case="/(return|error_pages|add_header_more|intercepted)$",
            ask="/(304|code-300|if-codes/304|all/304)", what="field content-"),
    Allowed("a redirect to nowhere has no empty Location",
            case="/return$", ask="/301-none", what="field location$"),
    Allowed("408 is told: RFC 9110, section 15.5.9",
            case="(/return|knobs/timeouts)$", what="status line", nginx="^eof",
            ringway="^HTTP/1.1 408"),
    Allowed("444 resets the connection, so that nobody takes it for an empty answer",
            ask="([/=]444|Host: x.test)", what="^end$", nginx="eof", ringway="reset"),
    Allowed("444 likewise, where a site has no server for a request or does not like it",
            case="^sites_.*/(names|moved_pages)$", what="^end$", nginx="^eof$",
            ringway="^reset$"),
    Allowed("statuses that nginx has no name for have RFC 9110's",
            case="/(return_names|intercepted)$", what="status line", nginx=" [0-9]{3}   "),

    Allowed("add_header cannot write a second Content-Length",
            case="^answers/add_header_more$", ask="/removes", nginx="bad Content-Length"),
    Allowed("204 has no Content-Length: RFC 9110, section 8.6",
            case="^sites/api$", ask="OPTIONS ", what="field content-length$", ringway="^None$"),
    Allowed("an empty field adds nothing to a list: RFC 9110, section 5.6.1",
            case="^gates/real_ip$", ask=r"X-Forwarded-For: ( \||$)"),
    Allowed("blanks behind a field's value are none of it: RFC 9110, section 5.5",
            case="^gates/real_ip$", ask="192.0.2.1\t"),


    Allowed("a page shown as 204 or 304 has no fields of the upstream that was asked for it",
            case="^places/empty_pages$", ask="/to-(204|304)-up/", what="field (x-origin|content-)"),

    Allowed("an answer that is passed on has a Date: RFC 9110, section 6.6.1",
            case="^answers/server_and_date$", ask="/none", what="field date", nginx="^None$"),

    # What clients may write.
    Allowed("what RFC 9112 does not allow in a head is refused: bare LF, controls, odd names",
            case="^clients/request_(lines|fields)$", what="status line",
            nginx="^(HTTP/1.1 200|line ends badly)", ringway="^HTTP/1.1 400"),
    Allowed("what the file puts into a target is escaped there: RFC 9112, section 3.2",
            case="^rewrite/upstream$", ask="/decoded%C3%BC"),
    Allowed("a target is ASCII: RFC 9112, section 3.2",
            ask="\xfc", what="status line", ringway="^HTTP/1.1 400"),
    Allowed("a method is any token, also in small letters: RFC 9110, section 9.1",
            ask="^(get|G1T) ", what="status line", nginx="^HTTP/1.1 400"),
    Allowed("an absolute target without a path has the path /: RFC 9110, section 4.2.3",
            ask="^GET http://b.test.x", nginx=r"(\?x|: 20)"),
    Allowed("* is a target of OPTIONS, and CONNECT a method: neither is malformed",
            ask=r"^(OPTIONS \*|CONNECT) ", what="status line", nginx="^HTTP/1.1 400",
            ringway="^HTTP/1.1 405"),
    Allowed("chunked that is not last, and no coding at all: RFC 9112, section 6.1",
            ask="Transfer-Encoding:(?! gzip)", what="status line", nginx="^HTTP/1.1 501",
            ringway="^HTTP/1.1 400"),
    Allowed("an expectation that nobody meets is 417: RFC 9110, section 10.1.1",
            ask="Expect: (x|1)", what="status line", ringway="^HTTP/1.1 417"),
    Allowed("If-Match and If-None-Match are lists, in several lines as well: RFC 9110, 13.1",
            case="^clients/repeated$", ask="If-(None-)?Match", what="status line",
            nginx="^HTTP/1.1 400", ringway="^HTTP/1.1 200"),
    Allowed("a head that is too large is 431: RFC 6585",
            what="status line", nginx="^HTTP/1.1 400.*(Too La|long /long)",
            ringway="^HTTP/1.1 431"),

    Allowed("a line with control bytes is not taken apart for logs, either",
            case="^logs/lines$", nginx='"GET ..x01', ringway='"-" 400'),
    Allowed("the length of a request counts its body, also where nobody reads it",
            case="^sites", what="^log", nginx='"(POST|PUT) .* [345][0-9][0-9] '),
    Allowed("of a head that is refused all that came is counted, and its target told",
            case="^sites", what="^log", nginx=" 400 "),
    Allowed("the 100 before an answer is none of its body",
            case="^sites/forge$", what="^log", nginx="/upload .* 200 43$", ringway=" 200 18$"),

    Allowed("nobody is told to go on who has no body, or has sent it: RFC 9110, section 10.1.1",
            ask="Expect: 100-continue", what="^interim$", ringway=r"^\[\]$"),
    Allowed("a large body that nobody reads ends the connection: RFC 9112, section 9.3",
            case="^requests/buffering$", ask="POST /return .*Content-Length: 131072",
            what="(connection|end|after|4 whole|upstream 3 whole)$"),

    Allowed("HTTP/0.9 is 400, on a port for TLS as elsewhere",
            case="^client_tls/plain_on_tls$", ask="^GET /$", nginx="^bad field line"),
    Allowed("behind 421 the connection goes on for the server that its handshake was for",
            case="^client_tls/misdirected$", what="^(field connection|end|after)$"),

    Allowed("addresses of a PROXY header are addresses, of its family; an unknown command ends the"
            " connection: its sections 2.1 and 2.2",
            case="^preludes/proxy_protocol_broken$", what="status line", nginx="200 OK",
            ringway="^eof", ask=r"(300\.0|TCP4 2001|TCP6 192|^$)"),
    Allowed("behind TLS a PROXY header may have more than 107 bytes since 1.23.2",
            case="^preludes/proxy_protocol_over_tls$", ask=r"QUIT\\n!1", until=(1, 23, 2)),
    Allowed("the library cannot tell clients which authorities are known",
            case="^tls_papers/", ask="^handshake", what="^(authorities|asks for a certificate)$"),
    Allowed("the library has another alert where no group is shared",
            case="^tls_papers/groups$", ask="-groups X25519$", what="^alert$", ringway="^47$"),
    Allowed("a key on a curve signs quicker: it is taken wherever the client can verify it",
            case="^tls_papers/two_certificates$", ask="RSA-PSS.SHA256:ECDSA",
            what="^(certificate|chain|signature)$"),
    # What goes to upstreams.
    Allowed("proxy_http_version is 1.1 by default since 1.29.7",
            what="^upstream . request line$", nginx="HTTP/1.0$", ringway="HTTP/1.1$",
            until=(1, 29, 7)),
    Allowed("connections to upstreams are kept by default since 1.29.7",
            ask="^(?!.*/closing)", what="^upstream . field connection$",
            nginx=r"^\['Connection: close'\]$",
            ringway="^None$", until=(1, 29, 7)),
    Allowed("a line of several fields with one name is joined since 1.23.0",
            case="(request_fields|names_of_fields|set_header)$", nginx="(1[|]|: (13|2)'|a-more)",
            ringway="(1, 2|: (16|5)'|a, b-more)", until=(1, 23)),
    Allowed("fields that are meant for one hop end there: RFC 9110, section 7.6.1",
            case="^proxy/request_fields$", ringway="^None$",
            what="^upstream 0 field (x-hop|proxy-connection|proxy-authorization|trailer)$"),
    Allowed("a request of HTTP/1.1 has a Host: RFC 9112, section 3.2",
            case="^proxy/set_header$", what="^upstream 0 field host$", nginx="^None$"),
    Allowed("newer ones speak HTTP/2 with upstreams: that it is missing here is said",
            case="^refused/proxy_version$", what="refusal"),
    Allowed("the GET that X-Accel-Redirect leads to has no body",
            case="^takeover/", ask="^POST .*/again/", what="^upstream 1 (field|body|fram)"),
    Allowed("Accept-Ranges says one thing",
            case="^(takeover/|sites_content/downloads$)", ask="(Accept-Ranges=none|/file/range)",
            what="field accept-ranges"),
    Allowed("the GET that shows the page of an error has no body",
            ask="^POST /method/x"),
    Allowed("the GET that shows the page for a plain request has no body, either",
            case="^(tls_papers/pages_proxied|guards/intercepted)$", ask="^POST /(x|proxied)",
            what="^(body|upstream [01] )"),

    Allowed("an upstream of HTTP/1.0 is told that the connection ends, as it may wait for more",
            case="^requests/buffering$", ask="/off10", what="^upstream 0 field connection$"),
    Allowed("a body that is streamed keeps its framing, also if it came in one piece",
            case="^(requests/|guards/sizes$)", ask="/(off|streamed) .*chunked",
            what="^upstream 0 "),
    Allowed("of a chunked body no more than client_max_body_size is read to drop it",
            case="^guards/sizes$", ask="(except|if[?]big=1|return|a.txt|try) .*chunked",
            what="(connection|end|after)$"),
    Allowed("who is asked by auth_request gets no body, which could be too large for it",
            case="^guards/sizes$", ask="/(auth|subrequest) ", nginx="(HTTP/1.1 500|none)",
            what="(status line|whole)$"),
    Allowed("an expectation goes on with a body that is streamed: RFC 9110, section 10.1.1",
            case="^(requests/buffering|sites/forge)$", ask="Expect: 100",
            what="^upstream 0 field expect$"),
    Allowed("Upgrade is none unless Connection names it: RFC 9110, section 7.8",
            case="^sites/chat$", ask=r"/socket .*Upgrade: h2c$"),
    Allowed("no upgrade but that of one hop, which both sides want: no HTTP2-Settings goes on",
            case="^sites/chat$", what="^upstream 0 field http2-settings$", ringway="^None$"),
    Allowed("Connection says upgrade with an upgrade alone, and in one spelling",
            case="^sites/monitoring$", ask="/grafana/api/live/",
            what="^upstream 0 field connection$", nginx="Upgrade", ringway="(upgrade|^None)"),

    Allowed("a request line has no blanks within, also where a variable brings them",
            case="^(rewriting/if_content$|sites)",
                ask="/(variable-uri|img|pinned|users/eve)/a%20b"),
    Allowed("a request line is ASCII and has no blanks, also behind rewrite",
            case="^sites_content/moved_pages$", ask="(a%20b|%C3%BC)"),
    Allowed("so upstreams answer something else, which logs tell",
            case="^sites", what="^log", nginx='"GET /(img|pinned|users|news|sport|socket)[/ ]'),

    # What comes from upstreams.
    Allowed("a Content-Type without a value passes on as it came", ask="/type-empty"),
    Allowed("a 416 of our own has no fields of the answer that it stands for",
            case="^answers/force_ranges$", ask="bytes=90-", what="field x-origin"),
    Allowed("an answer with framing that is wrong or ambiguous is 502",
            case="^proxy/bad_answers$", what="status line", ringway="^HTTP/1.1 502"),
    Allowed("a body that is cut ends with a reset, so that nobody takes it for whole",
            what="^cut$", nginx="^eof$", ringway="^reset$"),
    Allowed("a status without a reason gets the usual one, as heads are written anew",
            case="^proxy/answers$", ask="-reason ", what="status line"),

    # Static files.
    Allowed("ranges are for GET alone: RFC 9110, section 14.2",
            ask="^HEAD .*Range", what="status line", nginx="206", ringway="200"),
    Allowed("If-None-Match and If-Match alone decide beside dates: RFC 9110, section 13.2.2",
            ask="(None-Match: .*If-Modified-Since|If-Match: .*If-Unmodified)",
            what="status line"),
    Allowed("a date that is none is no condition: RFC 9110, section 13.1.4",
            ask="If-Unmodified-Since: x?$", what="status line", nginx="412", ringway="200"),
    Allowed("a range beyond the end ends there, whatever the number: RFC 9110, section 14.1.2",
            ask="9999999", what="status line", nginx="416", ringway="206"),
    Allowed("a list may have empty elements: RFC 9110, section 5.6.1",
            ask="bytes=0-1,$", what="status line", nginx="416", ringway="206"),
    Allowed("add_header is for the statuses of its documentation, of which 416 is none",
            case="^static/add_header$", ask="Range: bytes=50-", what="field x-"),

    # Configurations that are refused.
    Allowed("an error in a block tells which block is still open, as its brace may be missing",
            what="refusal", nginx="(not allowed here|unexpected end)", ringway="is still open"),
    Allowed("events has defaults, so the block may be left out where there is http",
            what="refusal", nginx='no "events" section', ringway=r"^\(0, "),
    Allowed("errors about variables and certificates have a file and line, too",
            what="refusal",
            nginx='(^.1, ..unknown "[a-z0-9_{}-]+" variable.\\]|no ".*key" is defined.*").',
            ringway=r"wrong.conf:\d"),
    Allowed("an error about a zone that nobody defines has a file and line, too",
            what="refusal", nginx='zero size shared memory zone "none".\\]', ringway=r"conf:\d"),
    Allowed("what a library says of a file or a cipher is told in our own words",
            what="refusal", nginx="SSL.* routines", ringway=r"wrong.conf:\d"),
    Allowed("files that a directive names are opened, also where verification is off",
            case="^refused/crl$"),
    Allowed("without workers nobody would be served", case="^refused/processes$"),
    Allowed("an asterisk stands at an end of a name only, as the documentation says",
            case="^refused/name_star$", nginx=r"^\(0, "),
    Allowed("the second of two named locations could never be used",
            case="^refused/location_named_twice$", nginx=r"^\(0, "),
    Allowed("a dollar without a name is an invalid variable in formats as elsewhere",
            case="^refused/log_format_dollar$"),
    Allowed("keepalive 0 turns the keeping off since 1.29.7",
            case="^refused/upstream_keepalive$", until=(1, 29, 7)),
    Allowed("values that do not fit together: the line of the value, not of the location's end",
            case="^requests/", what="refusal", nginx="conf:5", ringway="conf:3"),
]


def allowed_by(difference):
    """The first row that covers a difference, or None."""
    return next((row for row in ALLOWED if row.covers(difference)), None)
