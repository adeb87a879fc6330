# The leader is killed while a call of the legacy endpoint is under way: the platform has made a token, and nobody has it.
# Leaves team-a/lost, whose token is confirmed by one more call two minutes later: leader.sh waits for that.
# shellcheck shell=bash disable=SC2034,SC2154

lost=wx0000000000000008
before=$(steady_state)
platform PUT "/sim/apps/$lost/fault" '{"kind": "slow_after_mint", "ms": 60000, "times": 1}' > /dev/null
app team-a lost "$lost" Legacy > /dev/null
asked() { (($(calls "$lost") >= $1)); }
quietly 20 'a call to be under way' asked 1
kill_leader
within 20 'the leader is killed in the middle of a call of the legacy endpoint: handed over' led_by_another
within 60 'the app whose answer was lost has a token, after the time that the old call may take' ready team-a lost
stored=$(now)
timed 'it is a live one' alive "$(key team-a lost-token access_token)"
same 'its app was asked once more for it' 2 "$(calls "$lost")"
same 'no other app was asked, in neither mode' "$before" "$(steady_state)"
quietly 120 'two replicas' kubectl -n mp-system rollout status "deployment/$operator" --timeout=1s
