#!/usr/bin/env python3
"""Kontrollerar en leverans ur Uppsikt. Behöver bara Python 3.8 eller senare, inget annat.

    python3 verify.py [MAPP] [--key NYCKEL]

MAPP är leveransen; utelämnad: den som programmet ligger i. NYCKEL är loggens nyckel så som kommunen har publicerat den;
utan den prövas bara att leveransen hänger ihop. Den som misstror leveransen tar programmet någon annanstans ifrån, eller
läser det: det är gjort för att läsas. Formaten står i documentation/format.md i en leverans till e-arkiv, och hos Uppsikt.
"""
import base64, hashlib, io, json, os, re, stat, sys, zipfile

FAULTS = []


def fault(path, what):
    FAULTS.append((path, what))
    print("FEL: %s: %s" % (path, what))


def sha256(data):
    return hashlib.sha256(data).digest()


# --- Ed25519 (RFC 8032, 5.1), only verifying -------------------------------------------------------------------------

P = 2 ** 255 - 19
L = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, p):
    total = (0, 1, 1, 0)
    while n:
        total = add(total, p) if n & 1 else total
        p, n = add(p, p), n >> 1
    return total


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE = point(BASE_Y.to_bytes(32, "little"))


def signed(public, message, signature):
    key, r = point(public), point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or key is None or r is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    one, two = times(s, BASE), add(r, times(h, key))
    return (one[0] * two[2] - two[0] * one[2]) % P == 0 and (one[1] * two[2] - two[1] * one[2]) % P == 0


# --- The Merkle tree (RFC 6962, 2.1; RFC 9162, 2.1.3.2) ---------------------------------------------------------------


def root(hashes):
    if len(hashes) == 1:
        return hashes[0]
    k = 1 << (len(hashes) - 1).bit_length() - 1
    return sha256(b"\1" + root(hashes[:k]) + root(hashes[k:]))


def climb(leaf, index, size, path):
    last = size - 1
    if index > last:
        return None
    for p in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            leaf = sha256(b"\1" + p + leaf)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            leaf = sha256(b"\1" + leaf + p)
        index, last = index >> 1, last >> 1
    return leaf if last == 0 else None


# --- The files: BagIt 1.0 (RFC 8493), in its one form ----------------------------------------------------------------

REQUIRED = ["bagit.txt", "bag-info.txt", "manifest-sha256.txt", "manifest-sha512.txt", "tagmanifest-sha256.txt",
            "tagmanifest-sha512.txt", "LAS-MIG.txt", "data/events.jsonl", "data/fields/fields.json", "uppsikt/entry.json",
            "uppsikt/entry.tlog-proof", "uppsikt/checkpoint", "uppsikt/log.vkey"]
OPTIONAL = ["uppsikt/verify.py", "uppsikt/checkpoint.tsr", "uppsikt/tsa-chain.pem", "uppsikt/witness.vkey"]
FREE = ("data/api/", "data/media/", "data/render/", "data/capture/")


def walk(bag):
    found = {}
    for folder, names, files in os.walk(bag):
        for name in names + files:
            whole = os.path.join(folder, name)
            path = os.path.relpath(whole, bag).replace(os.sep, "/")
            mode = os.lstat(whole).st_mode
            if stat.S_ISDIR(mode):
                continue
            if not stat.S_ISREG(mode):
                fault(path, "ingen vanlig fil")
            elif not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", name):
                fault(path, "filnamnet har andra tecken än A–Z, a–z, 0–9, punkt, understreck och bindestreck")
            else:
                with open(whole, "rb") as file:
                    found[path] = file.read()
    return found


def check_bag(files):
    for path in REQUIRED:
        if path not in files:
            fault(path, "filen fattas")
    if files.get("bagit.txt") != b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n":
        fault("bagit.txt", "inte de två rader som BagIt 1.0 kräver")
    payload = sorted((p for p in files if p.startswith("data/")), key=str.encode)
    tags = sorted((p for p in files if not p.startswith(("data/", "tagmanifest-"))), key=str.encode)
    oxum = "Payload-Oxum: %d.%d" % (sum(len(files[p]) for p in payload), len(payload))
    if oxum not in files.get("bag-info.txt", b"").decode("utf-8", "replace").split("\n"):
        fault("bag-info.txt", "Payload-Oxum stämmer inte med filerna i data/")
    for kind, paths in (("manifest", payload), ("tagmanifest", tags)):
        for name in ("sha256", "sha512"):
            listing = "%s-%s.txt" % (kind, name)
            lines = ["%s  %s" % (hashlib.new(name, files[p]).hexdigest(), p) for p in paths]
            there = files.get(listing, b"").decode("utf-8", "replace")
            if there == "".join(line + "\n" for line in lines):
                continue
            fault(listing, "inte den lista som filerna ger")
            listed = set(there.split("\n"))
            for path, line in zip(paths, lines):
                if line not in listed:
                    fault(path, "stämmer inte med %s, eller står inte i den" % listing)
            for line in listed - set(lines):
                if "  " in line and line.split("  ", 1)[1] not in files:
                    fault(line.split("  ", 1)[1], "står i %s men fattas" % listing)


# --- The log ------------------------------------------------------------------------------------------------------------

INTENTS = {"hidden": "hide_intent", "hide_unconfirmed": "hide_intent", "hide_failed": "hide_intent",
           "removed": "remove_intent", "remove_failed": "remove_intent", "restored": "restore_intent",
           "restore_failed": "restore_intent", "replied": "reply_intent", "reply_failed": "reply_intent"}
KINDS = ["snapshot", "registered", "decision", "annulled", "release", "disposal"] + sorted(set(INTENTS) | set(INTENTS.values()))
ROOTED = ["snapshot", "registered", "decision", "annulled", "release", "disposal"]


def check_head(files, published):
    checkpoint, own = files.get("uppsikt/checkpoint", b""), files.get("uppsikt/log.vkey", b"")
    text, _, signatures = checkpoint.rpartition(b"\n\n")
    text += b"\n"
    origin, size, top, end = text.decode().split("\n")
    if not re.fullmatch("0|[1-9][0-9]*", size) or end:
        raise ValueError("inte tre rader")
    key = own.decode()
    if not key.endswith("\n"):
        fault("uppsikt/log.vkey", "ingen nyckel")
    key = key.strip("\n")
    if published and key != published:
        fault("uppsikt/log.vkey", "inte den nyckel som kommunen har publicerat")
    name, ident, public = key.split("+", 2)
    public = base64.b64decode(public, validate=True)
    if public[:1] != b"\1" or len(public) != 33 or sha256(name.encode() + b"\n" + public)[:4].hex() != ident:
        fault("uppsikt/log.vkey", "nyckelns nummer hör inte till nyckeln")
    if name != origin:
        fault("uppsikt/checkpoint", "kontrollpunkten gäller en annan logg än nyckelns")
    good = False
    for line in signatures.decode().split("\n")[:-1]:
        dash, signer, data = line.split(" ")
        data = base64.b64decode(data, validate=True)
        if dash == "\u2014" and signer == name and data[:4].hex() == ident:
            good = signed(public[1:], text, data[4:])
            if not good:
                break
    if not good or not signatures.endswith(b"\n"):
        fault("uppsikt/checkpoint", "underskriften gäller inte")
    top = base64.b64decode(top, validate=True)
    if len(top) != 32:
        raise ValueError("roten är inte 32 byte")
    return origin, int(size), top


def check_witnesses(files, checkpoint, lines):
    """What outsiders signed (C2SP tlog-cosignature): the k-th line with the k-th key."""
    keys = files.get("uppsikt/witness.vkey", b"").decode().split("\n")[:-1]
    lines = lines.decode().split("\n")[:-1]
    if len(keys) != len(lines):
        fault("uppsikt/witness.vkey", "%d nycklar men %d underskrifter av vittnen" % (len(keys), len(lines)))
    text = checkpoint.partition(b"\n\n")[0] + b"\n"
    for key, line in zip(keys, lines):
        name, ident, public = key.split("+", 2)
        public = base64.b64decode(public, validate=True)
        dash, signer, data = line.split(" ")
        data = base64.b64decode(data, validate=True)
        message = b"cosignature/v1\ntime %d\n" % int.from_bytes(data[4:12], "big") + text
        if public[:1] != b"\4" or len(public) != 33 or sha256(name.encode() + b"\n" + public)[:4].hex() != ident:
            fault("uppsikt/witness.vkey", "vittnets nummer hör inte till nyckeln")
        if dash != "\u2014" or signer != name or data[:4].hex() != ident or not signed(public[1:], message, data[12:]):
            fault("uppsikt/entry.tlog-proof", "ett vittnes underskrift gäller inte: %s" % name)


def check_entry(line, number, first, previous, seen):
    entry = json.loads(line)
    canonical = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    keys = {"at", "t", "v"} | ({"id", "pack"} if first else {"ref"}) | ({"n", "root"} if "root" in entry else set())
    keys |= {"mask_root"} & set(entry) if entry.get("t") == "release" else set()
    kind = entry.get("t")
    if canonical != line or set(entry) != keys or entry.get("v") != 1 or kind not in KINDS:
        fault("data/events.jsonl", "post %d är ingen giltig loggpost" % number)
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", entry["at"]) or seen and entry["at"] < seen[-1][1]:
        fault("data/events.jsonl", "post %d har en tid som inte kan stämma" % number)
    if kind in ROOTED and "root" not in entry:
        fault("data/events.jsonl", "post %d har inga uppgifter" % number)
    if (kind == "snapshot") != first or (not first and entry.get("ref") != previous):
        fault("data/events.jsonl", "kedjan bryts vid post %d" % number)
    before = [k for k, _ in seen]
    if "disposal" in before:
        fault("data/events.jsonl", "post %d står efter gallringen" % number)
    if kind in ("hide_intent", "remove_intent"):
        at = before.index("registered") if "registered" in before else len(before)
        if "decision" not in before[at:]:
            fault("data/events.jsonl", "post %d: doldes eller togs bort utan diarieföring och beslut före" % number)
    if kind in INTENTS:
        intent = INTENTS[kind]
        ends = [k for k in before if INTENTS.get(k) == intent and k != "hide_unconfirmed"]
        if before.count(intent) <= len(ends):
            fault("data/events.jsonl", "post %d: ett kvitto utan åtgärd före" % number)
    seen.append((kind, entry["at"]))
    return entry


def check_fields(path, data, entry, whole):
    doc = json.loads(data)
    leaves = doc["leaves"]
    hashes = [sha256(b"\0" + leaf["d"].encode()) if "d" in leaf else bytes.fromhex(leaf["h"]) for leaf in leaves]
    fields, bare = {}, [n for n, leaf in enumerate(leaves) if "d" not in leaf]
    if len(hashes) != entry["n"] or len(hashes) % 16 or root(hashes).hex() != entry["root"] \
            or doc["record_root"] != entry["root"] or doc["format"] != "uppsikt-fields/1":
        fault(path, "uppgifterna stämmer inte med loggposten")
    for leaf in leaves:
        if set(leaf) not in ({"d"}, {"h"}) if whole else not set(leaf) <= {"d", "h", "p"}:
            fault(path, "uppgifter är borttagna ur filen")
        if "d" in leaf:
            salt, name, value = json.loads(base64.urlsafe_b64decode(leaf["d"] + "=" * (-len(leaf["d"]) % 4)))
            if name in fields or len(base64.urlsafe_b64decode(salt + "==")) != 16:
                fault(path, "en uppgift står två gånger eller saknar salt")
            fields[name] = value
    if not fields or len(bare) >= 16 or bare and bare[0] < len(fields):
        fault(path, "uppgifter är borttagna ur filen")
    return fields


def check_record(files, size, top):
    numbers = sorted(int(m.group(1)) for m in (re.fullmatch(r"uppsikt/proofs/(0|[1-9]\d*)\.tlog-proof", p) for p in files) if m)
    events = files.get("data/events.jsonl", b"")
    lines = events.split(b"\n")
    if lines.pop() != b"" or len(lines) != len(numbers):
        fault("data/events.jsonl", "%d händelser men %d bevis" % (len(lines), len(numbers)))
    known, seen, previous = set(REQUIRED + OPTIONAL), [], None
    # Every proof ends with the checkpoint and, under it, the same lines of witnesses.
    checkpoint = files.get("uppsikt/checkpoint", b"")
    end = files.get("uppsikt/entry.tlog-proof", b"").partition(b"\n\n")[2]
    if not end.startswith(checkpoint):
        end = checkpoint
    attempt("uppsikt/witness.vkey", check_witnesses, files, checkpoint, end[len(checkpoint):])
    for place, (number, line) in enumerate(zip(numbers, lines)):
        path = "uppsikt/proofs/%d.tlog-proof" % number
        known.add(path)
        head, _, rest = files[path].partition(b"\n\n")
        proof = head.decode().split("\n")
        hashes = [base64.b64decode(h, validate=True) for h in proof[2:]]
        again = [base64.b64encode(h).decode() for h in hashes]
        if proof[:2] != ["c2sp.org/tlog-proof@v1", "index %d" % number] or again != proof[2:] \
                or rest != end:
            fault(path, "beviset gäller en annan post eller en annan kontrollpunkt")
        if climb(sha256(b"\0" + line), number, size, hashes) != top:
            fault(path, "beviset leder inte från posten till loggens rot")
        entry = check_entry(line, number, place == 0, previous, seen)
        previous = number
        if "root" in entry:
            path = "data/fields/%s.json" % ("fields" if place == 0 else number)
            known.add(path)
            if path not in files:
                fault(path, "filen fattas")
                continue
            fields = check_fields(path, files[path], entry, True)
            if place == 0:
                check_captured(files, fields)
        if place == 0 and (files.get("uppsikt/entry.json") != line
                           or files.get("uppsikt/entry.tlog-proof") != files["uppsikt/proofs/%d.tlog-proof" % number]):
            fault("uppsikt/entry.json", "inte densamma som aktens första händelse")
            fault("uppsikt/entry.tlog-proof", "inte densamma som aktens första bevis")
    for path in files:
        if path not in known and not path.startswith(FREE):
            fault(path, "filen hör inte till leveransen")
    return len(lines)


def check_captured(files, fields):
    committed = {}
    for name, value in fields.items():
        if name.startswith("/files/"):
            committed["data/" + name[7:].replace("~1", "/").replace("~0", "~")] = (value["sha256"], value["size"])
    there = {p: (hashlib.sha256(b).hexdigest(), len(b)) for p, b in files.items() if p.startswith(("data/api/", "data/media/"))}
    for path in sorted(set(committed) | set(there)):
        if committed.get(path) != there.get(path):
            fault(path, "inte den fil som togs till vara enligt loggen, tillagd eller borttagen")


def check_wacz(path, data, entry):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if archive.testzip() is not None:
            fault(path, "webbarkivet är skadat")
        inner = {name: archive.read(name) for name in archive.namelist()}
    package = inner["datapackage.json"]
    if json.loads(inner["datapackage-digest.json"])["hash"] != "sha256:" + hashlib.sha256(package).hexdigest():
        fault(path, "datapackage.json är ändrad")
    listed = {r["path"]: r["hash"] for r in json.loads(package)["resources"]}
    own = {n: "sha256:" + hashlib.sha256(b).hexdigest() for n, b in inner.items() if not n.startswith("datapackage")}
    if listed != own:
        fault(path, "webbarkivets filer är inte de som det räknar upp")
    if inner.get("uppsikt/entry.json") != entry:
        fault(path, "webbarkivet gäller en annan akt")


def attempt(path, check, *arguments):
    """Whatever a hostile file makes of a check, it is a fault of that file."""
    try:
        return check(*arguments)
    except Exception as error:
        fault(path, "går inte att läsa (%s: %s)" % (type(error).__name__, error))
        return None


def main(arguments):
    published = None
    if "--key" in arguments:
        at = arguments.index("--key")
        published = arguments[at + 1].strip()
        del arguments[at:at + 2]
    bag = arguments[0] if arguments else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    files = walk(bag)
    if not files:
        print("FEL: %s: här finns ingen leverans" % bag)
        return 2
    check_bag(files)
    head = attempt("uppsikt/checkpoint", check_head, files, published)
    origin, size, top = head or ("?", 0, b"")
    count = attempt("data/events.jsonl", check_record, files, size, top)
    for path in sorted(files):
        if path.startswith("data/capture/") and path.endswith(".wacz"):
            attempt(path, check_wacz, path, files[path], files.get("uppsikt/entry.json"))
    if FAULTS:
        print("FEL: leveransen håller INTE: %d fel" % len(FAULTS))
        return 1
    print("RÄTT: %d filer är hela; %d händelser och deras uppgifter hör till loggen %s med %d poster" % (len(files), count, origin, size))
    if published:
        print("Underskriften är gjord med den nyckel som du angav.")
    else:
        print("Jämför loggens nyckel med den som kommunen har publicerat, eller ange den med --key:")
        print(files["uppsikt/log.vkey"].decode().strip())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
