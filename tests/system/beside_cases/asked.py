"""What upstreams are asked: proxy_method, proxy_set_body, proxy_pass_request_*; and what of their
framing reaches the client."""
from beside import ask, case, on_one_connection
from beside_cases.field_rules import LIKE_OURS, Everywhere, says
from wire import response

FIELDS = [("X-One", "1"), ("Cookie", "a=b"), ("Authorization", "x"), ("User-Agent", "test")]
BODY = b"the request's own body"


def posted(target, **more):
    return ask(target, "POST", body=BODY, fields=FIELDS, **more)


CASES = [
    case("method", LIKE_OURS + """
        location /post/ { proxy_pass http://{origin}; proxy_method POST; }
        location /var/ { proxy_pass http://{origin}; proxy_method $arg_m;
            location /var/in/ { proxy_pass http://{origin}; } }
        location /get/ { proxy_pass http://{origin}; proxy_method GET; }
        """,
         "/post/x", ask("/post/x", "PUT", body=BODY), posted("/var/?m=PATCH"),
         posted("/var/in/?m=DELETE"), posted("/get/"), ask("/get/", "HEAD"),
         on_one_connection(posted("/post/"), "/post/", "/var/?m=OPTIONS")),
    case("set_body", LIKE_OURS + """
        location / { proxy_pass http://{origin}; proxy_set_body "$request_method $arg_b.";
            location /in/ { proxy_pass http://{origin}; }
            location /other/ { proxy_pass http://{origin}; proxy_set_body other; } }
        location /empty/ { proxy_pass http://{origin}; proxy_set_body ""; }
        location /around/ { proxy_pass http://{origin}; proxy_set_body "<$request_body>"; }
        location /off/ { proxy_pass http://{origin}; proxy_set_body x;
            proxy_pass_request_body off; }
        """,
         "/", "/?b=1", posted("/?b=2"), posted("/in/"), posted("/other/"), posted("/empty/"),
         "/empty/", posted("/around/"), "/around/", ask("/", "HEAD"), posted("/off/"),
         on_one_connection(posted("/"), "/", posted("/empty/"), "/other/")),
    case("pass_request", LIKE_OURS + """
        location /no-fields/ { proxy_pass http://{origin}; proxy_pass_request_headers off;
            proxy_set_header X-Set $http_x_one; proxy_set_header Connection ""; }
        location /no-body/ { proxy_pass http://{origin}; proxy_pass_request_body off;
            proxy_set_header Content-Length ""; proxy_set_header Connection ""; }
        location /neither/ { proxy_pass http://{origin}; proxy_pass_request_body off;
            proxy_pass_request_headers off; proxy_set_header Content-Length "";
            proxy_set_header Connection ""; }
        """,
         ask("/no-fields/", fields=FIELDS), posted("/no-fields/"), posted("/no-body/"),
         "/no-body/", posted("/neither/"), ask("/neither/", fields=FIELDS),
         on_one_connection(posted("/no-body/"), "/neither/", posted("/no-fields/"))),
    case("chunked_off", LIKE_OURS + """
        location / { proxy_pass http://{origin}; chunked_transfer_encoding off; }
        """,
         "/chunked", "/length", ask("/chunked", "HEAD"), ask("/chunked", version="HTTP/1.0"),
         answers={"/chunked": response(200, b"some text", framing="chunked")}),
    case("cookies_of_answers", LIKE_OURS + """

        location / { proxy_pass http://{origin};
            add_header X-Cookie "$upstream_cookie_a|$upstream_cookie_long_name" always; }
        """,
         *[says("/", *(("Set-Cookie", value) for value in values)) for values in (
             ["a=1"], ["a=1; Path=/"], ["A=1"], ["b=2", "a=3"], ["a=1", "a=2"], ["xa=1"], ["a"],
             ["a ="], ["a = 1 ; b"], ["a=\"q;r\""], ["b=a=1"], ["a=1,b=2"], ["long_name=x"],
             ["long-name=x"], ["; a=1"], [""])],
         answers=Everywhere()),
]

REFUSED = {
    "pass_body_word": "http { proxy_pass_request_body maybe; }",
    "method_twice": "http { proxy_method GET; proxy_method POST; }",
    "chunked_word": "http { chunked_transfer_encoding no; }",
}
