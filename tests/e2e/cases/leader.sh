# The leader dies, by crash and by deletion. Leaves a leader.
# shellcheck shell=bash disable=SC2034,SC2154

# A request of the old leader may have landed behind the new one's: so it is asked once more, when no such request is left.
settled() {
    [[ -z $(kubectl -n team-a get secret lost-token -o jsonpath='{.metadata.annotations.miniprogram\.dev/unconfirmed}') ]] && asked 3
}
quietly 240 'the token to be confirmed' settled
seen 'the token after the lost answer is confirmed by one more call' $(($(now) - stored))
kubectl -n team-a delete mp lost > /dev/null

before=$(steady_state)
kill_leader
within 20 'the leader is killed: the Lease is handed over' led_by_another
quietly 120 'two replicas' kubectl -n mp-system rollout status "deployment/$operator" --timeout=1s
same 'all that the kill in mid-call cost: the lost call and two more' 3 "$(calls "$lost")"

old=$(holder)
keep_logs
kubectl -n mp-system delete pod "$old" --wait=false > /dev/null
within 20 "the leader's pod is deleted: handed over" holder_is_not "$old"

app team-a later wx0000000000000004 > /dev/null
within 15 'the new leader works: a new MiniProgram is Ready' ready team-a later
kubectl -n team-a delete mp later > /dev/null
same 'two changes of leader cost no call, no write, no Ready' "$before" "$(steady_state)"
quietly 120 'two replicas' kubectl -n mp-system rollout status "deployment/$operator" --timeout=1s
