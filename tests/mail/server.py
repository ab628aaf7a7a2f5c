"""A real SMTP server for the tests: TLS, login, and the ways in which servers fail.

Usage: server.py FOLDER MODE...

Writes into FOLDER: ca.pem, other-ca.pem, mail/<n>.eml (what it took charge of), dialogue.log (every command).
Prints "ready PORT" and serves until its standard input is closed.

Modes, any number: starttls implicit (neither = plain), auth, nostarttls (offers none), inject (sends answers in clear
behind the one to STARTTLS), wrongname (certificate for another host), and one of
  refuse      550 to every recipient          refuse-data   554 after the letter
  defer       451 to every recipient          defer-data    451 after the letter
  drop        takes the letter, keeps it, closes the connection without an answer
  drop-early  closes the connection at RCPT TO
  slow        takes the letter, keeps it, answers after 20 s
  slow-rcpt   answers RCPT TO after 20 s
  mute        accepts connections and says nothing
  shut        says 421 to everybody
  one-letter  closes the connection 0.1 s after each letter
  wrong-code  answers 250 to DATA in place of 354
"""

import asyncio
import pathlib
import ssl
import subprocess
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

FOLDER = pathlib.Path(sys.argv[1])
MODES = set(sys.argv[2:])
USER, PASSWORD = b"uppsikt", "hemligt lösenord".encode()
taken = 0


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], cwd=FOLDER, check=True, capture_output=True)


def certificates():
    """A root of our own and a certificate for localhost under it; another root that signed nothing."""
    for root in ("ca", "other-ca"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
                "-subj", f"/CN=Uppsikt test {root}", "-keyout", f"{root}.key", "-out", f"{root}.pem",
                "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    name = "DNS:mail.exempel.invalid" if "wrongname" in MODES else "DNS:localhost,IP:127.0.0.1"
    (FOLDER / "leaf.ext").write_text(
        f"subjectAltName={name}\nbasicConstraints=critical,CA:FALSE\n"
        "keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n")
    openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
            "-subj", "/CN=localhost", "-keyout", "leaf.key", "-out", "leaf.csr")
    openssl("x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "2",
            "-days", "30", "-extfile", "leaf.ext", "-out", "leaf.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(FOLDER / "leaf.pem", FOLDER / "leaf.key")
    return context


def keep(envelope):
    global taken
    taken += 1
    (FOLDER / "mail" / f"{taken:04}.eml").write_bytes(envelope.original_content)


def note(*words):
    with open(FOLDER / "dialogue.log", "a") as log:
        print(*words, file=log)


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if "refuse" in MODES:
            return f"550 5.1.1 <{address}>: no such user"
        if "defer" in MODES:
            return f"451 4.3.0 <{address}>: try again later"
        if "slow-rcpt" in MODES:
            await asyncio.sleep(20)
        if "drop-early" in MODES:
            server.transport.abort()
            return "421 gone"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        if "refuse-data" in MODES:
            return "554 5.7.1 content refused"
        if "defer-data" in MODES:
            return "451 4.7.1 greylisted"
        keep(envelope)
        if "drop" in MODES:
            server.transport.abort()
        if "slow" in MODES:
            await asyncio.sleep(20)
        if "one-letter" in MODES:
            asyncio.get_running_loop().call_later(0.1, server.transport.abort)
        return "250 2.0.0 taken"


class Server(SMTP):
    async def push(self, status):
        text = status.decode() if isinstance(status, bytes) else status
        if "inject" in MODES and text.startswith("220 Ready to start TLS"):
            # What somebody in between would add: answers to EHLO, MAIL, RCPT, DATA and the letter, in one packet.
            text += "\r\n250-localhost\r\n250 HELP\r\n250 OK\r\n250 OK\r\n354 go on\r\n250 taken"
        if "nostarttls" in MODES and text == "250-STARTTLS":
            return
        if "wrong-code" in MODES and text.startswith("354"):
            text = "250 what?"
        await super().push(text)

    async def _handle_client(self):
        if "mute" in MODES:
            await asyncio.sleep(60)
        if "shut" in MODES:
            await self.push("421 4.3.2 shutting down")
            self.transport.close()
            return
        await super()._handle_client()

    async def _call_handler_hook(self, command, *args):
        note(command, *[arg for arg in args if isinstance(arg, str)])
        return await super()._call_handler_hook(command, *args)

    async def smtp_EHLO(self, hostname):
        note("EHLO", hostname)
        await super().smtp_EHLO(hostname)


def authenticate(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (USER, PASSWORD)
    return AuthResult(success=right, handled=False)


async def main():
    (FOLDER / "mail").mkdir(exist_ok=True)
    context = certificates()
    starttls = "starttls" in MODES

    def session():
        return Server(
            Handler(),
            hostname="localhost",
            tls_context=context if starttls else None,
            require_starttls=starttls and "nostarttls" not in MODES,
            auth_required="auth" in MODES,
            auth_require_tls="auth" in MODES and starttls,
            authenticator=authenticate if "auth" in MODES else None,
            loop=asyncio.get_running_loop(),
        )

    server = await asyncio.get_running_loop().create_server(
        session, "127.0.0.1", 0, ssl=context if "implicit" in MODES else None)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    finally:
        sys.stdout.flush()
