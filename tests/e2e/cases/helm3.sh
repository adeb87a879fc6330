# Helm 3 installs over what is there, upgrades, rolls back and uninstalls. Leaves no operator; MiniPrograms and Secrets in team-a.
# shellcheck shell=bash disable=SC2034,SC2154

before=$(steady_state)
timed 'helm 3 install --wait over what the uninstalled release left' \
    "$HELM3" install "$release" "$chart" -n mp-system "${settings[@]}" --wait --timeout 180s
timed 'helm 3 test' "$HELM3" test "$release" -n mp-system --timeout 60s
looks_after_all
same 'it took all up again: no call, no write, no Ready' "$before" "$(steady_state)"
timed 'helm 3 upgrade --wait to a release with new pods, whose CRD has one more optional field' \
    "$HELM3" upgrade "$release" next-chart -n mp-system "${settings[@]}" --set log.level=debug --wait --timeout 180s
same 'the field came with it, and can be used' noted "$(noted)"
timed 'helm 3 rollback --wait' "$HELM3" rollback "$release" 1 -n mp-system --wait --timeout 180s
same 'upgrade and rollback cost none either' "$before" "$(steady_state)"
timed 'helm 3 uninstall --wait' "$HELM3" uninstall "$release" -n mp-system --wait --timeout 90s
quietly 30 'no pod of the operator' no_pods
same 'the CRD, the MiniPrograms and their Secrets stay, untouched' "$before" "$(steady_state)"
