# SPDX-License-Identifier: Apache-2.0
"""E-mail by the standard library's ``smtplib`` in a thread.

The Message-ID follows from the notice's key, so mail programs show a repeat once. 4xx and a server that cannot be reached are tried
again, 5xx of the recipient or the message is final (RFC 5321 4.2.1); a refused sign-in is tried again, for a password can be mended.
"""

import asyncio
import contextlib
import hashlib
import smtplib
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime

from openmains.app.notice.shapes.talk import Accepted, Letter, Outcome, Refused
from openmains.domain.period import utc_of_us
from openmains.edges.notify.guard import AddressGuard, AddressRefusedError

SOCKET_S = 10.0
WHOLE_S = 25.0


class _Session(smtplib.SMTP):
    """Connects to addresses that were looked at; the server's name stays the one TLS is held to."""

    def __init__(self, guard: AddressGuard, host: str, *, safety: str, context: ssl.SSLContext) -> None:
        super().__init__(local_hostname="openmains", timeout=SOCKET_S)
        self._guard, self._host, self._safety, self._context = guard, host, safety, context

    def cut(self) -> None:
        """From another thread: whoever waits for the server gets an end."""
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        failed: OSError = ConnectionError("no address")
        for address in self._guard.look(host, port, self._safety != "none"):
            try:
                opened = socket.create_connection((address, port), timeout)
            except OSError as error:
                failed = error
                continue
            return self._context.wrap_socket(opened, server_hostname=host) if self._safety == "tls" else opened
        raise failed


class Mailer:
    """``Sender`` of kind email; close it. ``whole_s``: of one letter."""

    def __init__(self, guard: AddressGuard, context: ssl.SSLContext | None = None, whole_s: float = WHOLE_S) -> None:
        self._whole_s = whole_s
        self._guard = guard
        self._context = context or ssl.create_default_context()
        self._threads = ThreadPoolExecutor(8, thread_name_prefix="smtp")

    def close(self) -> None:
        """No letter after this."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def __call__(
        self, settings: Mapping[str, str], secrets: Mapping[str, str], letter: Letter, now_us: int
    ) -> Outcome:
        session = _Session(self._guard, settings["host"], safety=settings["safety"], context=self._context)
        loop = asyncio.get_running_loop()
        sending = loop.run_in_executor(
            self._threads, self._send, session, dict(settings), dict(secrets), letter, now_us
        )
        try:
            return await asyncio.wait_for(asyncio.shield(sending), self._whole_s)
        except TimeoutError:
            session.cut()  # a server that says a sign now and then: the thread ends with its socket
            return Refused("timeout")

    def _send(
        self, session: _Session, settings: dict[str, str], secrets: dict[str, str], letter: Letter, now_us: int
    ) -> Outcome:
        try:
            code, _ = session.connect(settings["host"], int(settings["port"]))
            if code != 220:
                return Refused(f"no greeting of a mail server: {code}")
            session.ehlo()
            if settings["safety"] == "starttls":
                session.starttls(context=self._context)
                session.ehlo()
            if settings.get("user"):
                session.login(settings["user"], secrets.get("password", ""))
            session.send_message(message_of(settings["sender"], letter, now_us))
            return Accepted()
        except AddressRefusedError as error:
            return Refused(str(error), is_final=error.code != "no-address")
        except smtplib.SMTPRecipientsRefused as error:
            code, said = next(iter(error.recipients.values()))
            return _refused(code, said)
        except smtplib.SMTPAuthenticationError as error:
            return Refused(f"sign-in refused: {error.smtp_code}")
        except smtplib.SMTPNotSupportedError as error:
            return Refused(f"not offered by the server: {error}"[:200], is_final=True)
        except smtplib.SMTPResponseException as error:
            return _refused(error.smtp_code, error.smtp_error)
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return Refused(f"{type(error).__name__}: {settings['host']}")
        finally:
            session.close()


def message_of(sender: str, letter: Letter, now_us: int) -> EmailMessage:
    """Plain text in UTF-8; no automatic answer is wanted (RFC 3834)."""
    message = EmailMessage()
    message["Message-ID"] = f"<{hashlib.sha256(letter.key.encode()).hexdigest()[:40]}@{sender.partition('@')[2]}>"
    message["Date"] = format_datetime(utc_of_us(now_us))
    message["From"] = Address("OpenMains", addr_spec=sender)
    message["To"] = Address(addr_spec=letter.address)
    message["Subject"] = letter.subject
    message["Auto-Submitted"] = "auto-generated"
    if letter.severity == "critical":
        message["Importance"] = "high"
    message.set_content(letter.text, cte="base64")  # passes every server, whatever it offers
    return message


def _refused(code: int, said: bytes | str) -> Refused:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    shown = "".join(sign if sign.isprintable() else " " for sign in text)[:200]
    return Refused(f"{code}: {shown}", is_final=500 <= code < 600)
