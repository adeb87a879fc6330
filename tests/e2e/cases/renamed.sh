# A release of another name, as long as Helm allows, takes over what is there. Leaves it, scaled to nothing, and no namespace team-a.
# shellcheck shell=bash disable=SC2034,SC2154

before=$(steady_state)
release=a23456789-b23456789-c23456789-d23456789-e23456789-f23
operator=$(printf %.63s "$release-miniprogram-operator")
if "$HELM" install "$release" "$chart" -n mp-system "${settings[@]}" > refusal.log 2>&1; then
    fail 'Helm to leave the CRD of another release alone'
fi
grep -q 'invalid ownership metadata' refusal.log || fail 'Helm to say whose the CRD is' "$(cat refusal.log)"
seen 'under another name, Helm refuses the CRD that is there, unless told otherwise'
timed "helm 4 install --take-ownership of a release of ${#release} characters" \
    "$HELM" install "$release" "$chart" -n mp-system "${settings[@]}" --take-ownership --wait --timeout 180s
within 20 'it leads by a Lease of its own' holder
timed 'helm 4 test of it' "$HELM" test "$release" -n mp-system --timeout 60s
looks_after_all
same 'it took all up again: no call, no write, no Ready' "$before" "$(steady_state)"

# Nothing of ours can hold up the end of a namespace, least of all when the operator is away.
kubectl -n mp-system scale "deployment/$operator" --replicas=0 > /dev/null
quietly 60 'no operator' no_pods
timed 'a namespace with MiniPrograms and their tokens is deleted, with the operator at 0' kubectl delete namespace team-a --timeout=60s
timed 'helm 4 uninstall --wait' "$HELM" uninstall "$release" -n mp-system --wait --timeout 90s
