# Helm 3 installs over what is there. Leaves its release.
# shellcheck shell=bash disable=SC2034,SC2154

before=$(steady_state)
timed 'helm 3 install --wait over what the uninstalled release left' \
    "$HELM3" install "$release" "$chart" -n mp-system "${settings[@]}" --wait --timeout 90s
timed 'helm 3 test' "$HELM3" test "$release" -n mp-system --timeout 60s
# A thing that is new makes sure that the operator has looked at everything.
app team-a later wx0000000000000004 > /dev/null
within 20 'it works: a new MiniProgram is Ready' ready team-a later
kubectl -n team-a delete mp later > /dev/null
same 'it took all up again: no call, no write, no Ready' "$before" "$(steady_state)"
timed 'helm 3 upgrade --wait' "$HELM3" upgrade "$release" "$chart" -n mp-system "${settings[@]}" --set log.format=text --wait --timeout 120s
timed 'helm 3 rollback --wait' "$HELM3" rollback "$release" 1 -n mp-system --wait --timeout 120s
same 'upgrade and rollback cost none either' "$before" "$(steady_state)"

# Nothing of ours can hold up the end of a namespace, least of all when the operator is away.
kubectl -n mp-system scale "deployment/$operator" --replicas=0 > /dev/null
quietly 60 'no operator' no_pods
timed 'a namespace with MiniPrograms and their tokens is deleted, with the operator at 0' kubectl delete namespace team-a --timeout=60s
timed 'helm 3 uninstall --wait' "$HELM3" uninstall "$release" -n mp-system --wait --timeout 90s
