"""Variables that depend on others: map, geo, split_clients."""
from beside import ask, case

ADDRESSES = ("0.0.0.0", "1.2.3.4", "9.255.255.255", "10.0.0.0", "10.0.0.1", "10.0.0.4", "10.0.0.5",
             "10.0.0.6", "10.0.1.0", "10.1.2.3", "10.255.255.255", "11.0.0.0", "127.0.0.1",
             "192.168.255.255", "192.169.0.0", "255.255.255.254", "255.255.255.255", "::", "::1",
             "::2", "2001:db8::", "2001:db8::1", "2001:db8:0:1::", "2001:db8:ffff::", "2001:db9::",
             "::ffff:10.0.0.5", "ffff::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "nonsense",
             "10.0.0", "10.0.0.256", "", "10.0.0.1:80", "unix:", " 10.0.0.1", "1.2.3.4/8")
HOSTS = ("a.example", "A.Example", "a.example.", "b.example", "c.b.example", "x.a.example",
         "example", ".example", "both.test", "x.both.test", "xboth.test", "y.x.both.test",
         "www.org", "www.shop.org", "www.", "www.example", "www", "", ".", "default", "hostnames",
         "volatile", "include", "*.example", "user7.test", "USER7.test", "w.special", "q.w.special")
KEYS = ("", "a", "A", "abc", "ABC", "ab c", "default", "Default", "\\default", "hostnames",
        "volatile", "include", "~x", "~*x", "x-12-y", "X-12-Y", "zz", "zZ", "name=Joe", "empty",
        "*.wild", "b.wild", "\xfc", "a$b", "two", "cap", "0")


def decoded(texts):
    """Texts as $arg_ gives them: as they are, so only what needs no escape."""
    return [ask("/?k=" + text) for text in texts if text.isascii() and not set(text) & set(" #&+%")]


MAPPED = "location / { return 200 \"$%s|$1|$2\\n\"; }"

CASES = [
    case("map", MAPPED % "m_plain", *decoded(KEYS), http="""
        map $arg_k $m_plain {
            default      "none of <$arg_k>";
            ""           nothing;
            a            small;
            abc          "three letters";
            \\default    "the word default";
            hostnames    "the word hostnames";
            volatile     "the word volatile";
            \\include    "the word include";
            \\~x         "a tilde";
            empty        "";
            *.wild       "a star";
            .wild        "a dot";
            two          $arg_k-$uri;
            ~^x-(\\d+)-(.) "first $1 $2";
            ~*^X-        "second";
            ~Zz          "never";
            ~*^zz$       "z $0";
            ~^name=(?<m_who>.+)$ "who $m_who";
            0            zero;
        }
        """.replace('"z $0"', '"z"')),
    case("map_without_default", MAPPED % "m_bare", "/?k=a", "/?k=b", "/", "/?k=",
         http="map $arg_k $m_bare { a found; ~b(.) \"b $1\"; }"),
    case("map_without_lines", MAPPED % "m_none", "/?k=a", "/", http="map $arg_k $m_none { }"),
    case("map_of_hosts", "location / { return 200 \"$m_hosts|$m_user\\n\"; }", *decoded(HOSTS),
         http="""
        map $arg_k $m_hosts {
            hostnames;
            default       none;
            a.example     exact;
            *.example     head;
            *.a.example   "longer head";
            .both.test    both;
            www.*         tail;
            www.shop.*    "longer tail";
            ~^user(?<m_user>\\d)\\.test$ "regex $m_user";
            ~*^USER       "no case";
            ~^w\\.        "after the names";
            *.w.special   "deep head";
        }
        """),
    case("map_of_several_variables", MAPPED % "m_both", "/?a=1&b=2", "/?a=1", "/?b=2", "/",
         "/?a=1-&b=2", http="""
        map "$arg_a-$arg_b" $m_both { 1-2 both; 1- first; -2 second; - neither; default other; }
        """),
    case("map_of_a_map", MAPPED % "m_outer", "/?k=1", "/?k=2", "/?k=3", "/", http="""
        map $m_inner $m_outer { a "outer a $m_inner"; default "outer $m_inner"; }
        map $arg_k $m_inner { 1 a; 2 $m_third; default ""; }
        map $arg_k $m_third { default "third $arg_k"; }
        """),
    case("map_that_is_kept", """
        location /kept { set $m_key $arg_k; set $m_seen $m_kept; set $m_key other;
                         return 200 "$m_seen $m_kept"; }
        location /volatile { set $m_key $arg_k; set $m_seen $m_volatile; set $m_key other;
                             return 200 "$m_seen $m_volatile"; }
        """, "/kept?k=a", "/kept", "/volatile?k=a", "/volatile?k=other", "/volatile", http="""
        map $m_key $m_kept { default "<$m_key>"; a "<<a>>"; }
        map $m_key $m_volatile { volatile; default "<$m_key>"; a "<<a>>"; }
        """),
    case("map_and_set", """
        location /before { return 200 $m_set; }
        location /after { set $m_set "by set"; return 200 $m_set; }
        """, "/before", "/after", http="map $uri $m_set { default \"by map\"; }"),
    case("map_twice", MAPPED % "m_twice", "/?k=a", "/?k=b", "/", http="""
        map $arg_k $m_twice { a first; default "first default"; }
        map $arg_k $m_twice { b second; default "second default"; }
        """),
    case("map_captures", """
        location ~ ^/(?<m_part>[^/]+)/(.*)$ {
            return 200 "$m_part|$m_captured|$1|$2|$m_part\\n";
        }
        """, "/one/two", "/one/x9", "/one/", "/x9/x8", http="""
        map $uri $m_captured { ~x(?<m_digit>\\d)$ "digit $m_digit $1"; default none; }
        """),
    case("map_where_it_is_used", """
        location / {
            add_header X-Map $m_used;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Map $m_used;
            proxy_set_header X-Empty $m_used_empty;
            proxy_pass http://{origin};
        }
        location /return { return 302 $m_used_to; }
        """, "/?k=a", "/?k=b", "/", "/return", http="""
        map $arg_k $m_used { a A; b ""; default "D $request_method"; }
        map $arg_k $m_used_empty { }
        map $uri $m_used_to { default http://other.test/x; }
        """),
    case("map_shadows", "location / { return 200 \"$arg_m_shadow|$http_x\\n\"; }",
         "/?m_shadow=1", ask("/?m_shadow=2", fields=[("X", "field")]), http="""
        map $arg_k $arg_m_shadow { default "by map"; }
        """),
    case("geo", "location / { return 200 \"$g_net|$g_bare|$g_client|$g_zero\\n\"; }",
         *decoded(ADDRESSES), http="""
        geo $arg_k $g_net {
            default          other;
            10.0.0.0/8       ten;
            10.0.0.0/24      "ten zero";
            10.0.0.5         five;
            10.0.0.4/31      pair;
            127.0.0.1/32     local;
            192.168.0.0/16   "";
            192.168.0.0/16   home;
            255.255.255.255  broadcast;
            2001:db8::/32    docs;
            2001:db8::/64    "docs zero";
            2001:db8::1      "docs one";
            ::1              "local six";
            11.0.0.0/8       gone;
            delete           11.0.0.0/8;
        }
        geo $arg_k $g_bare { 10.0.0.0/8 ten; }
        geo $g_client { default nobody; 127.0.0.0/8 client; }
        geo $arg_k $g_zero { 0.0.0.0/0 all; 1.2.3.4 $uri; }
        """),
    case("geo_by_ranges", "location / { return 200 \"$g_range|$g_range_bare\\n\"; }",
         *decoded(ADDRESSES), http="""
        geo $arg_k $g_range {
            ranges;
            default                          other;
            10.0.0.0-10.0.0.255              "ten zero";
            10.0.0.4-10.0.0.5                inner;
            10.0.1.0-10.255.255.254          ten;
            127.0.0.1-127.0.0.1              local;
            192.168.0.0-192.168.255.255      home;
            11.0.0.0-11.0.0.255              gone;
            delete                           11.0.0.0-11.0.0.255;
            255.255.0.0-255.255.255.254      broadcast;
        }
        geo $arg_k $g_range_bare { ranges; 0.0.0.0-9.255.255.255 low; }
        """),
    case("geo_of_forwarded", "location / { return 200 \"$g_one|$g_all|$g_none|$g_ranges\\n\"; }",
         "/", *[ask("/", fields=[("X-Forwarded-For", text)]) for text in (
             "10.0.0.1", "10.0.0.1, 192.0.2.1", "192.0.2.1, 10.0.0.1", "192.0.2.1,127.0.0.1",
             "192.0.2.1, 10.0.0.1, 127.0.0.1, 127.0.0.2", "127.0.0.1", "x", "", "192.0.2.1, x",
             "2001:db8::1", "192.0.2.1 , 10.0.0.1 ", "unknown, 10.0.0.1")],
         ask("/", fields=[("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-For", "10.0.0.1")]),
         http="""
        geo $g_one { default other; proxy 127.0.0.0/8; 10.0.0.0/8 ten; 192.0.2.0/24 doc;
                     127.0.0.0/8 local; 2001:db8::/32 six; }
        geo $g_all { default other; proxy 127.0.0.0/8; proxy 10.0.0.0/8; proxy_recursive;
                     10.0.0.0/8 ten; 192.0.2.0/24 doc; 127.0.0.0/8 local; 2001:db8::/32 six; }
        geo $g_none { default other; proxy 192.0.2.0/24; proxy ::/0; 10.0.0.0/8 ten;
                      127.0.0.0/8 local; }
        geo $g_ranges { ranges; default other; proxy 127.0.0.1; 10.0.0.0-10.0.0.9 ten;
                        192.0.2.0-192.0.2.9 doc; }
        """),
    case("split_clients", "location / { return 200 \"$s_all|$s_some|$s_text\\n\"; }",
         *[ask(f"/?k=client-{i}") for i in range(120)], "/", "/?k=", "/?k=a", "/?k=ab", http="""
        split_clients $arg_k $s_all { 0.5% a; 33.33% b; 20% $uri; * ""; }
        split_clients "${arg_k}AAA" $s_some { 10% a; .01% b; 50.% c; }
        split_clients $arg_k$uri $s_text { * all; }
        """),
]


def http(text):
    return f"events {{}}\nhttp {{\n{text}\nserver {{ listen 127.0.0.1:1; }}\n}}\n"


REFUSED = {name: http(text) for name, text in {
    "map-one-word": "map $host $r { a; }",
    "map-three-words": "map $host $r { a 1 2; }",
    "map-no-variable": "map $host r { a 1; }",
    "map-own-variable": "map $host $host { a 1; }",
    "map-empty-variable": "map $host $ { a 1; }",
    "map-same-key": "map $host $r {\na 1;\na 2;\n}",
    "map-two-defaults": "map $host $r { default 1; default 2; }",
    "map-same-head": "map $host $r { hostnames; *.a.b 1; .a.b 2; }",
    "map-same-name": "map $host $r { hostnames; a.b 1; .a.b 2; }",
    "map-same-tail": "map $host $r { hostnames; a.* 1; a.* 2; }",
    "map-empty-label": "map $host $r { hostnames; a..b 1; }",
    "map-inner-star": "map $host $r { hostnames; a*b 1; }",
    "map-two-stars": "map $host $r { hostnames; *.a.* 1; }",
    "map-lone-star": "map $host $r { hostnames; * 1; }",
    "map-bad-regex": "map $host $r { ~( 1; }",
    "map-no-file": "map $host $r { include /nowhere/at/all; }",
    "map-three-arguments": "map $host $r x { a 1; }",
    "geo-prefix": "geo $r { 10.0.0.1/33 a; }",
    "geo-prefix-6": "geo $r { 1::/129 a; }",
    "geo-name": "geo $r { a.example a; }",
    "geo-delete-name": "geo $r { delete a.example; }",
    "geo-delete-default": "geo $r { delete default; }",
    "geo-late-ranges": "geo $r { default 1; ranges; }",
    "geo-overlap": "geo $r { ranges; 10.0.0.3-10.0.0.5 b; 10.0.0.1-10.0.0.9 a; }",
    "geo-overlap-right": "geo $r { ranges; 10.0.0.3-10.0.0.5 b; 10.0.0.4-10.0.0.7 a; }",
    "geo-backwards": "geo $r { ranges; 10.0.0.5-10.0.0.3 b; }",
    "geo-no-range": "geo $r { ranges; 10.0.0.5 b; }",
    "geo-range-of-6": "geo $r { ranges; ::1-::2 a; }",
    "geo-proxy-alone": "geo $r { proxy; }",
    "geo-proxy-name": "geo $r { proxy a.example; }",
    "geo-proxy-unix": "geo $r { proxy unix:; }",
    "geo-proxy-recursive": "geo $r { proxy_recursive 1; }",
    "geo-three-words": "geo $r { a b c; }",
    "geo-one-word": "geo $r { a; }",
    "geo-no-variable": "geo $remote_addr r { 127.0.0.1 b; }",
    "geo-no-source": "geo a $r { 127.0.0.1 b; }",
    "geo-own-variable": "geo $remote_addr $host { 127.0.0.1 b; }",
    "split-too-much": "split_clients $host $r {\n50% a;\n51% b;\n}",
    "split-behind-all": "split_clients $host $r { * b; 50% a; }",
    "split-no-percent": "split_clients $host $r { 50 b; }",
    "split-nothing": "split_clients $host $r { 0% b; }",
    "split-too-fine": "split_clients $host $r { 0.001% b; }",
    "split-no-number": "split_clients $host $r { 1..2% b; }",
    "split-no-variable": "split_clients $host r { 50% a; }",
}.items()}
