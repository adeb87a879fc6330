# Asking Prometheus, waiting for what it says, and telling when each alert fired and ended. Knows no alert by name.
# shellcheck shell=bash disable=SC2034,SC2154

# fail EXPECTED [SEEN]
fail() {
    printf 'FAILED: expected %s\n%s\n' "$1" "${2:-}" >&2
    [[ -z ${prometheus_url:-} ]] || ask 'ALERTS' >&2 || true
    kubectl get mp -A -o wide >&2 || true
    exit 1
}

# await SECONDS EXPECTED COMMAND…
await() {
    local deadline=$((SECONDS + $1)) expected=$2 last=
    shift 2
    until last=$("$@" 2>&1); do
        ((SECONDS < deadline)) || fail "$expected" "$last"
        sleep 0.5
    done
}

# ask QUERY
ask() {
    "$PROMTOOL" query instant "$prometheus_url" "$1"
}

# answers QUERY: it has a result
answers() {
    local result
    result=$(ask "$1") && [[ -n $result ]]
}

at_rest() {
    local alerts
    alerts=$(ask 'ALERTS') || return
    [[ -z $alerts ]] || { echo "$alerts"; return 1; }
}

declare -A began=() mended=() selectors=()
order=()

# provokes ALERT [LABELS]: what makes it fire is done next
provokes() {
    order+=("$1")
    selectors[$1]="alertname=\"$1\"${2:+,$2}"
    began[$1]=$EPOCHREALTIME
}

# fires ALERT SECONDS
fires() {
    await "$2" "$1 to fire" answers "ALERTS{${selectors[$1]},alertstate=\"firing\"}"
}

# tells ALERT TEXT: what its runbook says to look at shows TEXT. Commands that look at the operator's
# pods are left out: here it is a process.
tells() {
    local page command namespace name shown=
    page=$(grep -A 9 "alert: $1\$" "$work/chart-rules.yaml" | sed -n 's/^ *runbook: //p' | head -n 1)
    namespace=$(sed -n 's/.*namespace="\([^"]*\)".*/\1/p' <<< "${selectors[$1]}")
    name=$(sed -n 's/.*,name="\([^"]*\)".*/\1/p' <<< "${selectors[$1]}")
    while read -r command; do
        command=${command//NAMESPACE/$namespace}
        command=${command//NAME/$name}
        shown+=$(bash -c "$command" 2>&1) || fail "$page: the command to succeed: $command" "$shown"
        shown+=$'\n'
    done < <(sed -n 's/^\$ \(kubectl .*get .*\)/\1/p' "$root/$page" | grep -v miniprogram-system)
    [[ $shown == *"$2"* ]] || fail "what $page looks at to show: $2" "$shown"
}

# mends ALERT: what made it fire is mended next
mends() {
    mended[$1]=$EPOCHREALTIME
}

# ends ALERT SECONDS
ends() {
    await "$2" "$1 to end" is_quiet "$1"
}
is_quiet() {
    local alerts
    alerts=$(ask "ALERTS{${selectors[$1]},alertstate=\"firing\"}") || return
    [[ -z $alerts ]] || { echo "$alerts"; return 1; }
}

# Each query of the dashboard has a result, with what Grafana would put in for its variables.
every_query_answers() {
    local query asked=0
    while read -r query; do
        answers "$query" || fail "the dashboard's query to have a result: $query" "$(ask "$query" 2>&1)"
        asked=$((asked + 1))
    done < <(sed -n 's/^ *"expr": "\(.*\)",\{0,1\}$/\1/p' "$root/deploy/chart/files/dashboard.json" |
        sed -e 's/\\"/"/g' -e 's/\$namespace/.*/g' -e 's/\$__rate_interval/10s/g')
    ((asked > 0)) || fail 'queries in the dashboard'
    echo "each of the dashboard's $asked queries has a result"
}

# moment min|max ALERT: the first or the last second in which it fired, by Prometheus' own record
moment() {
    ask "$1($1_over_time(timestamp(ALERTS{${selectors[$2]},alertstate=\"firing\"})[15m:1s]))" | sed -n 's/.* => \([0-9]*\)[. ].*/\1/p'
}

# after FROM UNTIL: whole seconds, as often as the rules are evaluated
after() {
    echo "$(($2 - ${1%.*})) s"
}

print_table() {
    local alert waits
    printf '\n%-30s %8s %14s %16s\n' ALERT WAITS 'FIRED AFTER' 'RESOLVED AFTER'
    for alert in "${order[@]}"; do
        waits=$(grep -A 3 "alert: $alert\$" "$work/chart-rules.yaml" | sed -n 's/^ *for: //p')
        printf '%-30s %8s %14s %16s\n' "$alert" "$waits" "$(after "${began[$alert]}" "$(moment min "$alert")")" \
            "$(after "${mended[$alert]}" "$(($(moment max "$alert") + 1))")"
    done
    printf '\nWAITS is what the chart says; here a minute of it lasts six seconds.\n'
}
