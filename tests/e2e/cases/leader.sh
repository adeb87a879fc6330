# The leader dies, by crash and by deletion. Leaves a leader.
# shellcheck shell=bash disable=SC2034,SC2154

before=$(steady_state)
old=$(holder)
# A process that is killed says nothing. Its pod comes back as another candidate, and may be the one that leads next.
identity() { kubectl -n mp-system get lease "$operator" -o jsonpath='{.spec.holderIdentity}'; }
crashed=$(identity)
other_identity() { [[ -n $(identity) && $(identity) != "$crashed" ]]; }
keep_logs
kill -KILL "$(process "$old")"
within 20 'the leader is killed: the Lease is handed over' other_identity

quietly 60 'two replicas' kubectl -n mp-system rollout status "deployment/$operator" --timeout=1s
old=$(holder)
keep_logs
kubectl -n mp-system delete pod "$old" --wait=false > /dev/null
within 20 "the leader's pod is deleted: handed over" holder_is_not "$old"

app team-a later wx0000000000000004 > /dev/null
within 15 'the new leader works: a new MiniProgram is Ready' ready team-a later
kubectl -n team-a delete mp later > /dev/null
same 'two changes of leader cost no call, no write, no Ready' "$before" "$(steady_state)"
quietly 60 'two replicas' kubectl -n mp-system rollout status "deployment/$operator" --timeout=1s
