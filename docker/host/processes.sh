# shellcheck shell=bash
# Sourced by emulators and stack: processes known by the pid file and the log that they have in $DIR.

# start NAME CMD…: in the background, until `stop NAME`; a log that is there goes on. The lock (8) is not handed on.
start() {
    local name=$1
    shift
    nohup "$@" >>"$DIR/$name.log" 2>&1 </dev/null 8>&- &
    echo "$! $(started $!)" >"$DIR/$name.pid"
}

# When a process started, as the kernel counts it: with it a pid names one process for good.
started() { cut -d' ' -f22 "/proc/$1/stat" 2>/dev/null || ps -o lstart= -p "$1"; }

pid_of() {
    local pid when
    read -r pid when <"$DIR/$1.pid" 2>/dev/null && echo "$pid"
}

alive() {
    local pid when
    read -r pid when 2>/dev/null <"$DIR/$1.pid" || return 1
    kill -0 "$pid" 2>/dev/null && [[ $(started "$pid") == "$when" ]]
}

# stop NAME SECONDS: asks it to end, waits for so long, then kills it.
stop() {
    local pid i
    if alive "$1"; then
        pid=$(pid_of "$1")
        kill "$pid" 2>/dev/null || true
        for ((i = 0; i < $2 * 10; i++)); do alive "$1" || break; sleep 0.1; done
        ! alive "$1" || { say "$1 did not end within $2 s, killing it"; kill -9 "$pid" 2>/dev/null || true; }
    fi
    rm -f -- "$DIR/$1.pid"
}

answers() { python3 -c 'import sys, urllib.request; urllib.request.urlopen(sys.argv[1], timeout=2)' "$1" 2>/dev/null; }

# ready NAME SECONDS CMD…: waits until CMD succeeds, for so long, while the process lives.
ready() {
    local name=$1 deadline=$((SECONDS + $2))
    shift 2
    while ((SECONDS < deadline)); do
        "$@" && return 0
        alive "$name" || break
        sleep 0.2
    done
    say "$name did not become ready; the end of $DIR/$name.log:"
    tail -n 20 "$DIR/$name.log" >&2
    return 1
}
