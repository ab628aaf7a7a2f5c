#!/bin/sh
# Makes the Python environment that the mail tests need: a real SMTP server.
# Usage: setup.sh [FOLDER]; default $UPPSIKT_VENV, else tests/.venv. Running it again is harmless.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
venv=${1:-${UPPSIKT_VENV:-$here/../.venv}}
if "$venv/bin/python" -c 'import aiosmtpd' 2>/dev/null; then
    exit 0
fi
command -v openssl >/dev/null || { echo "setup.sh: openssl is missing" >&2; exit 1; }
python3 -m venv "$venv"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check 'aiosmtpd==1.4.6'
