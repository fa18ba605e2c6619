"""What certificates, lists and keys decide: towards clients, and towards upstreams."""
from beside import ask, case, handshake, on_one_connection, over_tls, raw, resumed
from wire import response

VERSIONS = "ssl_protocols TLSv1.2 TLSv1.3;"
PAIR = "ssl_certificate {cert}; ssl_certificate_key {key};"
OWN = f"{VERSIONS} {PAIR}"
VERIFY = "ssl_client_certificate {ca}; ssl_verify_client"
SAID = ("$ssl_client_verify|$ssl_client_s_dn|$ssl_client_i_dn|$ssl_client_serial|"
        "$ssl_client_fingerprint|$ssl_client_v_start|$ssl_client_v_end|$ssl_client_v_remain|"
        "$ssl_client_s_dn_legacy|$ssl_client_i_dn_legacy|")
SAYS = f'location / {{ return 200 "{SAID}"; }}'
EVERYBODY = (None, "known", "stranger", "revoked", "expired", "deep", "odd", "impostor")
SESSION = ('location / { return 200 "$ssl_session_reused $ssl_protocol $ssl_server_name '
           '$ssl_client_verify $ssl_client_s_dn"; }')


def everybody(target, *names):
    return [over_tls(target, shows=name) for name in names or EVERYBODY]


def server(text, port="{port}", words=""):
    return f"server {{ listen 127.0.0.1:{port} ssl {words}; {text} }}\n"


CASES = [
    # Who is known, and who is not any more.
    *(case(f"crl_{name}", f"{OWN} {VERIFY} {how}; ssl_crl {{{crl}}}; {SAYS}", *everybody("/"),
           listen=" ssl")
      for name, how, crl in (("on", "on", "crl"), ("optional", "optional", "crl"),
                             ("no_ca", "optional_no_ca", "crl"), ("expired", "on", "crl_expired"),
                             ("of_others", "optional", "crl_of_others"))),
    *(case(f"depth_{depth}", f"{OWN} {VERIFY} on; ssl_verify_depth {depth}; {SAYS}",
           *everybody("/", "known", "deep"), listen=" ssl") for depth in (0, 1, 2)),
    case("trusted_only", f"{OWN} ssl_trusted_certificate {{ca}}; {VERIFY} optional; {SAYS}",
         *everybody("/"), handshake(), listen=" ssl"),
    # Answers in place of a certificate.
    *(case(f"pages_{name}", f"""
        {OWN} {VERIFY} {how};
        error_page {page};
        location / {{ return 200 "good $ssl_client_verify"; }}
        location /page {{ return 200 "page $status $ssl_client_verify $uri $scheme"; }}
        location /proxied {{ proxy_pass http://{{origin}};
                             proxy_set_header X-Verify $ssl_client_verify; }}
        location @named {{ return 418 "named $status $ssl_client_verify $uri"; }}
        """, *everybody("/x?a=b", None, "known", "stranger", "expired"), "/x?a=b",
           ask("/x", "POST", body=b"abc"), raw(b"GET / HTTP/1.0\r\n\r\n"),
           over_tls(on_one_connection("/x", "/x")), listen=" ssl")
      for name, how, page in (
          ("named", "on", "495 496 497 @named"), ("equal", "on", "495 496 497 = @named"),
          ("code", "on", "495 496 497 =403 /page"), ("proxied", "on", "495 496 497 = /proxied"),
          ("url", "on", "495 496 497 https://help.test/?$ssl_client_verify"),
          ("url_code", "on", "495 496 497 =307 https://$host$request_uri"),
          ("of_400", "on", "400 /page"), ("of_497", "off", "497 =301 https://$host$request_uri"),
          ("optional", "optional", "495 496 497 /page"))),
    # Which certificate, suite and group.
    case("two_certificates", f"""{OWN}
        ssl_certificate {{rsa_cert}}; ssl_certificate_key {{rsa_key}};
        location / {{ return 200 "$ssl_protocol $ssl_cipher"; }}""",
         handshake(), handshake("-tls1_2"),
         handshake("-tls1_2", "-cipher", "ECDHE-RSA-AES128-GCM-SHA256"),
         handshake("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"),
         handshake("-sigalgs", "RSA-PSS+SHA256"), handshake("-sigalgs", "ECDSA+SHA256"),
         handshake("-sigalgs", "RSA-PSS+SHA256:ECDSA+SHA256"), handshake("-sigalgs", "ed25519"),
         over_tls("/"), listen=" ssl"),
    case("groups", f"{OWN} ssl_ecdh_curve secp384r1:prime256v1; {SESSION}",
         handshake(), handshake("-groups", "P-256"), handshake("-groups", "P-384:P-256"),
         handshake("-groups", "P-256:P-384"), handshake("-groups", "X25519"),
         handshake("-groups", "X25519:P-256"),
         listen=" ssl"),
    case("suites", f"""{PAIR} ssl_protocols TLSv1.2;
        ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256;
        ssl_prefer_server_ciphers on; {SESSION}""", handshake(), handshake("-tls1_3"),
         handshake("-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"),
         handshake("-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"), listen=" ssl"),
    case("suites_of_client", f"""{PAIR} ssl_protocols TLSv1.2;
        ssl_ciphers ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256;
        {SESSION}""", handshake("-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256:"
                                           "ECDHE-ECDSA-AES256-GCM-SHA384"), listen=" ssl"),
    case("suites_of_1_3", f"{PAIR} ssl_protocols TLSv1.3;"
         f"ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384; {SESSION}",
         handshake("-tls1_3"), handshake("-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"),
         listen=" ssl"),
    case("locked_key", f"{VERSIONS} ssl_certificate {{cert}};"
         "ssl_certificate_key {locked_key};"
         f"ssl_password_file {{passwords}}; {SESSION}", handshake(), listen=" ssl"),
    case("key_of_variable", f"{VERSIONS} ssl_certificate {{cert}};"
         f"ssl_certificate_key $key_of_papers; {SESSION}",
         handshake(), handshake(sni="other.test"), listen=" ssl",
         http="map $ssl_server_name $key_of_papers { default {key}; other.test none.key; }"),
    # Who is refused.
    *(case(f"rejecting_{name}", None, *(
        handshake(sni=sni) for sni in ("www.test", "other.test", "x.other.test", None)),
           over_tls(ask("/", host="other.test")), http=text)
      for name, text in (
          ("named", server(f"server_name www.test; {OWN} return 200 www;")
           + server("server_name other.test *.other.test; ssl_reject_handshake on;")),
          ("with_certificate", server(f"ssl_reject_handshake on; {OWN}", words="default_server")
           + server(f"server_name www.test; {OWN} return 200 www;")),
          ("switched_off", server(f"server_name www.test; ssl_reject_handshake off; {OWN}"
                                  "return 200 www;")))),
    # Staples, as a file has them.
    case("staple", f"{OWN} ssl_stapling on; ssl_stapling_file {{staple}}; {SESSION}",
         handshake("-status"), handshake("-status", "-tls1_2"), handshake(), over_tls("/"),
         listen=" ssl"),
    case("staple_off", f"{OWN} ssl_stapling off; ssl_stapling_file {{staple}}; {SESSION}",
         handshake("-status"), listen=" ssl"),
    case("staple_of_one", None, handshake("-status"), handshake("-status", sni="other.test"),
         http=server(f"server_name www.test; {OWN} return 200 x;")
         + server(f"server_name other.test; {OWN} ssl_stapling on; ssl_stapling_file {{staple}};"
                  "return 200 x;")),
    # Sessions that go on.
    *(case(f"session_{name}", None, *(
        resumed("/", shows=shows) for shows in (None, "known")),
           resumed(ask("/", host="other.test"), sni="other.test"),
           http=server(f"server_name www.test; ssl_protocols {version}; {PAIR} {text} {SESSION}")
           + server(f"server_name other.test; ssl_protocols {version}; {PAIR} {text} {SESSION}"))
      for version, of in (("TLSv1.2", "1_2"), ("TLSv1.3", "1_3"))
      for name, text in ((f"default_{of}", ""), (f"no_tickets_{of}", "ssl_session_tickets off;"),
                         (f"off_{of}", "ssl_session_tickets off; ssl_session_cache off;"),
                         (f"shared_{of}", "ssl_session_tickets off;"
                          f"ssl_session_cache shared:of_papers_{of}:1m;"),
                         (f"keys_{of}", "ssl_session_ticket_key {ticket_key};"
                          "ssl_session_ticket_key {old_ticket_key};"),
                         (f"client_{of}", f"{VERIFY} optional;"))),
    # Towards upstreams.
    case("to_upstream", f"""
        proxy_http_version 1.1; proxy_set_header Connection ""; proxy_ssl_session_reuse off;
        location /listed/ {{ {{tls}} proxy_ssl_crl {{crl_of_origin}};
                             proxy_pass https://{{tls_origin}}; }}
        location /not-listed/ {{ {{tls}} proxy_ssl_crl {{crl}};
                                 proxy_pass https://{{tls_origin}}; }}
        location /of-others/ {{ {{tls}} proxy_ssl_crl {{crl_of_others}};
                                proxy_pass https://{{tls_origin}}; }}
        location /expired/ {{ {{tls}} proxy_ssl_crl {{crl_expired}};
                              proxy_pass https://{{tls_origin}}; }}
        location /locked/ {{ {{tls}} proxy_ssl_certificate {{cert}};
                             proxy_ssl_certificate_key {{locked_key}};
                             proxy_ssl_password_file {{passwords}};
                             proxy_pass https://{{tls_origin}}; }}
        location /chosen/ {{ {{tls}} proxy_ssl_certificate $arg_c; proxy_ssl_certificate_key $arg_k;
                             proxy_pass https://{{tls_origin}}; }}
        location /suite/ {{ {{tls}} proxy_ssl_conf_command Ciphersuites TLS_AES_256_GCM_SHA384;
                            proxy_pass https://{{tls_origin}}; }}
        location /page/ {{ {{tls}} proxy_ssl_crl {{crl_of_origin}}; error_page 502 =200 /other/;
                           proxy_pass https://{{tls_origin}}; }}
        location /other/ {{ return 200 "$upstream_status $upstream_http_x_origin"; }}
        """, *(f"/{place}/x" for place in ("listed", "not-listed", "of-others", "expired", "locked",
                                           "suite", "page")), "/chosen/x", "/chosen/x?c=none",
         answers={"/locked/x": lambda c, _: response(200, str(c.client_subject).encode())}),
]
