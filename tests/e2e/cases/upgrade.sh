# Upgrade to a release with another CRD, and rollback, with Helm 4. Leaves the release as it was; ends ticker and judges all that
# its consumer saw.
# shellcheck shell=bash disable=SC2034,SC2154

before=$(steady_state)
keep_logs
# The chart gives --log-level already: of the two flags the last one counts.
timed 'helm 4 upgrade --wait to a release with new pods, whose CRD has one more optional field' \
    "$HELM" upgrade "$release" next-chart -n mp-system "${settings[@]}" --set 'extraArgs={--log-level=debug}' --wait --timeout 180s
quietly 30 'a leader' holder
same 'the field came with it, and can be used' noted "$(noted)"
same 'the upgrade costs no call, no write, no Ready' "$before" "$(steady_state)"
keep_logs
timed 'helm 4 rollback --wait' "$HELM" rollback "$release" 1 -n mp-system --wait --timeout 180s
quietly 30 'a leader' holder
none 'the field went with it' kubectl -n team-a get mp shop -o jsonpath='{.spec.note}'
same 'the rollback costs none either' "$before" "$(steady_state)"

# For a moment the Lease may still name a leader whose process has just ended.
resident() {
    local leading
    leading=$(process "$(holder)") && awk '/^VmRSS:/ { print int($2 / 1024) }' "/proc/$leading/status" > leader.memory
}
quietly 30 "the leader's memory" resident
measured 'memory of the leader' 64 "$(cat leader.memory)" MiB

# ticker was used all along: through rotations, changes of leader, upgrade and rollback.
uses team-a ticker > ticker.uses
tokens=$(cut -d ' ' -f 3 ticker.uses | sort -u | wc -l)
same "$(wc -l < ticker.uses) uses of a rotating token, twice a second, $tokens tokens: none was refused" 0 "$(grep -vc '^use 0 ' ticker.uses || true)"
kubectl -n team-a delete deployment ticker > /dev/null
kubectl -n team-a delete mp ticker > /dev/null
quietly 30 'the token to go with its MiniProgram' gone team-a secret ticker-token
