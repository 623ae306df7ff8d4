"""A mail server that keeps what it gets: python smtp_double.py DIR PORT plain|starttls|tls

Writes DIR/N.json (who sent it, over what, its parts), DIR/N.html (the HTML with its pictures as files)
and the pictures. In the modes with TLS it makes a certificate for localhost (DIR/ca.pem) and wants a login:
plimsoll / correct horse.
"""

import datetime
import email
import email.policy
import json
import pathlib
import ssl
import sys
import threading

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def certificate(folder):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "smtp double")])
    now = datetime.datetime.now(datetime.timezone.utc)
    day = datetime.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (folder / "ca.pem").write_bytes(made.public_bytes(pem))
    plain = serialization.NoEncryption()
    traditional = serialization.PrivateFormat.TraditionalOpenSSL
    (folder / "key.pem").write_bytes(key.private_bytes(pem, traditional, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return context


class Keeper:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    async def handle_DATA(self, server, session, envelope):
        number, self.count = self.count, self.count + 1
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts, html = [], ""
        pictures = {}
        for part in mail.walk():
            told = {"type": part.get_content_type(), "id": part.get("Content-ID", "")}
            if part.get_content_maintype() == "text":
                told["text"] = part.get_content()
                if part.get_content_subtype() == "html":
                    html = told["text"]
            elif part.get_content_maintype() == "image":
                name = f"{number}-{len(pictures)}.png"
                (self.folder / name).write_bytes(part.get_content())
                pictures["cid:" + told["id"].strip("<>")] = name
                told["file"] = name
            elif part.get_content_maintype() == "application":
                name = f"{number}-{len(parts)}.bin"
                (self.folder / name).write_bytes(part.get_content())
                told["file"], told["name"] = name, part.get_filename()
            parts.append(told)
        for cid, name in pictures.items():
            html = html.replace(cid, name)
        (self.folder / f"{number}.html").write_text(html)
        (self.folder / f"{number}.eml").write_bytes(envelope.content)
        login = session.auth_data
        kept = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "subject": mail["Subject"],
            "tls": server.transport.get_extra_info("ssl_object") is not None,
            "login": login.login.decode() if login else None,
            "parts": parts,
        }
        # The whole file appears at once.
        draft = self.folder / f"{number}.draft"
        draft.write_text(json.dumps(kept))
        draft.rename(self.folder / f"{number}.json")
        return "250 kept"


def authenticate(server, session, envelope, mechanism, data):
    fits = isinstance(data, LoginPassword) and data == LoginPassword(b"plimsoll", b"correct horse")
    return AuthResult(success=fits, handled=False, auth_data=data if fits else None)


def main():
    folder, port, mode = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    folder.mkdir(parents=True, exist_ok=True)
    more = {}
    if mode != "plain":
        context = certificate(folder)
        more = {"authenticator": authenticate, "auth_required": True}
        if mode == "starttls":
            more |= {"tls_context": context, "require_starttls": True}
        else:
            more |= {"ssl_context": context, "auth_require_tls": False}
    controller = Controller(Keeper(folder), hostname="127.0.0.1", port=port, **more)
    controller.start()
    threading.Event().wait()


main()
