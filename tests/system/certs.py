"""certs - certificates made when the tests run: authorities, leaves, and every defect.

Nothing here is ever a fixture on disk: Pki owns one temporary folder, and each maker writes what
it makes there and returns the paths. Keys are P-256 for speed.

A Pair is a leaf (or authority) with its key and the chain that its owner sends.
"""
import datetime
import ipaddress
import itertools
import ssl
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

DAY = datetime.timedelta(days=1)
SERVER_AUTH = ExtendedKeyUsageOID.SERVER_AUTH
CLIENT_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH
UNKNOWN_OID = ObjectIdentifier("1.3.6.1.4.1.55555.7.1")


def now():
    return datetime.datetime.utcnow().replace(microsecond=0)


def pem_of_der(der):
    return ssl.DER_cert_to_PEM_cert(der).encode()


def general_name(text):
    """'ip:127.0.0.1' is an address, anything else a DNS name, byte for byte."""
    if text.startswith("ip:"):
        return x509.IPAddress(ipaddress.ip_address(text[3:]))
    return x509.DNSName(text)


@dataclass
class Spec:
    """What a certificate says. The defaults make a good leaf for its names."""
    common_name: str = "leaf"
    names: tuple = ()
    is_ca: bool = False
    path_length: int = None
    not_before: datetime.timedelta = -DAY
    not_after: datetime.timedelta = 30 * DAY
    usages: tuple = (SERVER_AUTH, CLIENT_AUTH)
    permitted: tuple = ()  # name constraints, DNS
    unknown_critical: bool = False
    organization: str = "Ringway Tests"


@dataclass
class Pair:
    """A certificate with its key; chain_file is what its owner sends, leaf first."""
    cert: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    cert_file: str
    chain_file: str
    key_file: str
    above: list = field(default_factory=list)  # PEM of what is sent after the leaf

    @property
    def pem(self):
        return Path(self.cert_file).read_bytes()

    @property
    def subject(self):
        """As $ssl_client_s_dn has it: RFC 2253."""
        return self.cert.subject.rfc4514_string()


class Pki:
    """Makes certificates into one folder."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.numbers = itertools.count(1)
        self.root = self.authority("Test Root CA")
        self.other_root = self.authority("Other Root CA")

    # --- the one maker ----------------------------------------------------------------------

    def make(self, spec, issuer=None, sends=(), breaks_signature=False):
        """A certificate by spec, signed by issuer (a Pair; None: by itself)."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, spec.organization),
            x509.NameAttribute(NameOID.COMMON_NAME, spec.common_name)])
        builder = (x509.CertificateBuilder()
                   .subject_name(subject)
                   .issuer_name(issuer.cert.subject if issuer else subject)
                   .public_key(key.public_key())
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(now() + spec.not_before)
                   .not_valid_after(now() + spec.not_after))
        for extension, critical in self._extensions(spec, key, issuer):
            builder = builder.add_extension(extension, critical)
        signer = issuer.key if issuer else key
        cert = builder.sign(signer, hashes.SHA256())
        pem = cert.public_bytes(serialization.Encoding.PEM)
        if breaks_signature:
            pem = self._with_broken_signature(cert)
        return self._write(cert, pem, key, [pair.pem for pair in sends])

    def _extensions(self, spec, key, issuer):
        yield x509.BasicConstraints(spec.is_ca, spec.path_length if spec.is_ca else None), True
        yield x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False
        if issuer:
            yield x509.AuthorityKeyIdentifier.from_issuer_public_key(
                issuer.key.public_key()), False
        yield x509.KeyUsage(
            digital_signature=True, key_cert_sign=spec.is_ca, crl_sign=spec.is_ca,
            content_commitment=False, key_encipherment=False, data_encipherment=False,
            key_agreement=False, encipher_only=False, decipher_only=False), True
        if spec.names:
            yield x509.SubjectAlternativeName([general_name(n) for n in spec.names]), False
        if spec.usages and not spec.is_ca:
            yield x509.ExtendedKeyUsage(spec.usages), False
        if spec.permitted:
            yield x509.NameConstraints([x509.DNSName(n) for n in spec.permitted], None), True
        if spec.unknown_critical:
            yield x509.UnrecognizedExtension(UNKNOWN_OID, b"\x05\x00"), True

    @staticmethod
    def _with_broken_signature(cert):
        der = bytearray(cert.public_bytes(serialization.Encoding.DER))
        der[-1] ^= 0x01  # the last byte of the ECDSA signature's s: still well-formed
        return pem_of_der(bytes(der))

    def _write(self, cert, pem, key, above):
        stem = self.folder / f"{next(self.numbers):03}"
        cert_file, chain_file, key_file = f"{stem}.crt", f"{stem}.chain.crt", f"{stem}.key"
        Path(cert_file).write_bytes(pem)
        Path(chain_file).write_bytes(b"".join([pem, *above]))
        Path(key_file).write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()))
        return Pair(cert, key, cert_file, chain_file, key_file, above)

    # --- the usual things -------------------------------------------------------------------

    def authority(self, name="Test Intermediate CA", issuer=None, **spec):
        return self.make(Spec(common_name=name, is_ca=True, **spec), issuer)

    def leaf(self, *names, issuer=None, sends=(), **spec):
        """A good leaf of the root (or of issuer) for these names."""
        spec.setdefault("common_name", names[0].removeprefix("ip:")[:60] if names else "leaf")
        return self.make(Spec(names=names, **spec), issuer or self.root, sends)

    def client(self, name="edge client", issuer=None, **spec):
        """A client certificate."""
        spec.setdefault("usages", (CLIENT_AUTH,))
        return self.make(Spec(common_name=name, **spec), issuer or self.root)

    def chain(self, length, *names):
        """(leaf, intermediates): the leaf sends them all; below the root stand `length` of them."""
        above, issuer = [], self.root
        for i in range(length):
            issuer = self.authority(f"Intermediate {i + 1} of {length}", issuer)
            above.insert(0, issuer)
        return self.leaf(*names, issuer=issuer, sends=above), above

    def encrypted_key(self, pair, password):
        """The pair's key under a password: (key file, file with that password)."""
        key_file = pair.key_file + ".encrypted"
        Path(key_file).write_bytes(pair.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(password.encode())))
        password_file = key_file + ".password"
        Path(password_file).write_text(f"wrong-one\n{password}\n")
        return key_file, password_file

    def crl(self, issuer, *revoked, is_expired=False):
        """A file with the issuer's CRL, which names the revoked Pairs."""
        ends = now() - DAY if is_expired else now() + 30 * DAY
        builder = (x509.CertificateRevocationListBuilder()
                   .issuer_name(issuer.cert.subject)
                   .last_update(now() - 2 * DAY).next_update(ends))
        for pair in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder().serial_number(pair.cert.serial_number)
                .revocation_date(now() - DAY).build())
        crl = builder.sign(issuer.key, hashes.SHA256())
        return self.bundle(crl.public_bytes(serialization.Encoding.PEM), suffix="crl")

    def bundle(self, *pems, suffix="pem"):
        """A file of several PEM blocks: bytes, or Pairs, whose certificate is meant."""
        path = self.folder / f"{next(self.numbers):03}.{suffix}"
        path.write_bytes(b"".join(p.pem if isinstance(p, Pair) else p for p in pems))
        return str(path)


# --- contexts for Python's ssl ------------------------------------------------------------------

def server_context(pair, client_ca=None, is_optional=True, version=None, tickets=2):
    """An origin's context. client_ca: a Pair or file whose clients are asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.chain_file, pair.key_file)
    context.num_tickets = tickets
    if client_ca:
        context.load_verify_locations(getattr(client_ca, "cert_file", client_ca))
        context.verify_mode = ssl.CERT_OPTIONAL if is_optional else ssl.CERT_REQUIRED
    only_version(context, version)
    return context


def client_context(ca, pair=None, version=None):
    """A client's context that trusts ca (a Pair) and presents pair."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca.cert_file)
    if pair:
        context.load_cert_chain(pair.chain_file, pair.key_file)
    only_version(context, version)
    return context


def only_version(context, version):
    """version: "TLSv1.2", "TLSv1.3" or None for both."""
    if version:
        number = {"TLSv1.2": ssl.TLSVersion.TLSv1_2, "TLSv1.3": ssl.TLSVersion.TLSv1_3}[version]
        context.minimum_version = context.maximum_version = number


# --- what must never be accepted ----------------------------------------------------------------

NAME = "api.origin.test"  # the name that every upstream TLS test looks for


def wrong_names():
    """(claim, names in the certificate, common name): none of them is NAME."""
    return [
        ("name_lacks_first_byte", ("pi.origin.test",), "x"),
        ("name_lacks_last_byte", ("api.origin.tes",), "x"),
        ("name_has_prefix", ("xapi.origin.test",), "x"),
        ("name_has_suffix", ("api.origin.test.evil.test",), "x"),
        ("name_is_a_subdomain", ("x.api.origin.test",), "x"),
        ("name_is_the_parent", ("origin.test",), "x"),
        ("wildcard_of_another_domain", ("*.other.test",), "x"),
        ("wildcard_one_level_up", ("*.test",), "x"),
        ("wildcard_one_level_down", ("*.api.origin.test",), "x"),
        ("wildcard_in_two_labels", ("*.*.test",), "x"),
        ("wildcard_in_second_label", ("api.*.test",), "x"),
        ("wildcard_alone", ("*",), "x"),
        ("partial_wildcard_at_end", ("a*.origin.test",), "x"),
        ("partial_wildcard_at_start", ("*i.origin.test",), "x"),
        ("partial_wildcard_within", ("a*i.origin.test",), "x"),
        ("name_only_in_common_name", (), NAME),
        ("name_only_in_common_name_beside_san", ("other.test",), NAME),
        ("nul_behind_the_name", (NAME + "\0.evil.test",), NAME),
        ("nul_within_the_name", ("api\0.origin.test",), "x"),
        ("address_where_a_name_is_needed", ("ip:127.0.0.1",), "x"),
    ]


def refused_chains(pki):
    """Maps a claim to a maker of (Pair to serve, regular expression that the log must match)."""
    root = pki.root

    def expired():
        return pki.leaf(NAME, not_before=-30 * DAY, not_after=-DAY)

    def not_yet_valid():
        return pki.leaf(NAME, not_before=DAY)

    def self_signed():
        return pki.make(Spec(common_name=NAME, names=(NAME,)))

    def self_signed_authority():
        return pki.make(Spec(common_name=NAME, names=(NAME,), is_ca=True))

    def unknown_ca():
        return pki.leaf(NAME, issuer=pki.other_root)

    def unknown_ca_sends_its_root():
        return pki.leaf(NAME, issuer=pki.other_root, sends=[pki.other_root])

    def impostor_ca():  # same name as the root, another key
        impostor = pki.authority("Test Root CA")
        return pki.leaf(NAME, issuer=impostor, sends=[impostor])

    def intermediate_missing():
        return pki.leaf(NAME, issuer=pki.authority("Unsent CA", root))

    def intermediate_expired():
        above = pki.authority("Expired CA", root, not_before=-30 * DAY, not_after=-DAY)
        return pki.leaf(NAME, issuer=above, sends=[above])

    def leaf_used_as_ca():
        above = pki.leaf("ca.origin.test")
        return pki.leaf(NAME, issuer=above, sends=[above])

    def bad_signature():
        return pki.make(Spec(common_name=NAME, names=(NAME,)), root, breaks_signature=True)

    def intermediate_has_bad_signature():
        above = pki.make(Spec(common_name="Broken CA", is_ca=True), root, breaks_signature=True)
        return pki.leaf(NAME, issuer=above, sends=[above])

    def path_too_long():
        upper = pki.authority("Path 0 CA", root, path_length=0)
        lower = pki.authority("Below path 0 CA", upper)
        return pki.leaf(NAME, issuer=lower, sends=[lower, upper])

    def name_constraints():
        above = pki.authority("Constrained CA", root, permitted=("other.test",))
        return pki.leaf(NAME, issuer=above, sends=[above])

    def no_server_auth():
        return pki.leaf(NAME, usages=(CLIENT_AUTH,))

    def unknown_critical():
        return pki.leaf(NAME, unknown_critical=True)

    unknown = r"unknown|unable to get|not trusted|no signer|issuer|self.signed"
    return {
        "expired": (expired, r"expired"),
        "not_yet_valid": (not_yet_valid, r"not yet valid|before"),
        "self_signed": (self_signed, unknown),
        "self_signed_authority": (self_signed_authority, unknown),
        "unknown_ca": (unknown_ca, unknown),
        "unknown_ca_sends_its_root": (unknown_ca_sends_its_root, unknown),
        "impostor_ca": (impostor_ca, unknown + "|signature"),
        "intermediate_missing": (intermediate_missing, unknown),
        "intermediate_expired": (intermediate_expired, r"expired"),
        "leaf_used_as_ca": (leaf_used_as_ca, unknown + "|CA|purpose|usage"),
        "bad_signature": (bad_signature, r"signature"),
        "intermediate_has_bad_signature": (intermediate_has_bad_signature, "signature|" + unknown),
        "path_too_long": (path_too_long, r"path ?len"),
        "name_constraints": (name_constraints, r"constraint|permitted"),
        "no_server_auth": (no_server_auth, r"purpose|usage|EKU"),
        "unknown_critical": (unknown_critical, r"critical"),
    }
