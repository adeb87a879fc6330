# Helm 4 installs the release into a namespace that admits only restricted pods. Leaves: the release, 2 pods.
# shellcheck shell=bash disable=SC2034,SC2154

restricted mp-system
# refused WHAT VALUES SENTENCE: by both Helms, and nothing is left of it
refused() {
    local helm
    for helm in "$HELM" "$HELM3"; do
        ! "$helm" install refused "$chart" -n mp-system "${settings[@]}" --set "$2" > refusal.log 2>&1 || fail "a refusal of $2"
        grep -qF -- "$3" refusal.log || fail "a refusal of $2 that says: $3" "$(cat refusal.log)"
    done
    none "helm install with $1 is refused, and says why" "$HELM" list -n mp-system --short
}
refused 'a typo in a value' replicas=2 "additional properties 'replicas' not allowed"
refused 'two replicas and no leader election' leaderElection.enabled=false 'replicaCount is 2 without leaderElection.enabled'
timed 'helm 4 install --wait, two replicas, in a namespace that enforces "restricted"' \
    "$HELM" install "$release" "$chart" -n mp-system "${settings[@]}" --wait --timeout 180s
same 'both replicas are ready' 2 "$(kubectl -n mp-system get deployment "$operator" -o jsonpath='{.status.readyReplicas}')"
within 10 'one of them holds the Lease' holder
timed 'helm 4 test: the metrics answer through the Service' "$HELM" test "$release" -n mp-system --timeout 60s

# Below a service mesh: a container that never ends comes into each pod that does not say otherwise.
kubectl apply -f - > /dev/null << 'EOT'
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: sidecars}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: mp-system}}
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}
  matchConditions:
    - name: not-kept-out
      expression: >-
        !has(object.metadata.labels) ||
        object.metadata.labels[?'sidecar.istio.io/inject'].orValue('true') != 'false'
  failurePolicy: Fail
  reinvocationPolicy: Never
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: >-
          [JSONPatch{op: 'add', path: '/spec/containers/-', value: Object.spec.containers{
          name: 'sidecar', image: 'registry.local/box:1', imagePullPolicy: 'Never',
          args: ['-c', 'sleep 3600'],
          securityContext: Object.spec.containers.securityContext{
          allowPrivilegeEscalation: false,
          capabilities: Object.spec.containers.securityContext.capabilities{drop: ['ALL']}}}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: sidecars}
spec: {policyName: sidecars}
EOT
injects() {
    local containers
    containers=$("$HELM" template "$release" "$chart" -n mp-system --show-only templates/tests/probe.yaml \
        --set-string 'test.labels.sidecar\.istio\.io/inject=true' |
        kubectl create -f - --dry-run=server -o jsonpath='{.spec.containers[*].name}')
    echo "$containers"
    [[ $containers == *sidecar* ]]
}
quietly 20 'a sidecar in the pod of a test that asks for one' injects
timed 'helm 4 test below an injector of sidecars: its pod has none, and ends' \
    "$HELM" test "$release" -n mp-system --timeout 60s
kubectl delete mutatingadmissionpolicybinding,mutatingadmissionpolicy sidecars > /dev/null

# process POD: the operator's process, as this machine sees it
process() {
    local each
    for each in /proc/[0-9]*; do
        if [[ $(readlink "$each/exe" 2> /dev/null) == /miniprogram-operator ]] && tr '\0' '\n' < "$each/environ" | grep -qx "HOSTNAME=$1"; then
            echo "${each#/proc/}"
            return
        fi
    done
    return 1
}
privileges() {
    awk '/^Uid:/ { uid = $2 } /^CapEff:/ { caps = $2 } /^NoNewPrivs:/ { new = $2 } /^Seccomp:/ { seccomp = $2 }
        END { print "uid " uid ", capabilities " caps ", no new privileges " new ", seccomp " seccomp }' "/proc/$1/status"
}
leader_process=$(process "$(holder)")
same 'the process is nobody: no root, no capability, no new privilege, seccomp' \
    'uid 65532, capabilities 0000000000000000, no new privileges 1, seccomp 2' "$(privileges "$leader_process")"
# measured WHAT LIMIT VALUE UNIT
measured() {
    (($3 <= $2)) || fail "$1: at most $2 $4" "$3 $4"
    seen "$1: $3 $4 (at most $2)"
}
# The root of its file system is mounted read-only.
same 'its root is read-only' ro "$(awk '$5 == "/" { split($6, options, ","); print options[1] }' "/proc/$leader_process/mountinfo")"
