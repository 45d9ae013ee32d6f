# Shared by the programs of this folder (sourced, not run): where things lie, and processes that are ended by their pid.
#
#   PRECIS_HOST_CACHE   what is slow to make and may be deleted: virtual environments (default ~/.cache/precis-host)
#   PRECIS_HOST_RUN     what belongs to one running stack: pids, logs, data (default target/host of this clone)
#   PRECIS_HOST_PORT    the first of the 100 ports of one stack (default 14500, or the next block that is free)
# shellcheck shell=bash

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${PRECIS_HOST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/precis-host}
RUN=${PRECIS_HOST_RUN:-$REPO/target/host}
LOGS=$RUN/logs

say() { echo "${0##*/}: $*" >&2; }

die() {
    say "$*"
    exit 1
}

# When the process with this pid was started, in clock ticks since boot: with the pid it names one process for good,
# where a pid alone may have passed to another. Empty when there is none.
born() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 0
    # The second field is the program's name in brackets, which may hold spaces.
    set -- ${stat##*) }
    echo "${20}"
}

# The pid of a process that `begin` started and that still lives; fails when there is none.
pid_of() {
    local pid birth
    read -r pid birth 2>/dev/null <"$RUN/$1.pid" || return 1
    [[ -n $birth && $(born "$pid") == "$birth" ]] || return 1
    echo "$pid"
}

alive() { pid_of "$1" >/dev/null; }

# begin NAME COMMAND…: starts it apart from this terminal, its output in logs/NAME.log.
begin() {
    local name=$1
    shift
    mkdir -p "$LOGS"
    setsid nohup "$@" >>"$LOGS/$name.log" 2>&1 </dev/null &
    echo "$! $(born $!)" >"$RUN/$name.pid"
}

# finish NAME SECONDS: asks it to end, waits that long, then makes it.
finish() {
    local name=$1 seconds=$2 pid
    if pid=$(pid_of "$name"); then
        kill -TERM "$pid" 2>/dev/null || true
        for ((tenths = seconds * 10; tenths > 0; tenths--)); do
            alive "$name" || break
            sleep 0.1
        done
        if alive "$name"; then
            say "$name did not end within $seconds s and is killed"
            kill -KILL "$pid" 2>/dev/null || true
        fi
    fi
    rm -f -- "$RUN/$name.pid"
}

# answers URL: does it answer 2xx within two seconds? Without curl, which a bare machine lacks.
answers() {
    python3 -c 'import sys, urllib.request as r
r.build_opener(r.ProxyHandler({})).open(sys.argv[1], timeout=2).read()' "$1" >/dev/null 2>&1
}

# await NAME URL SECONDS: until it answers; fails with the end of its log when it died or took too long.
await() {
    local name=$1 url=$2 deadline=$((SECONDS + $3))
    until answers "$url"; do
        if ! alive "$name"; then
            tail -n 20 "$LOGS/$name.log" >&2
            die "$name ended while it was starting; its log: $LOGS/$name.log"
        elif ((SECONDS >= deadline)); then
            tail -n 20 "$LOGS/$name.log" >&2
            die "$name did not answer $url within $3 s; its log: $LOGS/$name.log"
        fi
        sleep 0.2
    done
}

# Are the ports of the block that begins here free? Asks for those that are surely used: emulators, Textract, services.
free_block() {
    python3 - "$1" <<'PYTHON'
import socket, sys
first = int(sys.argv[1])
for port in range(first, first + 20):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except OSError:
            sys.exit(1)
PYTHON
}

# The first port of this stack: kept while it runs, given, or the first block that is free.
base_port() {
    local first
    if [[ -s $RUN/port ]]; then
        cat "$RUN/port"
        return
    fi
    if [[ -n ${PRECIS_HOST_PORT-} ]]; then
        first=$PRECIS_HOST_PORT
    else
        for ((first = 14500; first < 32000; first += 100)); do
            free_block "$first" && break
        done
        ((first < 32000)) || die "no block of free ports between 14500 and 32000; set PRECIS_HOST_PORT"
    fi
    mkdir -p "$RUN"
    echo "$first" | tee "$RUN/port"
}
