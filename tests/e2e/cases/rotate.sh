# A token that lives two minutes, used twice a second while it is replaced. Leaves: ticker, with its consumer and a watch of its Secret.
# shellcheck shell=bash disable=SC2034,SC2154

# Replaced ones live on for 30 s: the real ones do for 300 s, while a kubelet takes 90 s; this one looks every 10 s.
platform PUT /sim/apps/wx0000000000000003 \
    '{"secret": "secret-of-wx0000000000000003", "life_ms": 120000, "overlap_ms": 30000, "window_ms": 80000}' > /dev/null
app team-a ticker wx0000000000000003 > /dev/null
consumer team-a ticker > /dev/null
# The same with a single file mounted, which is said never to follow.
consumer team-a pinned ticker > /dev/null
consumer team-a reader ticker reader.sh > /dev/null
kubectl -n team-a patch deployment pinned --type=json -p '[
    {"op": "replace", "path": "/spec/template/spec/containers/0/volumeMounts/0",
     "value": {"name": "token", "mountPath": "/file/access_token", "subPath": "access_token", "readOnly": true}}]' > /dev/null
quietly 30 'ticker to be Ready' ready team-a ticker
quietly 90 'the consumers' kubectl -n team-a rollout status deployment/ticker deployment/pinned deployment/reader --timeout=1s
kubectl -n team-a get secret ticker-token --watch \
    -o go-template='{{index .data "access_token" | base64decode}} {{index .data "expires_at" | base64decode}}{{"\n"}}' > versions 2> /dev/null &
quietly 90 "ticker's consumer to use its token" uses team-a ticker

# replaced OLD
replaced() { [[ $(key team-a ticker-token access_token) != "$1" ]]; }
in_file() { [[ $(in_pod team-a ticker access_token) == "$1" ]]; }
for round in first second; do
    old=$(key team-a ticker-token access_token)
    within 90 "the $round rotation, awaited" replaced "$old"
    within 25 'the new token is in the file of the pod (the kubelet looks every 10 s)' in_file "$(key team-a ticker-token access_token)"
done
# Two rotations have reached the other pods of this node.
pinned=$(kubectl -n team-a exec deployment/pinned -- cat /file/access_token)
same 'a file mounted with subPath does not follow, as the documentation says' "$(head -n 1 versions | cut -d ' ' -f 1)" "$pinned"
kubectl -n team-a delete deployment pinned > /dev/null

# What the pod ever read is a version that the Secret had: token and expiry changed together.
whole_pairs() {
    while read -r token expires; do
        echo "$(printf %s "$token" | sha256sum | cut -c 1-16) $expires"
    done < versions | sort -u > pairs.secret
    uses team-a ticker | cut -d ' ' -f 3- | sort -u > pairs.pod
    kubectl -n team-a logs deployment/reader --tail=-1 > reader.log
    sed -n 's/^pair //p' reader.log | sort -u > pairs.reader
    sed -n 's/^reads //p' reader.log | tail -n 1 > reads
    [[ -z $(sort -u pairs.pod pairs.reader | comm -13 pairs.secret -) ]] && (($(wc -l < pairs.reader) >= 3 && $(cat reads) >= 10000)) ||
        { tail -n 9 reads pairs.secret pairs.pod pairs.reader; return 1; }
}
quietly 90 "10000 reads, and only pairs of token and expiry that the Secret had" whole_pairs
seen "token and expiry change in one swap: $(cat reads) reads of both, $(wc -l < pairs.reader) pairs, none torn"
kubectl -n team-a delete deployment reader > /dev/null
