#!/usr/bin/env bash
# Shows the operator at work, and checks that each step was seen to work. `make demo` runs it inside `local-cluster run --`,
# which sets KUBECONFIG, puts kubectl on PATH and removes the control plane afterwards.
#
# BIN is the folder of the built programs. With ONCE=1 it ends after the last step; else it leaves all running until Ctrl-C.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
: "${BIN:?is set by the Makefile}" "${KUBECONFIG:?is set by local-cluster}"

# Seconds. The real ones are 7200 and 300; a stable token is replaced only within its window.
life=60
window=40

work=$(mktemp -d)
operator_log=$work/operator.log
simulator_log=$work/simulator.log
# There before the programs are: they are started in the background, and the log is read at once.
truncate --size 0 "$operator_log" "$simulator_log"
operator=
simulator=
step=0

# What stays on this machine is nothing for its proxy, and the operator refuses one that it cannot use.
unset HTTP_PROXY HTTPS_PROXY ALL_PROXY http_proxy https_proxy all_proxy

# ---- what the steps are told with

bold='' dim='' red='' green='' plain=''
if [[ -t 1 ]]; then
    bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' green=$'\e[32m' plain=$'\e[0m'
fi

step() {
    step=$((step + 1))
    printf '\n%s%d. %s%s\n' "$bold" "$step" "$*" "$plain"
}

say() {
    printf '   %s\n' "$@"
}

indented() {
    sed 's/^/   /'
}

# Runs a command that a user would type, and shows both.
show() {
    printf '   %s$ %s%s\n' "$dim" "$*" "$plain"
    "$@" 2>&1 | indented || fail "\`$*\` to succeed"
}

seen() {
    printf '   %s✓ %s%s\n' "$green" "$*" "$plain"
}

# fail EXPECTED [SEEN]
fail() {
    {
        printf '\n%sThe demo failed at step %d.%s\nexpected: %s\n' "$red" "$step" "$plain" "$1"
        [[ -z ${2:-} ]] || printf 'seen:     %s\n' "$2"
        printf '\nThe last log lines of the operator:\n'
        [[ ! -s $operator_log ]] || tail -n 20 "$operator_log" | indented
        printf 'The last calls that the simulated platform answered:\n'
        [[ ! -s $simulator_log ]] || tail -n 10 "$simulator_log" | indented
    } >&2
    exit 1
}

running() {
    kill -0 "$operator" 2> /dev/null || fail 'a running operator'
    kill -0 "$simulator" 2> /dev/null || fail 'a running simulator'
}

# await SECONDS EXPECTED COMMAND…: until the command succeeds.
await() {
    local deadline=$((SECONDS + $1)) expected=$2 last=
    shift 2
    until last=$("$@" 2>&1); do
        running
        ((SECONDS < deadline)) || fail "$expected" "$last"
        sleep 0.2
    done
}

cleanup() {
    trap - EXIT INT TERM
    local pid
    for pid in $operator $simulator; do
        kill "$pid" 2> /dev/null || true
    done
    wait
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# ---- the platform, the Secret and the status, as a consumer sees them

# platform METHOD PATH [BODY]: a fresh machine has no curl, but it has bash.
platform() {
    local body=${3:-} answer
    exec 3<> "/dev/tcp/127.0.0.1/$port"
    printf '%s %s HTTP/1.0\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s' "$1" "$2" "${#body}" "$body" >&3
    answer=$(cat <&3)
    exec 3>&-
    printf '%s\n' "${answer#*$'\r\n\r\n'}"
}

# use TOKEN: a business call, which only a live token opens.
use() {
    platform GET "/cgi-bin/get_api_domain_ip?access_token=$1"
}

# key SECRET KEY: one value of a Secret, as a pod finds it in its file.
key() {
    kubectl get secret "$1" -o go-template="{{index .data \"$2\" | base64decode}}"
}

# field MINIPROGRAM JSONPATH
field() {
    kubectl get mp "$1" -o jsonpath="$2"
}

condition() {
    field "$1" "{.status.conditions[?(@.type==\"$2\")].$3}"
}

has_reason() {
    local reason
    reason=$(condition "$1" "$2" reason)
    echo "$reason"
    [[ $reason == "$3" ]]
}

# The operator's own kubeconfig: it must do with the rights that deploy/rbac gives it, not with ours.
as_operator() {
    local token
    token=$(kubectl create token -n miniprogram-system miniprogram-operator --duration=24h)
    cp "$KUBECONFIG" "$work/kubeconfig"
    kubectl --kubeconfig "$work/kubeconfig" config set-credentials operator --token="$token"
    kubectl --kubeconfig "$work/kubeconfig" config set-context --current --user=operator
}

free_port() {
    local candidate
    for candidate in {18080..18180}; do
        if ! (exec 3<> "/dev/tcp/127.0.0.1/$candidate") 2> /dev/null; then
            echo "$candidate"
            return
        fi
    done
    fail 'a free port between 18080 and 18180'
}

# ---- the steps

step 'A control plane, a platform and the operator'
say 'The control plane is a real API server with etcd, without a node: Pods stay Pending.' \
    "The platform is a simulator with WeChat's rules. Its tokens live $life s instead of 7200 s, so that you see one change."
"$BIN/platform-simulator" --listen 127.0.0.1:0 --token-life-seconds "$life" --window-seconds "$window" \
    --app wx0123456789abcdef=replace-me --app wx00000000000000aa=replace-me-too --app wx00000000000000bb=replace-me-as-well \
    --app wx00000000000000cc=right-secret > "$simulator_log" 2>&1 &
simulator=$!
for ((tries = 0; tries < 100; tries++)); do
    url=$(sed -n 's/^platform simulator on //p' "$simulator_log")
    [[ -z $url ]] || break
    sleep 0.1
done
[[ -n $url ]] || fail 'a simulator that says where it listens' "$(cat "$simulator_log")"
port=${url##*:}
show kubectl apply -f crds/miniprograms.yaml -f deploy/rbac/cluster-wide.yaml
# Right after the create the conditions are null, which a wait for one of them takes for an error.
kubectl wait crd/miniprograms.miniprogram.dev --timeout=30s \
    --for=jsonpath='{.status.acceptedNames.kind}'=MiniProgram > /dev/null
kubectl wait crd/miniprograms.miniprogram.dev --for=condition=Established --timeout=30s > /dev/null
show kubectl create namespace miniprogram-system
show kubectl create serviceaccount -n miniprogram-system miniprogram-operator
show kubectl create clusterrolebinding miniprogram-operator --clusterrole=miniprogram-operator \
    --serviceaccount=miniprogram-system:miniprogram-operator
as_operator > /dev/null
metrics=127.0.0.1:$(free_port)
KUBECONFIG=$work/kubeconfig "$BIN/miniprogram-operator" run --platform-endpoint "WeChat=$url" --log-format text --per-object-metrics \
    --metrics-bind-address "$metrics" --health-probe-bind-address 0 > "$operator_log" 2>&1 &
operator=$!
seen "the simulator listens on $url; the operator is process $operator and has the rights of its ServiceAccount"

step 'Three apps and a Deployment, as in deploy/examples'
show kubectl apply -f deploy/examples
for app in shop news puzzle; do
    await 30 "MiniProgram $app to become Ready" has_reason "$app" Ready TokenAvailable
done
show kubectl get mp -o wide
seen 'all three are Ready'

step 'The token is in a Secret, for Pods to mount'
show kubectl describe secret shop-token
[[ $(kubectl get secret shop-token -o jsonpath='{.type}') == miniprogram.dev/access-token ]] || fail 'a Secret of our type'
[[ $(key shop-token app_id) == wx0123456789abcdef ]] || fail 'the app id in the Secret'
[[ $(key puzzle-access token) == ?* && $(key puzzle-access valid-until) == ?* ]] || fail 'the keys that puzzle asks for'
first=$(key shop-token access_token)
seen "Secret shop-token holds a token of ${#first} characters, valid until $(key shop-token expires_at)"

step 'The token opens the API of the platform'
say "GET $url/cgi-bin/get_api_domain_ip?access_token=…"
answer=$(use "$first")
say "$answer"
[[ $answer == *'"errcode":0'* ]] || fail 'an answer with errcode 0' "$answer"
made_up=$(use made-up)
[[ $made_up == *'"errcode":40014'* ]] || fail 'errcode 40014 for a token that nobody issued' "$made_up"
seen 'errcode 0; a made-up token gets 40014'

step "An app whose IP allow-list lacks this cluster's address"
platform PUT /sim/apps/wx00000000000000cc '{"allowed_ips": ["10.0.0.0/8"], "caller_ip": "203.0.113.7"}' > /dev/null
show kubectl apply -f tests/demo/refused.yaml
await 30 'MiniProgram refused to say IPNotAllowed' has_reason refused Ready IPNotAllowed
show kubectl get mp refused
message=$(condition refused Ready message)
say "message:     $message" "lastFailure: $(field refused '{.status.lastFailure}')"
[[ $message == *203.0.113.7* ]] || fail 'a message that names the refused address' "$message"
code=$(field refused '{.status.lastFailure.platformCode}')
[[ $code == 40164 ]] || fail 'the code of the platform in status.lastFailure' "$code"
seen 'the status alone says what failed, with which code, when it is tried again and what to do'

step 'A rotation, live'
say "A consumer reads Secret shop-token and uses the token once a second. It changes after $((life / 2)) s."
before=$(field shop '{.status.token.fingerprint}')
old=$(key shop-token access_token)
uses=0
changed=
for ((second = 0; second <= life + 10; second++)); do
    running
    token=$(key shop-token access_token)
    answer=$(use "$token")
    [[ $answer == *'"errcode":0'* ]] || fail 'the token in the Secret to be alive at every second' "$answer"
    uses=$((uses + 1))
    if [[ -z $changed && $token != "$old" ]]; then
        changed=$second
        say "$(date +%T)  a new token, valid until $(key shop-token expires_at)"
        overlap=$(use "$old")
    elif [[ -z $changed && $((second % 5)) == 0 ]]; then
        say "$(date +%T)  $before is valid until $(key shop-token expires_at)"
    fi
    [[ -z $changed ]] || ((second < changed + 3)) || break
    sleep 1
done
[[ -n $changed ]] || fail "another token within $life s" "$before"
[[ $overlap == *'"errcode":0'* ]] || fail 'the token before it to be alive still, for Pods that are late' "$overlap"
after=$(field shop '{.status.token.fingerprint}')
show kubectl get events --field-selector involvedObject.kind=MiniProgram,involvedObject.name=shop
seen "$before became $after; of $uses uses none was refused, and the old token outlived the change"

step 'Doing what the message says'
say 'The address goes on the allow-list, as in the console of the platform. Nothing is done to the cluster.'
platform PUT /sim/apps/wx00000000000000cc '{"allowed_ips": []}' > /dev/null
await 90 'MiniProgram refused to become Ready within 90 s' has_reason refused Ready TokenAvailable
show kubectl get mp
seen 'it was tried again by itself'

step 'What must not be seen anywhere'
exposed=$(kubectl get mp,events,deployments -A -o yaml; cat "$operator_log")
for secret in replace-me right-secret "$first" "$old" "$(key shop-token access_token)" "$(key news-token access_token)"; do
    [[ $exposed != *"$secret"* ]] || fail 'neither app secret nor token outside of Secrets' 'one in a status, an Event or the log'
done
seen 'neither app secret nor token is in the log, a status or an Event'

if [[ ${ONCE:-} == 1 ]]; then
    step 'The end'
    kill -TERM "$operator"
    code=0
    wait "$operator" || code=$?
    operator_ended=$operator
    operator=
    [[ $code == 0 ]] || fail 'the operator to end with exit code 0 when told to' "process $operator_ended ended with $code"
    seen 'the operator ended when told to; control plane and simulator go next'
    exit 0
fi

printf '\n%sAll of it goes on running until Ctrl-C.%s In another terminal:\n\n' "$bold" "$plain"
cat <<EOT
   export KUBECONFIG='$KUBECONFIG'
   export PATH='$(dirname "$(command -v kubectl)")':"\$PATH"

   kubectl get mp -w
   kubectl annotate mp shop miniprogram.dev/refresh-requested=\$(date +%s) --overwrite   # ask the platform once
   kubectl delete secret shop-token                            # it comes back
   kubectl create secret generic shop-credential --from-literal=appSecret=wrong --dry-run=client -o yaml | kubectl apply -f -
   curl http://$metrics/metrics
   curl $url/sim/calls                                         # what the platform was asked
   tail -f $operator_log
EOT
trap 'echo; exit 0' INT TERM
wait -n "$operator" "$simulator" || true
running
