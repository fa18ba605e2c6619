"""beside_tls - handshakes as openssl's client sees them, and certificates for comparisons."""
import hashlib
import os
import re
import subprocess

import certs


def handshake(port, sni, flags):
    """Facts of one handshake by openssl s_client with these flags."""
    name = ["-servername", sni] if sni else ["-noservername"]
    done = subprocess.run(
        ["openssl", "s_client", "-no-CAfile", "-no-CApath", "-no-CAstore",
         "-connect", f"127.0.0.1:{port}", *name, *flags],
        input="", capture_output=True, text=True, timeout=20, check=False)
    text = done.stdout + done.stderr
    return {name: found_in(text, pattern) for name, pattern in {
        "certificate": r"(?s)Server certificate\n(-----BEGIN.*?-----END)",
        "chain": r"(?s)Certificate chain\n(.*?)\n---",
        "suite": r"(?:New|Reused), (TLSv[\d.]+, Cipher is \S+)",
        "group": r"Server Temp Key: (.*)",
        "authorities": r"(?s)Acceptable client certificate CA names\n(.*?)\nRequested",
        "asks for a certificate": r"(No client certificate CA names sent)",
        "signature": r"Peer signature type: (.*)",
        "staple": r"(?s)(OCSP response: (?:no response sent|\n.*?\n======))",
        "alert": r"SSL alert number (\d+)",
    }.items()}


def found_in(text, pattern):
    found = re.search(pattern, text)
    if not found:
        return None
    # Long ones tell no more than their digest.
    return found[1] if len(found[1]) < 200 else hashlib.sha256(found[1].encode()).hexdigest()[:16]


class Papers:
    """Certificates, lists and keys: clients by name, and what {word} in a case stands for."""

    def __init__(self, folder, pki, pair):
        above = pki.authority("Clients' CA")
        below = pki.authority("Clients' CA", pki.root)
        # Half a day more than whole days, so that the days that remain stay the same.
        self.clients = {
            "known": pki.client("known client", organization="Clients", not_after=30.5 * certs.DAY),
            "stranger": pki.client("stranger", issuer=pki.other_root),
            "revoked": pki.client("revoked client"),
            "expired": pki.client("expired client", not_before=-30 * certs.DAY,
                                  not_after=-certs.DAY),
            "deep": pki.make(certs.Spec(common_name="deep client"), below, [below]),
            "odd": pki.client('odd, "client" +<x>; #\\ü=', organization=" O  "),
            "impostor": pki.client("impostor", issuer=above),
        }
        rsa, rsa_key = folder / "rsa.pem", folder / "rsa.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                        rsa_key, "-out", rsa, "-subj", "/CN=rsa", "-days", "90"],
                       capture_output=True, check=True)
        locked_key, passwords = pki.encrypted_key(pair, "pass word")
        (folder / "ticket.key").write_bytes(os.urandom(80))
        (folder / "old_ticket.key").write_bytes(os.urandom(48))
        self.words = {
            "rsa_cert": rsa, "rsa_key": rsa_key, "locked_key": locked_key, "passwords": passwords,
            "crl": pki.crl(pki.root, self.clients["revoked"]),
            "crl_of_origin": pki.crl(pki.root, pair),
            "crl_expired": pki.crl(pki.root, is_expired=True),
            "crl_of_others": pki.crl(pki.other_root),
            "ticket_key": folder / "ticket.key", "old_ticket_key": folder / "old_ticket.key",
        }
