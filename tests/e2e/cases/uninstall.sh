# The release goes, what it made stays. Leaves no operator; MiniPrograms and Secrets in team-a.
# shellcheck shell=bash disable=SC2034,SC2154

before=$(steady_state)
# What a person could read, before it is gone: neither app secret nor token is in it.
keep_logs
kubectl get mp,events,configmaps -A -o yaml > seen.yaml
"$HELM" get all "$release" -n mp-system >> seen.yaml
exposed=
for secret in secret-of- "$(key team-a shop-token access_token)" "$(key team-a news-token access_token)" $(cut -d ' ' -f 1 versions 2> /dev/null | sort -u); do
    ! grep -qF -- "$secret" operator.log seen.yaml || exposed+=" ${secret:0:12}…"
done
same "no app secret and no token in $(wc -l < operator.log) lines of log, in status, Events or the release" '' "$exposed"

timed 'helm 4 uninstall --wait' "$HELM" uninstall "$release" -n mp-system --wait --timeout 90s
# Helm deletes in the background: the pods end after the command.
within 30 'no pod of the operator is left' no_pods
same 'the CRD, the MiniPrograms and their Secrets stay, untouched' "$before" "$(steady_state)"
timed 'the running pod still holds a live token' alive "$(in_pod team-a shop access_token)"
