"""Where a request goes: try_files, alias, internal, named locations, error_page in all forms."""
from beside import ask, case, on_one_connection
from wire import response


def said(label):
    return f'return 200 "{label}|$uri|$args|$document_root|$request_filename|$request_uri";'


CASES = [
    case("try_files", f"""
        root {{root}};
        location /plain/ {{ try_files $uri $uri/ =404; }}
        location /deep/ {{ try_files $uri $uri/ =404; }}
        location /app/ {{ try_files $uri /app/index.html; }}
        location /spa/ {{ try_files $uri $uri/ /index.html; }}
        location /code/ {{ try_files $uri =403; }}
        location /code-503/ {{ try_files /none =503; error_page 503 /a.txt; }}
        location /named/ {{ try_files $uri @named; }}
        location @named {{ {said('named')} }}
        location /uri/ {{ try_files /none /made/here?x=$arg_a; }}
        location /uri-args/ {{ try_files /none /made$uri?$args; }}
        location /made/ {{ {said('made')} }}
        location /html/ {{ try_files $uri.html $uri /b.html =404; }}
        location /folder/ {{ try_files /deep/ =404; }}
        location /folder-slash/ {{ try_files /deep =404; }}
        location /directory/ {{ try_files /void/ /a.txt =404; }}
        location /proxied/ {{ try_files /none @proxied; }}
        location @proxied {{ proxy_pass http://{{origin}}; proxy_http_version 1.1;
                             proxy_set_header Connection ""; }}
        location /proxied-file/ {{ try_files /a.txt @proxied; proxy_pass http://{{other}}; }}
        location /with-return/ {{ try_files /a.txt =404; return 200 "return"; }}
        location /circle/ {{ try_files /none /circle/again; }}
        location /space/ {{ try_files "/with space.txt" =404; }}
        location /link/ {{ try_files /link.txt =404; }}
        location /secret/ {{ try_files /secret.txt /a.txt =404; }}
        location /inner/ {{ location /inner/in/ {{ try_files /a.txt =404; }} }}
        location /type/ {{ types {{ text/x txt; }} try_files /a.txt =404; }}
        location /empty/ {{ try_files "" /a.txt; }}
        location /dots/ {{ try_files $uri /a.txt; }}
        location ~ ^/rx/(.*)$ {{ try_files /deep/$1 /$1 =404; }}
        """, "/plain/x", "/deep/a.txt", "/deep/er", "/deep/er/", "/deep/", "/deep", "/app/main.js",
         "/app/x/y", "/app/", "/app/?a=b", "/spa/route", "/spa/", "/code/x", "/code-503/x",
         "/named/x?a=b", ask("/named/x", "POST", body=b"abc"), "/uri/x?a=b", "/uri-args/x?a=b&c",
         "/html/b", "/html/none", "/folder/x", "/folder-slash/x", "/directory/x", "/proxied/x?a",
         ask("/proxied/%20y", "POST", body=b"abc"), "/proxied-file/x", "/with-return/x",
         "/circle/x", "/space/x", "/link/x", "/secret/x", "/inner/in/x", "/type/x", "/empty/x",
         "/dots/..%2f..%2fa.txt", "/rx/a.txt", "/rx/b.html", "/rx/none", "/rx/../a.txt",
         ask("/app/x", "HEAD"), ask("/app/x", "POST", body=b"x"), ask("/app/x", "DELETE")),
    case("alias", """
        location /i/ { alias {root}/deep/; }
        location /bare { alias {root}/deep; }
        location = /one { alias {root}/a.txt; }
        location = /file/ { alias {root}/a.txt; }
        location ~ ^/files/ { alias {root}/a.txt; }
        location = /page.html { alias {root}/b.html; types { text/html html; } }
        location ~ ^/rx/(.*)\\.t$ { alias {root}/$1.txt; }
        location ~ ^/whole/ { alias {root}/a.txt; }
        location /tried/ { alias {root}/deep/; try_files $uri $uri/ =404; }
        location /tried-named/ { alias {root}/deep/; try_files $uri @named; }
        location @named { return 200 "named $uri $document_root $request_filename"; }
        location /variable/ { alias {root}/$arg_to/; }
        location /index/ { alias {root}/deep/er/; index index.txt; }
        location /outer/ { alias {root}/deep/; location /outer/a { return 200
                           "$document_root|$request_filename"; } }
        location /said/ { alias {root}/deep/; add_header X-Root $document_root;
                          add_header X-File $request_filename; }
        """, "/i/a.txt", "/i/", "/i", "/i/er/", "/i/er", "/i/none", "/bare/a.txt", "/bare",
         "/bare/", "/baree/x", "/bare../a.txt", "/one", "/one/", "/file/", "/files/x/", "/files/x",
             "/page.html", "/rx/a.t",
         "/rx/deep/a.t", "/rx/../a.t", "/whole/x", "/tried/a.txt", "/tried/er", "/tried/none",
         "/tried-named/a.txt", "/tried-named/none", "/variable/a.txt?to=deep", "/variable/a.txt",
         "/index/", "/outer/a", "/said/a.txt", "/i/..%2fa.txt", "/i/%2e%2e/a.txt", "/i/a%2etxt"),
    case("internal", f"""
        root {{root}};
        location /inside/ {{ internal; {said('inside')} }}
        location = /a.txt {{ internal; }}
        location /to/ {{ error_page 404 /inside/page; return 404; }}
        location /tries/ {{ try_files /none /inside/tried; }}
        location /file/ {{ try_files /none /a.txt; }}
        location /outer/ {{ internal; location /outer/in/ {{ return 200 in; }} }}
        location /accel/ {{ proxy_pass http://{{origin}}; }}
        location /deep/ {{ index /a.txt; }}
        location /bare/ {{ error_page 403 /inside/403; }}
        error_page 404 /inside/server;
        """, "/inside/x", "/a.txt", "/to/x", "/tries/x", "/file/x", "/outer/x", "/outer/in/x",
         "/deep/", "/bare/", "/none", ask("/inside/x", "POST", body=b"x")),
    case("named", f"""
        error_page 404 = @missing;
        error_page 502 = @dead;
        location / {{ return 404; }}
        location @missing {{ {said('missing')} }}
        location @dead {{ proxy_pass http://{{origin}}; proxy_http_version 1.1;
                          proxy_set_header Connection ""; }}
        location /dead/ {{ proxy_pass http://{{closed}}; }}
        location /dead-uri/ {{ proxy_pass http://{{closed}}/other/; }}
        location /status/ {{ error_page 404 @status; return 404; }}
        location /other-status/ {{ error_page 404 =202 @status; return 404; }}
        location @status {{ return 200 "status $status"; }}
        location /none/ {{ error_page 404 @no-such-place; return 404; }}
        location /again/ {{ error_page 404 @again; return 404; }}
        location @again {{ return 404; }}
        """, "/x?y", "/%20x", ask("/x", "POST", body=b"abc"), "/dead/x?y=%20",
         ask("/dead/x", "POST", body=b"abc"), ask("/dead/x", "PUT", body=b""), "/dead-uri/x?y",
         "/status/x", "/other-status/x", "/none/x", "/again/x", ask("/dead/x", "HEAD")),
    case("error_pages", """
        root {root};
        error_page 404 /404.html;
        error_page 500 502 503 504 /50x.html;
        location /inherits/ { return 503; }
        location /own/ { error_page 403 /a.txt; return 404; }
        location /answers/ { error_page 404 =200 /a.txt; return 404; }
        location /takes/ { error_page 404 = /moved; return 404; }
        location /moved { return 301 /elsewhere; }
        location /keeps/ { error_page 404 /moved; return 404; }
        location /url/ { error_page 404 https://other.test/$uri?$args; return 404; }
        location /url-code/ { error_page 404 =307 https://other.test/; return 404; }
        location /url-200/ { error_page 404 =200 https://other.test/; return 404; }
        location /variable/ { error_page 404 /$arg_page; return 404; }
        location /chain/ { error_page 404 /chain2/x; return 404; }
        location /chain2/ { error_page 403 /a.txt; return 403; }
        location /recursive/ { recursive_error_pages on; error_page 404 /recursive2/x;
                               return 404; }
        location /recursive2/ { recursive_error_pages on; error_page 403 /a.txt; return 403; }
        location /loop/ { recursive_error_pages on; error_page 404 /loop/again; return 404; }
        location /code-301/ { error_page 301 302 =200 /a.txt; return 301 /x; }
        location /code-300/ { error_page 304 /a.txt; return 304; }
        location /code-497/ { error_page 497 /a.txt; return 497; }
        location /headers/ { add_header X-Here 1; error_page 404 /headered; return 404; }
        location /headered { add_header X-There 1; add_header X-Always 1 always;
                             return 200 page; }
        location /upstream/ { proxy_pass http://{origin}; }
        location /dead/ { proxy_pass http://{closed}; error_page 502 =200 /answers-dead; }
        location /answers-dead { return 200 "$upstream_status $status $request_method"; }
        location /page-proxied/ { error_page 404 /proxied/page; return 404; }
        location /proxied/ { proxy_pass http://{origin}; proxy_http_version 1.1;
                             proxy_set_header Connection ""; }
        location /page-dead/ { error_page 404 /dead-page; return 404; }
        location /dead-page { proxy_pass http://{closed}; }
        location /asks/ { error_page 404 /status?$status; return 404; }
        location /asks-code/ { error_page 404 =410 /status?$status; return 404; }
        location /asks-taken/ { error_page 404 = /status?$status; return 404; }
        location /asked-up/ { proxy_intercept_errors on; error_page 503 =200 /status?$status;
                              proxy_pass http://{origin}; }
        location = /status { return 200 "$args $status"; }
        location /files/ { }
        location /self { error_page 404 /self; return 404; }
        """, *(f"/{name}/x" for name in (
            "inherits own answers takes keeps url url-code url-200 chain chain2 recursive "
            "loop code-301 code-300 code-497 headers upstream dead page-proxied page-dead "
            "asks asks-code asks-taken asked-up files").split()),
         "/url/a%20b?c=d", "/variable/x?page=a.txt", "/variable/x?page=none", "/variable/x",
         ask("/inherits/x", "HEAD"), ask("/takes/x", "POST", body=b"abc"),
         ask("/page-proxied/x", "DELETE"), "/self", "/404.html",
         answers={"/proxied/page": response(200, b"page", [("X-P", "1")]),
                  "/asked-up/x": response(503, b"theirs"),
                  "/upstream/x": response(503, b"theirs", reason="Theirs")}),
    # A page without content has a length, or the client would wait for its end.
    case("empty_pages", """
        proxy_http_version 1.1; proxy_set_header Connection "";
        location /own/ { error_page 404 /return204; return 404; }
        location /own-302/ { error_page 404 =302 /return204; return 404; }
        location /own-200/ { error_page 404 =200 /return304; return 404; }
        location /up/ { error_page 404 /up-204; return 404; }
        location /up-200/ { error_page 404 =200 /up-204; return 404; }
        location /up-304/ { error_page 404 /up-304; return 404; }
        location /to-204/ { error_page 404 =204 /page; return 404; }
        location /to-204-up/ { error_page 404 =204 /up; return 404; }
        location /to-304-up/ { error_page 404 =304 /up; return 404; }
        location /taken/ { proxy_intercept_errors on; error_page 404 /return204;
                           proxy_pass http://{origin}; }
        location /up { proxy_pass http://{origin}; }
        location = /return204 { return 204; }
        location = /return304 { return 304; }
        location /page { return 200 page; }
        """, *(one for name in ("own", "own-302", "own-200", "up", "up-200", "up-304", "to-204",
                                "to-204-up", "to-304-up", "taken")
               for one in (f"/{name}/x", ask(f"/{name}/x", "HEAD"),
                           on_one_connection(f"/{name}/x", f"/{name}/x"),
                           ask(f"/{name}/x", version="HTTP/1.0"))),
         answers={"/up-204": b"HTTP/1.1 204 No\r\nX-Own: 1\r\n\r\n",
                  "/up-304": b'HTTP/1.1 304 Not\r\nETag: "x"\r\n\r\n',
                  "/taken/x": response(404, b"no")}),
    case("log_not_found", """
        root {root};
        log_not_found off;
        location /x/ { log_not_found on; }
        """, "/none", "/x/none"),
]

REFUSED = {name: f"events {{ }}\nhttp {{\nserver {{\n{text}\n}}\n}}\n" for name, text in {
    "try_words": "try_files $uri;", "try_code": "try_files $uri =abc;",
    "try_code_high": "try_files $uri =1000;", "try_twice": "try_files a b;\ntry_files c d;",
    "try_in_if": "location / { if ($host) { try_files a b; } }",
    "try_none": "try_files;", "alias_words": "location / { alias; }",
    "alias_in_server": "alias /x;", "alias_twice": "location / { alias /x; alias /y; }",
    "alias_and_root": "location / { root /x; alias /y; }",
    "root_and_alias": "location / { alias /x; root /y; }",
    "alias_in_named": "location @x { alias /x; }",
    "alias_document_root": "location / { alias $document_root/x; }",
    "root_document_root": "root $document_root/x;",
    "root_realpath": "root $realpath_root/x;",
    "internal_words": "location / { internal on; }", "internal_in_server": "internal;",
    "recursive": "recursive_error_pages maybe;", "error_page_named": "error_page 404 @;",
    "named_not_there": "location / { try_files a @none; }",
    "error_page_code_last": "error_page 404 =200;",
    "error_page_variable": "error_page $x /a;", "log_not_found": "log_not_found 1;",
}.items()}
