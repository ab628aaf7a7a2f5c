#!/usr/bin/env bash
# Makes a time-stamp authority in the folder it is called in: ca.pem (to be trusted), tsa.pem, keys, tsa.cnf for
# `openssl ts -reply -config tsa.cnf -queryfile q -out r`. Needs OpenSSL 3. $1: days that the authority's certificate
# lives (default 3650); $2: extendedKeyUsage (default: as RFC 3161 wants it).
set -euo pipefail
days=${1:-3650}
usage=${2:-critical,timeStamping}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 7300 -subj "/C=SE/O=Test/CN=Test TSA Root" \
  -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem 2>/dev/null
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/C=SE/O=Test/CN=Test TSA 1" -keyout tsa.key -out tsa.csr 2>/dev/null
printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=%s\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' "$usage" > tsa.ext
openssl x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -sha256 -days "$days" -extfile tsa.ext -out tsa.pem 2>/dev/null
cat > tsa.cnf <<'C'
[tsa]
default_tsa = t1
[t1]
serial = ./serial
crypto_device = builtin
signer_cert = ./tsa.pem
certs = ./ca.pem
signer_key = ./tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
other_policies = 1.2.3.4.1
digests = sha256, sha384, sha512
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
C
echo 01 > serial
