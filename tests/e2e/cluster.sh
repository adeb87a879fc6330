# Words for what the cases do to the cluster.
# shellcheck shell=bash disable=SC2034,SC2154,SC2120

release=mp
operator=mp-miniprogram-operator
chart=$root/deploy/chart
# What every install of the operator is given: the simulated platform, in plain text, since nothing leaves this machine.
settings=(--set "platforms.WeChat.endpoints={$platform_url}" --set allowInsecureEndpoints=true)

# restricted NAMESPACE: one that admits only pods of the level "restricted"
restricted() {
    kubectl create namespace "$1" > /dev/null
    kubectl label namespace "$1" pod-security.kubernetes.io/enforce=restricted > /dev/null
}

# app NAMESPACE NAME APPID [MODE]: a MiniProgram with its credential, in one apply
app() {
    kubectl -n "$1" apply -f - << EOT
apiVersion: miniprogram.dev/v1alpha1
kind: MiniProgram
metadata: {name: $2}
spec: {appID: $3, tokenMode: ${4:-Stable}, credentialRef: {name: $2-credential}}
---
apiVersion: v1
kind: Secret
metadata: {name: $2-credential}
stringData: {appSecret: secret-of-$3}
EOT
}

# consumer NAMESPACE NAME [MINIPROGRAM [SCRIPT]]: a pod that mounts the token of a MiniProgram, of its own name if none is given, and
# uses it all the time
consumer() {
    kubectl -n "$1" apply -f - << EOT
apiVersion: apps/v1
kind: Deployment
metadata: {name: $2}
spec:
  selector: {matchLabels: {app: $2}}
  template:
    metadata: {labels: {app: $2}}
    spec:
      automountServiceAccountToken: false
      securityContext: {runAsNonRoot: true, runAsUser: 1000, seccompProfile: {type: RuntimeDefault}}
      containers:
        - name: server
          image: registry.local/box:1
          imagePullPolicy: Never
          args: [/${4:-consumer.sh}]
          env: [{name: PLATFORM, value: "$platform_url"}]
          securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
          volumeMounts: [{name: token, mountPath: /token, readOnly: true}]
      volumes:
        - {name: token, secret: {secretName: ${3:-$2}-token}}
EOT
}

# key NAMESPACE SECRET KEY
key() {
    kubectl -n "$1" get secret "$2" -o go-template="{{index .data \"$3\" | base64decode}}"
}

# in_pod NAMESPACE NAME KEY: the file as a process in the consumer reads it
in_pod() {
    kubectl -n "$1" exec "deployment/$2" -- cat "/token/$3"
}

# file_is_secret NAMESPACE NAME
file_is_secret() {
    [[ $(in_pod "$1" "$2" access_token) == "$(key "$1" "$2-token" access_token)" ]]
}

# condition NAMESPACE NAME TYPE FIELD
condition() {
    kubectl -n "$1" get mp "$2" -o jsonpath="{.status.conditions[?(@.type==\"$3\")].$4}"
}

ready() {
    [[ $(condition "$1" "$2" Ready status) == True ]] || kubectl -n "$1" get mp "$2" -o wide
    [[ $(condition "$1" "$2" Ready status) == True ]]
}

# The pod that holds the Lease.
holder() {
    local identity
    identity=$(kubectl -n "${1:-mp-system}" get lease "${2:-$operator}" -o jsonpath='{.spec.holderIdentity}')
    [[ -n $identity ]] && echo "${identity%_*}"
}

# holder_is_not POD
holder_is_not() {
    local pod
    pod=$(holder) && [[ $pod != "$1" ]]
}

# Who holds the Lease: a process of a pod, and another one after a restart of its container.
identity() { kubectl -n mp-system get lease "$operator" -o jsonpath='{.spec.holderIdentity}'; }

# A process that is killed says nothing. Its container comes back as another candidate, and may be the one that leads next.
kill_leader() {
    killed=$(identity)
    keep_logs
    kill -KILL "$(process "$(holder)")"
}
led_by_another() { [[ -n $(identity) && $(identity) != "$killed" ]]; }

# uses NAMESPACE NAME: what the consumer wrote of its uses
uses() {
    kubectl -n "$1" logs "deployment/$2" | grep '^use '
}

# State that an upgrade or a reinstall must not change: since when each is Ready, and the Secrets' versions.
steady_state() {
    kubectl -n team-a get mp shop news -o jsonpath='{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status} {.status.conditions[?(@.type=="Ready")].lastTransitionTime}{"\n"}{end}'
    kubectl -n team-a get secret shop-token news-token -o jsonpath='{range .items[*]}{.metadata.name} {.metadata.resourceVersion}{"\n"}{end}'
    echo "calls: shop $(calls wx0000000000000001), news $(calls wx0000000000000002)"
}

# A thing that is new makes sure that the operator has looked at everything.
looks_after_all() {
    app team-a later wx0000000000000004 > /dev/null
    within 20 'it works: a new MiniProgram is Ready' ready team-a later
    kubectl -n team-a delete mp later > /dev/null
}

# The next release, whose CRD has one more optional field.
next_release() {
    cp -r "$chart" next-chart
    sed -i 's/^version: .*/version: 99.0.0/' next-chart/Chart.yaml
    sed -i '0,/^\( *\)displayName:$/s//\1note:\n\1  type: string\n\1  maxLength: 64\n&/' next-chart/templates/crds/miniprograms.yaml
}

# What of that field is stored: an API server drops what it does not know.
noted() {
    kubectl -n team-a patch mp shop --type=merge -p '{"spec": {"note": "noted"}}' > /dev/null
    kubectl -n team-a get mp shop -o jsonpath='{.spec.note}'
}

# gone NAMESPACE KIND NAME
gone() {
    ! kubectl -n "$1" get "$2" "$3" > /dev/null 2>&1
}

no_pods() {
    [[ -z $(kubectl -n mp-system get pods -l app.kubernetes.io/name=miniprogram-operator -o name) ]]
}

# Keeps what the operator's pods have logged so far, before something ends them.
keep_logs() {
    local pod
    for pod in $(kubectl -n mp-system get pods -l app.kubernetes.io/name=miniprogram-operator -o name); do
        # One that has gone meanwhile was on its way out, and had its log kept before.
        kubectl -n mp-system logs "$pod" >> operator.log || ! kubectl -n mp-system get "$pod" > /dev/null 2>&1
    done
}
