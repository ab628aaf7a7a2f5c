import base64, hashlib, json, os, sys
BAG, OUT = sys.argv[1], sys.argv[2]    # leveransen; en annan mapp, för openssl
read = lambda name: open(os.path.join(BAG, name), 'rb').read(); H = lambda data: hashlib.sha256(data).digest()
def must(true, what): true or sys.exit('FEL: ' + what)
def root(x):                           # RFC 6962, 2.1
    k = 1 << (len(x) - 1).bit_length() - 1 if len(x) > 1 else 0
    return H(b'\1' + root(x[:k]) + root(x[k:])) if k else x[0]
def climb(r, i, last, path):           # RFC 9162, 2.1.3.2
    for p in path:
        must(last > 0, 'beviset är för långt'); left = i & 1 or i == last
        r = H(b'\1' + (p + r if left else r + p))
        while left and i and not i & 1: i, last = i >> 1, last >> 1
        i, last = i >> 1, last >> 1
    return r if last == 0 else b''
checkpoint = read('uppsikt/checkpoint'); text, signature = checkpoint.split(b'\n\n'); text += b'\n'
origin, size, top = text.decode().split('\n')[:3]
numbers = sorted(int(n.split('.')[0]) for n in os.listdir(BAG + '/uppsikt/proofs'))
lines = read('data/events.jsonl').split(b'\n')[:-1]; before = None; files = set()
must(len(lines) == len(numbers) and lines[0] == read('uppsikt/entry.json'), 'antalet händelser')
for n, line in zip(numbers, lines):
    e = json.loads(line); must(e.get('ref') == before, 'kedjan vid post %d' % n); before = n
    head, rest = read('uppsikt/proofs/%d.tlog-proof' % n).split(b'\n\n', 1)
    path = [base64.b64decode(h) for h in head.split(b'\n')[2:]]
    must(rest.startswith(checkpoint) and climb(H(b'\0' + line), n, int(size) - 1, path) == base64.b64decode(top), 'post %d' % n)
    f = json.loads(read('data/fields/%s.json' % ('fields' if 'id' in e else n)))['leaves'] if 'root' in e else []
    h = [H(b'\0' + l['d'].encode()) if 'd' in l else bytes.fromhex(l['h']) for l in f]
    must(not h or (len(h) == e['n'] and root(h).hex() == e['root']), 'uppgifterna till post %d' % n)
    for _, p, v in (json.loads(base64.urlsafe_b64decode(l['d'] + '==')) for l in f if 'd' in l and 'id' in e):
        if p.startswith('/files/'): files.add(p := p[7:].replace('~1', '/')); must(H(read('data/' + p)).hex() == v['sha256'], p)
there = {d + '/' + n for d in ('api', 'media') for _, _, x in os.walk(BAG + '/data/' + d) for n in x}
must(files == there, 'filer i data/api och data/media är tillagda eller borttagna')
key, sig = base64.b64decode(read('uppsikt/log.vkey').split(b'+', 2)[2]), base64.b64decode(signature.split()[2])
must(H(origin.encode() + b'\n' + key)[:4] == sig[:4], 'nyckelns namn')
out, start = [('', text, sig[4:68], key)], bytes.fromhex('302a300506032b6570032100')
for i, line in enumerate(rest[len(checkpoint):].split(b'\n')[:-1]):        # vittnenas underskrifter
    s, k = (base64.b64decode(x) for x in (line.split()[-1], read('uppsikt/witness.vkey').split()[i].split(b'+', 2)[2]))
    out.append((str(i + 1), b'cosignature/v1\ntime %d\n' % int.from_bytes(s[4:12], 'big') + text, s[12:], k))
for i, t, s, k in out:
    for n, b in (('text', t), ('sig', s), ('key', start + k[1:])): open(OUT + '/' + n + i, 'wb').write(b)
print('RÄTT:', len(lines), 'händelser och deras uppgifter hör till loggen', origin, 'med', size, 'poster')
