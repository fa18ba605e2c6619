"""TLS towards clients: names, client certificates and their variables, what is told in clear."""
from beside import ask, case, on_one_connection, over_tls, raw

OWN = "ssl_certificate {cert}; ssl_certificate_key {key};"
SAID = ("$ssl_client_verify|$ssl_client_s_dn|$ssl_client_i_dn|$ssl_client_serial|"
        "$ssl_client_fingerprint|$ssl_client_v_start|$ssl_client_v_end|$ssl_client_v_remain|"
        "$ssl_client_s_dn_legacy|$ssl_client_i_dn_legacy|")
PEM = "$ssl_client_cert$ssl_client_raw_cert|$ssl_client_escaped_cert"


def everyone(target):
    """Without a certificate, with one that is known, and with one of another authority."""
    return [over_tls(target), over_tls(target, shows="known"), over_tls(target, shows="stranger")]


def verifying(how, more=""):
    return f"""
        {OWN}
        ssl_client_certificate {{ca}};
        ssl_verify_client {how};
        {more}
        location / {{ return 200 "{SAID}"; }}
        location /pem {{ return 200 "{PEM}"; }}
        location /proxied {{ proxy_pass http://{{origin}}; proxy_set_header X-Verify
                             $ssl_client_verify; proxy_set_header X-Dn $ssl_client_s_dn;
                             proxy_set_header X-Cert $ssl_client_escaped_cert; }}
        location /page495 {{ return 200 "page495 $status $ssl_client_verify"; }}
        location /page496 {{ return 200 "page496 $status $ssl_client_verify"; }}
        """


CASES = [
    case("off", verifying("off"), *everyone("/"), listen=" ssl"),
    case("on", verifying("on"), *everyone("/"), *everyone("/pem"), *everyone("/proxied"),
         over_tls(ask("/", "POST", body=b"abc")), over_tls(on_one_connection("/", "/")),
         listen=" ssl"),
    case("optional", verifying("optional"), *everyone("/"), *everyone("/pem"),
         *everyone("/proxied"), listen=" ssl"),
    case("optional_no_ca", verifying("optional_no_ca"), *everyone("/"), *everyone("/proxied"),
         listen=" ssl"),
    case("pages", verifying("on", "error_page 495 /page495; error_page 496 = /page496;"
                                  "error_page 497 https://$host:$server_port$request_uri;"),
         *everyone("/"), "/plain?a=b", ask("/plain", "POST", body=b"x"), listen=" ssl"),
    case("trusted", f"{OWN} ssl_trusted_certificate {{ca}}; ssl_verify_client optional;"
         f"ssl_client_certificate {{ca}}; ssl_verify_depth 1;"
         f"location / {{ return 200 '{SAID}'; }}",
         *everyone("/"), listen=" ssl"),
    case("plain_on_tls", f"{OWN} location / {{ return 200 x; }}", "/", ask("/", "HEAD"),
         ask("/", "POST", body=b"abc"), ask("/", version="HTTP/1.0"), raw(b"GET /\r\n\r\n"),
         ask("/", host="other.test"), listen=" ssl"),
    case("plain_on_tls_shown", f"""
        {OWN} error_page 497 @shown; error_page 400 = /moved;
        location @shown {{ return 200 "$scheme [$https] $status"; }}
        location / {{ return 200 "$scheme [$https] $status"; }}
        location /moved {{ return 302 /elsewhere; }}
        """, "/", over_tls("/"), over_tls("/moved"), listen=" ssl"),
    case("plain_on_tls_moved",
         f"{OWN} error_page 497 = /moved; location /moved {{ return 302 /to; }}", "/",
         listen=" ssl"),
    case("versions", None, over_tls("/"), http=f"""
        server {{ listen 127.0.0.1:{{port}} ssl; {OWN} ssl_protocols TLSv1.2;
                  ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384; ssl_prefer_server_ciphers on;
                  return 200 "$ssl_protocol $ssl_cipher $ssl_session_reused $ssl_early_data"; }}
        """),
    case("modern", None, over_tls("/"), http=f"""
        server {{ listen 127.0.0.1:{{port}} ssl; {OWN} ssl_protocols TLSv1.3;
                  ssl_buffer_size 4k; ssl_session_tickets off; ssl_session_cache none;
                  return 200 "$ssl_protocol $ssl_session_reused $ssl_server_name $https"; }}
        """),
    case("rejecting", None, over_tls("/", sni="www.test"), over_tls("/", sni="other.test"),
         over_tls("/", sni=None), over_tls(ask("/", host="other.test"), sni="www.test"),
         http=f"""
        server {{ listen 127.0.0.1:{{port}} ssl default_server; ssl_reject_handshake on; }}
        server {{ listen 127.0.0.1:{{port}} ssl; server_name www.test; {OWN}
                  return 200 "www $ssl_server_name $server_name"; }}
        """),
    case("names", None, *(over_tls(ask("/", host=host), sni=sni) for sni, host in (
        ("a.wild.test", "a.wild.test"), ("b.wild.test", "a.wild.test"), ("www.test", "www.test"),
        ("regex7.test", "regex7.test"), ("nobody.test", "nobody.test"), ("WWW.TEST", "www.test"),
        (None, "www.test"), ("www.test", "nobody.test"))),
         http=f"""
        server {{ listen 127.0.0.1:{{port}} ssl; {OWN} return 200 "default $ssl_server_name"; }}
        server {{ listen 127.0.0.1:{{port}} ssl; server_name *.wild.test; {OWN}
                  return 200 "wild $ssl_server_name"; }}
        server {{ listen 127.0.0.1:{{port}} ssl; server_name www.test; {OWN}
                  return 200 "www $ssl_server_name"; }}
        server {{ listen 127.0.0.1:{{port}} ssl; server_name ~^regex(?<n>\\d); {OWN}
                  return 200 "regex $n $ssl_server_name"; }}
        """),
    case("misdirected", None, over_tls(ask("/", host="strict.test"), sni="www.test"),
         over_tls(ask("/", host="strict.test"), sni="strict.test"),
         over_tls(ask("/", host="strict.test"), sni="strict.test", shows="known"),
         over_tls(ask("/", host="www.test"), sni="strict.test", shows="known"),
         http=f"""
        server {{ listen 127.0.0.1:{{port}} ssl; server_name www.test; {OWN}
                  return 200 "www $ssl_client_verify"; }}
        server {{ listen 127.0.0.1:{{port}} ssl; server_name strict.test; {OWN}
                  ssl_client_certificate {{ca}}; ssl_verify_client on;
                  location / {{ return 200 "strict $ssl_client_verify"; }} }}
        """),
]

REFUSED = {name: f"events {{ }}\nhttp {{\nserver {{\nlisten 127.0.0.1:80;\n{text}\n}}\n}}\n"
           for name, text in {
    "verify": "ssl_verify_client maybe;", "depth": "ssl_verify_depth x;",
    "protocols": "ssl_protocols TLSv9;", "cache": "ssl_session_cache shared;",
    "cache_size": "ssl_session_cache shared:x:1;", "cache_text": "ssl_session_cache other;",
    "timeout": "ssl_session_timeout x;", "tickets": "ssl_session_tickets maybe;",
    "buffer": "ssl_buffer_size x;", "reject": "ssl_reject_handshake maybe;",
    "stapling": "ssl_stapling maybe;", "prefer": "ssl_prefer_server_ciphers maybe;",
    "early": "ssl_early_data maybe;", "twice": "ssl_verify_depth 1;\nssl_verify_depth 2;",
    "words": "ssl_certificate;", "protocols_words": "ssl_protocols;",
    "verify_without_ca": "ssl_verify_client on;\nlisten 127.0.0.1:81 ssl;\n"
                         "ssl_certificate none.pem; ssl_certificate_key none.key;",
}.items()}
