"""What becomes of Location, Refresh and Set-Cookie: proxy_redirect, proxy_cookie_*."""
from urllib.parse import parse_qsl, quote

import wire
from beside import ask, case


def fields_of_query(_, request):
    """The fields that the query names; ORIGIN in them is the origin's own address."""
    query = request.target.partition("?")[2]
    return wire.response(200, b"x", [(name, value.replace("ORIGIN", request.get("Host", "")))
                                     for name, value in parse_qsl(query, keep_blank_values=True)])


class Everywhere(dict):
    """The same answer to each target."""

    def get(self, key, default=None):
        return fields_of_query


def says(path, *fields, more=""):
    return path + "?" + "&".join(f"{name}={quote(value)}" for name, value in fields) + more


def location(path, *values):
    return says(path, *(("Location", value) for value in values))


def cookies(path, *values):
    return [says(path, ("Set-Cookie", value)) for value in values]


LIKE_OURS = 'proxy_http_version 1.1; proxy_set_header Connection "";'
CASES = [
    case("redirect_default", LIKE_OURS + """
        location /a/ { proxy_pass http://{origin}/b/; }
        location /n/ { proxy_pass http://{origin};
            location /n/in/ { proxy_pass http://{origin}/zz/; }
            location /n/off/ { proxy_pass http://{origin}; proxy_redirect off;
                location /n/off/in/ { proxy_pass http://{origin}; } }
        }
        location /said/ { proxy_pass http://{origin}/b; proxy_redirect default;
            proxy_redirect http://x/ /y/; }
        location ~ ^/re { proxy_pass http://{origin}; }
        location = /exact { proxy_pass http://{origin}/b/; }
        location /except/ { proxy_pass http://{origin}/b/; limit_except POST { allow all; } }
        """,
         location("/a/", "http://ORIGIN/b/c?d"), location("/a/", "http://ORIGIN/x"),
         location("/a/", "/b/x"), location("/a/", "http://ORIGIN/b"), location("/a/", "b/x"),
         location("/n/", "http://ORIGIN/x"), location("/n/", "http://ORIGIN"),
         location("/n/", "HTTP://ORIGIN/x"), location("/n/", "https://ORIGIN/x"),
         location("/n/in/", "http://ORIGIN/zz/q"), location("/n/off/", "http://ORIGIN/q"),
         location("/n/off/in/", "http://ORIGIN/q"), location("/said/", "http://ORIGIN/b/q"),
         location("/said/", "http://x/q"), location("/re", "http://ORIGIN/b"),
         location("/exact", "http://ORIGIN/b/c"), location("/except/", "http://ORIGIN/b/c"),
         says("/a/", ("Refresh", "5; URL=http://ORIGIN/b/x")), says("/a/", ("Refresh", "5; foo")),
         says("/a/", ("Refresh", "http://ORIGIN/b/x")), says("/a/", ("Refresh", "")),
         says("/a/", ("Refresh", "0;url=")), says("/a/", ("Refresh", "url=u url=http://ORIGIN/b/")),
         ask(location("/n/", "http://ORIGIN/x"), host="other.test:8080"),
         ask(location("/n/", "http://ORIGIN/x"), host=None, version="HTTP/1.0"),
         answers=Everywhere()),
    case("redirect_rules", LIKE_OURS + """
        proxy_redirect http://outer/ /out/;
        location /inherits/ { proxy_pass http://{origin}; }
        location /rules/ { proxy_pass http://{origin};
            proxy_redirect ~^http://x/(?<nm>[a-z]+)(.*)$ /y/$nm$2;
            proxy_redirect ~*^HTTP://Q/ /qq/;
            proxy_redirect http://$arg_h/ $scheme://$host/lit/;
            proxy_redirect /rel/ /abs/;
            add_header X-1 "$1|$nm"; }
        location ~ ^/(?<app>[a-z]+)-re/ { proxy_pass http://{origin};
            proxy_redirect ~^http://[^/]+(/.*) /$app$1; add_header X-1 "$1|$app"; }
        location = /empty { proxy_pass http://{origin};
            proxy_redirect http://x/ ""; proxy_redirect "" pre; }
        location /relative/ { proxy_pass http://{origin}; absolute_redirect off; }
        location /no-port/ { proxy_pass http://{origin}; port_in_redirect off;
            proxy_redirect / /p/; }
        """,
         location("/inherits/", "http://outer/a"), location("/inherits/", "http://ORIGIN/a"),
         location("/rules/", "http://x/abc/d"), location("/rules/", "http://X/abc/d"),
         location("/rules/", "http://q/abc"), location("/rules/", "/rel/abc/d"),
         says("/rules/", ("Location", "http://lit/abc"), ("h", "lit")),
         location("/rules/", "/other"), location("/rules/", ""),
         location("/shop-re/", "http://any/thing?x=y"), location("/shop-re/", "/thing"),
         location("/empty", "http://x/"), location("/empty", "http://x/foo"),
         location("/empty", "/x"), location("/empty", ""),
         location("/relative/", "http://ORIGIN/a"), location("/no-port/", "/a"),
         answers=Everywhere()),
    case("cookies", LIKE_OURS + """
        location /d/ { proxy_pass http://{origin};
            proxy_cookie_domain .one.test .two.test;
            proxy_cookie_domain ~^(\\w+)\\.three\\.test$ $1.3;
            proxy_cookie_domain .e "";
            proxy_cookie_domain $host back.test;
            location /d/in/ { proxy_pass http://{origin}; }
            location /d/off/ { proxy_pass http://{origin}; proxy_cookie_domain off; } }
        location /p/ { proxy_pass http://{origin};
            proxy_cookie_path /a/ /b/; proxy_cookie_path ~^/R(.*) /r$1;
            proxy_cookie_path ~*^/C /c; proxy_cookie_path /emp ""; proxy_cookie_path / /$arg_v; }
        """,
         *cookies("/d/", "a=1", "a=1; Domain=one.test", "a=1; domain=.ONE.test", "a=1;Domain=x",
                  "a=1; Domain=.one.test; Domain=e", "a=1; Domain=sub.THREE.test; Path=/",
                  "a=1; Domain=.sub.three.test", "a=1; Domain=e", "a=1; Domain=.e", "a=1; Domain",
                  "a=1; Domain=", "a=1; Domain=www.test", "a=1; Domain = one.test ; ;; b = c",
                  "", "a", "a; Domain=one.test", ";Domain=one.test", "a=\"x;y\"; Domain=one.test",
                  "a=1;Expires=Wed, 01 Jan 2027 00:00:00 GMT;Domain=one.test;", "Domain=one.test"),
         *cookies("/d/in/", "a=1; Domain=one.test"), *cookies("/d/off/", "a=1; Domain=one.test"),
         *cookies("/p/", "a=1; Path=/a/b", "a=1; path=/A/b", "a=1; Path=/Rabc", "a=1; Path=/rabc",
                  "a=1; Path=/Cabc", "a=1; Path=/cabc", "a=1; Path=/empty", "a=1; Path",
                  "a=1; Path=", "a=1; Path=/", "a=1; Path=\"/a/x\"", "a=1; Path=/a/; Path=/a/"),
         says("/p/", ("Set-Cookie", "a=1; Path=/x"), ("Set-Cookie", "b=2"), ("v", "new")),
         answers=Everywhere()),
    case("cookie_flags", LIKE_OURS + """
        location /f/ { proxy_pass http://{origin};
            proxy_cookie_flags one secure httponly samesite=strict;
            proxy_cookie_flags ~TWO nosecure nohttponly nosamesite;
            proxy_cookie_flags three samesite=none $arg_fl;
            proxy_cookie_flags $arg_name httponly;
            proxy_cookie_flags ~ samesite=lax; }
        """,
         *cookies("/f/", "one=1", "one=1; Secure; HttpOnly; SameSite=Lax; X", "ONE=1",
                  "one=1;secure;HTTPONLY;samesite", "mytwo=1; SECURE; HttpOnly; SameSite=Lax; X",
                  "three=1", "four=1", "noequals", "=x", "one =1", "a=1;b;", "one=a=b"),
         says("/f/", ("Set-Cookie", "three=1"), ("fl", "secure")),
         says("/f/", ("Set-Cookie", "three=1; Secure"), ("fl", "nosecure")),
         says("/f/", ("Set-Cookie", "chosen=1"), ("name", "chosen")),
         answers=Everywhere()),
]
