# Pods first, MiniPrograms later. Leaves in team-a: shop (Stable) and news (Legacy), with tokens of two hours and a consumer each.
# shellcheck shell=bash disable=SC2034,SC2154

restricted team-a
consumer team-a shop > /dev/null
consumer team-a news > /dev/null

waits() {
    local reason
    reason=$(kubectl -n team-a get pods -l app=shop -o jsonpath='{.items[0].status.containerStatuses[0].state.waiting.reason}')
    [[ $reason == ContainerCreating ]] && kubectl -n team-a get events | grep -q 'secret "shop-token" not found'
}
within 30 'a pod that comes before its MiniProgram waits for the Secret' waits
applied=$(now)
app team-a shop wx0000000000000001 > /dev/null
app team-a news wx0000000000000002 Legacy > /dev/null
within 15 'MiniProgram and credential in one apply: Ready' ready team-a shop
within 15 'the same on the legacy endpoint' ready team-a news
quietly 150 'the consumers to start by themselves' kubectl -n team-a rollout status deployment/shop deployment/news --timeout=1s
seen 'the waiting pods start by themselves, from the apply on (the kubelet backs off)' $(($(now) - applied))

token=$(in_pod team-a shop access_token)
same 'the file in the pod is what the Secret holds' "$(key team-a shop-token access_token)" "$token"
timed 'the token in the file opens the platform' alive "$token"

# What Prometheus would scrape, by way of the API server.
kubectl get --raw "/api/v1/namespaces/mp-system/pods/$(holder):8080/proxy/metrics" > metrics
lint=$("$PROMTOOL" check metrics < metrics 2>&1) || fail 'promtool to take the metrics' "$lint"
same 'promtool finds nothing in the metrics of the leader' '' "$lint"
same 'they name both apps' '1 1' "$(grep -c '^miniprogram_condition{.*shop.*type="Ready",status="True"} 1' metrics) $(grep -c '^miniprogram_condition{.*news.*type="Ready",status="True"} 1' metrics)"
same 'the platform was asked once for each app' '1 1' "$(calls wx0000000000000001) $(calls wx0000000000000002)"
