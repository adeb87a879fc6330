# Waiting, measuring and telling. Every claim is a row of the table, with the seconds that it took.
# shellcheck shell=bash disable=SC2034,SC2154

rows=()
passed=0

now() {
    local micros=${EPOCHREALTIME/[^0-9]/}
    echo $((micros / 1000))
}

# seconds MILLISECONDS
seconds() {
    printf '%d.%d' $(($1 / 1000)) $(($1 % 1000 / 100))
}

# seen WHAT [MILLISECONDS]: a claim that holds
seen() {
    passed=$((passed + 1))
    rows+=("$(printf '%-96s %8s' "$1" "${2:+$(seconds "$2") s}")")
    printf '  ok  %s%s\n' "$1" "${2:+  ($(seconds "$2") s)}"
}

# fail WHAT [SEEN]
fail() {
    printf '\nFAILED: %s\n' "$1" >&2
    [[ -z ${2:-} ]] || printf '%s\n' "$2" | tail -n 15 | sed 's/^/    /' >&2
    rows+=("$(printf '%-96s %8s' "$1" FAILED)")
    tell_state >&2 || true
    exit 1
}

# What a person would look at first.
tell_state() {
    [[ -s ${KUBECONFIG:-} ]] || return 0
    printf '\n'
    kubectl get pods,mp -A -o wide --request-timeout=5s
    kubectl get events -A --sort-by=.lastTimestamp --request-timeout=5s | tail -n 15
    kubectl logs -n mp-system -l app.kubernetes.io/name=miniprogram-operator --tail=15 --prefix --request-timeout=5s
}

# within SECONDS WHAT COMMAND…: until the command succeeds; a row with the time that it took.
within() {
    local from deadline limit=$1 what=$2 last=
    shift 2
    from=$(now)
    deadline=$((from + limit * 1000))
    until last=$("$@" 2>&1); do
        (($(now) < deadline)) || fail "$what (within $limit s)" "$last"
        sleep 0.2
    done
    seen "$what" $(($(now) - from))
}

# quietly SECONDS WHAT COMMAND…: the same without a row
quietly() {
    local deadline=$(($(now) + $1 * 1000)) what=$2 last=
    shift 2
    until last=$("$@" 2>&1); do
        (($(now) < deadline)) || fail "$what" "$last"
        sleep 0.2
    done
}

# timed WHAT COMMAND…: succeeds at once or not at all
timed() {
    local from what=$1 output
    shift
    from=$(now)
    output=$("$@" 2>&1) || fail "$what: $*" "$output"
    seen "$what" $(($(now) - from))
}

# none WHAT COMMAND…: it succeeds and prints nothing
none() {
    local what=$1 output
    shift
    output=$("$@") || fail "$what" "no answer from $*"
    same "$what" '' "$output"
}

# same WHAT EXPECTED SEEN
same() {
    [[ $2 == "$3" ]] || fail "$1" "expected: $2
seen:     $3"
    seen "$1"
}

conclude() {
    local code=$1 row
    trap - EXIT
    printf '\n%-96s %8s\n' 'WHAT WAS SEEN' TIME
    for row in "${rows[@]}"; do
        printf '%s\n' "$row"
    done
    printf '\n%d passed, %d failed\n' "$passed" "$((code == 0 ? 0 : 1))"
    exit "$code"
}
