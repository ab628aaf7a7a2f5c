#!/usr/bin/env bash
# Starts a real Bluesky network (PLC directory, PDS, AppView) on this machine and stays until it is told to stop by
# SIGTERM, by SIGINT or, with --until-stdin-closes, by the end of its standard input. Everything it writes lies in one
# temporary folder, which goes when it stops. Ports are free ones. Prints one line when all is up:
#   READY {"pds":"http://localhost:…","appview":"…","control":"http://127.0.0.1:…"}
# The control port is described in network.js. Run setup.sh once before.
set -euo pipefail
cd "$(dirname "$0")"

folder=$(mktemp -d "${TMPDIR:-/tmp}/uppsikt-bluesky.XXXXXX")
as_postgres=()
node='' redis='' postgres=''
stop() {
  trap - EXIT INT TERM
  [ -z "$node" ] || { kill "$node" 2>/dev/null && wait "$node" 2>/dev/null || true; }
  [ -z "$redis" ] || { kill "$redis" 2>/dev/null && wait "$redis" 2>/dev/null || true; }
  [ -z "$postgres" ] || { kill -QUIT "$postgres" 2>/dev/null && wait "$postgres" 2>/dev/null || true; }
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 0' INT TERM

free_port() {
  node -e 's = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })'
}
wait_for() { # what, log, command …: at most 30 s
  local what=$1 log=$2; shift 2
  for _ in $(seq 150); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.2
  done
  echo "$what does not answer; its log:" >&2
  tail -n 20 "$log" >&2
  exit 1
}

bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
mkdir "$folder/pg" "$folder/redis" "$folder/tmp"
if [ "$(id -u)" = 0 ]; then
  # PostgreSQL refuses to run as root.
  as_postgres=(setpriv --reuid postgres --regid postgres --clear-groups)
  chmod 711 "$folder"
  chown postgres: "$folder/pg"
fi
"${as_postgres[@]}" "$bin/initdb" -D "$folder/pg/data" -U pg --auth=trust --no-sync -E UTF8 --locale=C >"$folder/initdb.log" 2>&1 \
  || { cat "$folder/initdb.log" >&2; exit 1; }
pg_port=$(free_port)
"${as_postgres[@]}" "$bin/postgres" -D "$folder/pg/data" -p "$pg_port" -k "$folder/pg" -c listen_addresses=127.0.0.1 \
  -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=200 >"$folder/postgres.log" 2>&1 </dev/null &
postgres=$!
redis_port=$(free_port)
redis-server --port "$redis_port" --bind 127.0.0.1 --dir "$folder/redis" --save '' --appendonly no >"$folder/redis.log" 2>&1 </dev/null &
redis=$!
wait_for PostgreSQL "$folder/postgres.log" "$bin/pg_isready" -h 127.0.0.1 -p "$pg_port" -U pg
wait_for Redis "$folder/redis.log" redis-cli -p "$redis_port" ping

# Without DEV_ENV's telemetry and logs: the network speaks through its control port only.
LOG_ENABLED=false TMPDIR="$folder/tmp" \
  DB_POSTGRES_URL="postgresql://pg@127.0.0.1:$pg_port/postgres" REDIS_HOST="127.0.0.1:$redis_port" \
  node network.js "$@" <&0 &
node=$!
wait "$node"
