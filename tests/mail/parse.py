"""Reads every .eml in a folder as a mail program does, and prints what it understood: one JSON object a line, by name."""

import email
import email.header
import email.policy
import email.utils
import json
import pathlib
import sys



def addresses(raw, header):
    """By Python's older parser: the newer one keeps the space between two encoded words of a name, against RFC 2047 §6.2."""
    value = email.message_from_bytes(raw, policy=email.policy.compat32)[header]
    pairs = email.utils.getaddresses([value])
    return [[str(email.header.make_header(email.header.decode_header(name))), address] for name, address in pairs]


for path in sorted(pathlib.Path(sys.argv[1]).glob("*.eml")):
    raw = path.read_bytes()
    message = email.message_from_bytes(raw, policy=email.policy.default)
    defects = [repr(defect) for part in message.walk() for defect in part.defects]
    defects += [f"{name}: {defect!r}" for name, value in message.items() for defect in value.defects]
    lines = raw.split(b"\r\n")
    print(json.dumps({
        "name": path.stem,
        "defects": defects,
        "headers": {name.lower(): str(value) for name, value in message.items()},
        "names": [name.lower() for name in message.keys()],
        "date": message["date"].datetime.isoformat(),
        "to": addresses(raw, "to"),
        "from": addresses(raw, "from"),
        "recipients": [address.addr_spec for address in message["to"].addresses],
        "parts": [part.get_content_type() for part in message.walk()],
        "text": message.get_body(["plain"]).get_content(),
        "html": message.get_body(["html"]).get_content(),
        "ascii": raw.isascii(),
        "longest": max(len(line) for line in lines),
        "bare": any(b"\n" in line or b"\r" in line for line in lines),
    }))
