"""TLS and the network's own errors, the same for every protocol."""

from __future__ import annotations

import os
import socket
import ssl


def trust(*, nobody: bool = False) -> ssl.SSLContext:
    """Checks certificates and host names: by the system's store, where a company keeps its own authority, or by
    certifi's where there is none. With `nobody`, by no authority: no certificate passes."""
    if nobody:
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.create_default_context()
    places = ssl.get_default_verify_paths()
    if not any(place and os.path.exists(place) for place in (places.cafile, places.capath)):
        import certifi

        context.load_verify_locations(certifi.where())
    return context


_OURS = ("CERT", "UNKNOWN_CA", "HANDSHAKE_FAILURE")
"""What servers' alerts are about when a client shows none of the certificates that they want."""


def explain(error: BaseException, ca: str = "SSL_CERT_FILE", *, shown: bool = False) -> str:
    """What the system or TLS says is wrong, in an operator's words; empty when the network is not to blame, or when it
    is a matter of time. `ca` says where to look for the authorities that a certificate is judged by, `shown` whether
    we have shown one ourselves."""
    causes: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in causes:
        causes.append(cause)
        cause = cause.__cause__ or cause.__context__
    for cause in causes:
        match cause:
            case socket.gaierror():
                return "its host name does not resolve; check it, and the name server"
            case ConnectionRefusedError():
                return "refuses the connection; is it running, and is the port right?"
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted ({cause.verify_message}); check {ca}"
            case ssl.SSLError(reason=str(reason)) if "ALERT" in reason and any(word in reason for word in _OURS):
                if shown:
                    return f"does not accept our client certificate ({reason}); check cert_file, and who has signed it"
                return f"refuses the TLS connection ({reason}); does it want a client certificate of ours?"
            case ssl.SSLError():
                return f"no TLS connection ({cause.reason or 'cut off'}); does it speak TLS there?"
            case ConnectionError():
                return "cuts the connection off"
            case OSError(strerror=str(reason)) if not isinstance(cause, TimeoutError):
                return f"cannot be reached ({reason})"
    return ""


def late(timeout: float) -> str:
    """No complete answer within `timeout` seconds."""
    return f"no complete answer within {round(timeout, 1):g} s; is it overloaded, or the network slow?"
