# Every command of every page, in the state that the page is for, in the order in which a person meets them: install, the first app,
# many, a leak, a cut-over, what goes wrong, and removal. Leaves Secrets and accounts in the namespace default.
# shellcheck shell=bash disable=SC2034,SC2154

shop_id=wx0123456789abcdef
mini() {
    kubectl get mp "$1" -o jsonpath="$2"
}
fingerprint_is_not() {
    [[ $(mini shop '{.status.token.fingerprint}') != "$1" ]]
}
# condition_says NAME TYPE REASON
condition_says() {
    [[ $(condition default "$1" "$2" reason) == "$3" ]] || { kubectl get mp "$1" -o yaml; return 1; }
}
# follow_soon SECONDS TEXT-THAT-IT-SHOWS PAGE TEXT: what the page looks at comes after a moment
follow_soon() {
    local limit=$1 expected=$2 command
    shift 2
    command=$(command_of "$@")
    looks() { typed "$command" | grep -F -- "$expected"; }
    quietly "$limit" "$1 to show: $expected" looks
    follow "$1" "$2" ''
    shows "$expected"
}

# --- install.md
kubectl create namespace miniprogram-system > /dev/null
cp certs/apiserver.crt ca.crt
kubectl -n miniprogram-system create configmap authorities --from-file=ca.crt > /dev/null
from=$(now)
settings+=(--set caBundle.configMapName=authorities)
follow docs/install.md 'helm install miniprogram-operator oci:' ''
follow docs/install.md 'helm test' ''
seen 'install.md: the chart is installed and tested' $(($(now) - from))

# --- apps.md and README.md
from=$(now)
follow docs/apps.md 'create secret generic shop-credential' "secret-of-$shop_id"
block docs/apps.md "appID: $shop_id" > shop.yaml
same 'README.md and apps.md have the same first app' "$(cat shop.yaml)" "$(block README.md "appID: $shop_id")"
follow docs/apps.md 'kubectl apply -f shop.yaml' ''
follow docs/apps.md 'kubectl wait mp/shop' ''
follow docs/apps.md 'kubectl get mp' ''
shows 'TokenAvailable   Fresh'
follow docs/reference/status.md '.status.conditions[*]' '' NAME=shop
shows 'Ready True TokenAvailable'
follow docs/reference/status.md '.status.nextCall' '' NAME=shop
shows '"reason":"Time"'
seen 'apps.md: from an app secret to a token' $(($(now) - from))
for each in 'describe mp shop' 'explain mp.spec' 'explain mp.status --recursive' 'get mp -A' 'get mp'; do
    follow_spoken "kubectl $each"
done
follow_spoken 'kubectl describe mp NAME' NAME=shop
follow_spoken 'kubectl miniprogram status NAME' NAME=shop
follow_spoken 'kubectl miniprogram refresh NAME' NAME=shop
follow_spoken 'kubectl get mp NAME -o json --show-managed-fields | wc -c' NAME=shop
((shown > 1000)) || fail 'the size of an object' "$shown"

# --- consumers.md
mkdir token
kubectl get secret shop-token -o go-template='{{range $name, $data := .data}}{{$name}} {{$data}}{{"\n"}}{{end}}' |
    while read -r name data; do base64 -d <<< "$data" > "token/$name"; done
first=$(mini shop '{.status.token.fingerprint}')
bash -eu -c "$(here "$(block docs/consumers.md 'kubectl annotate mp shop')")" > /dev/null
within 60 'consumers.md: a dead token that is reported is replaced' fingerprint_is_not "$first"
kubectl create serviceaccount shop > /dev/null
block docs/consumers.md 'name: report-dead-tokens' | sed 's/team-a/default/' | kubectl apply -f - > /dev/null
mkdir account
cp certs/apiserver.crt account/ca.crt
printf default > account/namespace
kubectl create token shop > account/token
request=$(here "$(block docs/consumers.md 'api=https')" \
    https://kubernetes.default.svc="https://$node_address:6443" /var/run/secrets/kubernetes.io/serviceaccount="$WORK/account")
kubectl annotate mp shop miniprogram.dev/invalid-token- > /dev/null
timed 'consumers.md: a pod reports a dead token as a plain HTTP request' bash -eu -c "$request"
same 'the report is there' "$first" "$(mini shop '{.metadata.annotations.miniprogram\.dev/invalid-token}')"
! bash -eu -c "${request//invalid-token/another}" > forbidden.log 2>&1 || fail 'that account to set no other annotation'
for each in serviceaccount 'role read' rolebinding; do
    follow docs/consumers.md "kubectl create $each" ''
done
follow docs/consumers.md 'kubectl create token' ''
read_token=$(here "$(block docs/consumers.md 'API_SERVER')" 'ca.crt'="$WORK/certs/apiserver.crt")
same 'consumers.md: a consumer outside of the cluster reads the token' "$(key default shop-token access_token)" \
    "$(READER=$shown API_SERVER=https://$node_address:6443 bash -eu -o pipefail -c "$read_token")"

# --- leaked-token.md, annotations.md
first=$(mini shop '{.status.token.fingerprint}')
follow docs/leaked-token.md 'kubectl annotate mp shop' ''
within 60 'leaked-token.md: a leaked token is replaced' fingerprint_is_not "$first"
follow_spoken 'kubectl annotate mp shop miniprogram.dev/invalid-token-'
follow docs/leaked-token.md 'create secret generic shop-credential' "secret-of-$shop_id"
follow docs/reference/annotations.md 'refresh-requested' ''
follow docs/reference/annotations.md 'kubectl miniprogram list' ''
shows shop
follow docs/reference/annotations.md 'kubectl miniprogram status' ''
shows 'no pod mounts'
follow docs/reference/annotations.md 'kubectl miniprogram refresh' ''
from=$(now)
first=$(mini shop '{.status.token.fingerprint}')
follow docs/reference/annotations.md 'kubectl miniprogram replace' ''
fingerprint_is_not "$first" || fail 'kubectl miniprogram replace to wait for the new token' "$shown"
seen 'annotations.md: the plugin lists, tells, refreshes and replaces' $(($(now) - from))

# --- apps.md: many apps; tickets.md; cut-over.md; backup-and-clusters.md
follow docs/apps.md 'create secret generic app-secrets' "shop=secret-of-$shop_id
news=secret-of-wx00000000000000aa
mall=secret-of-wx00000000000000bb
"
block docs/apps.md 'credentialRef: {name: app-secrets, key: news}' > apps.yaml
follow docs/apps.md 'kubectl apply -f apps.yaml' ''
echo 'mall wx00000000000000bb' > apps.txt
bash -eu -o pipefail -c "$(block docs/apps.md 'while read')" > /dev/null
follow docs/apps.md 'kubectl wait mp --all' ''
same 'apps.md: many apps of one Secret and one file are Ready' 'mall news shop' "$(kubectl get mp -o jsonpath='{.items[*].metadata.name}')"
kubectl patch mp shop --type=merge -p "$(block docs/tickets.md 'tickets: [')" > /dev/null
follow_soon 60 'WxCard 20' docs/tickets.md 'status.tickets'
shows 'JsApi 20'
seen 'tickets.md: the tickets of an app are told'
kubectl delete mp news > /dev/null
kubectl apply -f - > /dev/null << 'EOT'
apiVersion: miniprogram.dev/v1alpha1
kind: MiniProgram
metadata: {name: news}
spec: {appID: wx00000000000000aa, tokenMode: Legacy, suspend: true, credentialRef: {name: app-secrets, key: news}}
EOT
follow docs/cut-over.md 'kubectl patch mp news' ''
follow docs/cut-over.md 'kubectl wait mp/news' ''
follow docs/backup-and-clusters.md 'kubectl annotate mp --all' ''
seen 'cut-over.md, backup-and-clusters.md: an app is resumed, and all are asked once more'

# --- runbooks: what a person can do. tests/alerts runs what they look at, while their alerts fire.
kubectl -n miniprogram-system patch configmap authorities --type=merge -p '{"data":{"ca.crt":"none"}}' > /dev/null
broken=$(now)
kubectl apply -f - > /dev/null << 'EOT'
apiVersion: miniprogram.dev/v1alpha1
kind: MiniProgram
metadata: {name: lost}
spec: {appID: wx00000000000000cc, credentialRef: {name: lost-credential}}
EOT
here_is=(NAMESPACE=default NAME=lost SECRET=lost-credential KEY=appSecret)
quietly 20 'an app without its credential' condition_says lost CredentialValid SecretNotFound
follow docs/runbooks/credential-invalid.md 'from-file=KEY=/dev/stdin' 'not-the-secret' "${here_is[@]}"
within 20 'credential-invalid.md: a Secret that was missing is made, and its value rejected' condition_says lost CredentialValid CredentialRejected
follow docs/runbooks/credential-invalid.md 'dry-run=client' 'secret-of-wx00000000000000cc' "${here_is[@]}"
within 20 'its value is replaced, and the app is Ready' ready default lost
follow docs/runbooks/credential-invalid.md 'refresh-requested' '' "${here_is[@]}"
follow docs/runbooks/token-expired.md 'refresh-requested' '' "${here_is[@]}"

# A Secret that was marked immutable, in use by a workload.
consumer default shop > /dev/null
quietly 150 'a consumer' kubectl rollout status deployment/shop --timeout=1s
kubectl patch secret shop-token --type=merge -p '{"immutable":true}' > /dev/null
here_is=(NAMESPACE=default NAME=shop SECRET=shop-token DEPLOYMENT=shop LABELS=app=shop REPLICAS=1)
old=$(kubectl get secret shop-token -o jsonpath='{.metadata.uid}')
follow_spoken 'kubectl -n NAMESPACE get secret SECRET -o yaml --show-managed-fields' "${here_is[@]}"
shows 'manager: kubectl-patch'
follow_spoken 'kubectl -n NAMESPACE create secret generic try --dry-run=server' "${here_is[@]}"
for each in 'delete secret' 'replicas=0' 'wait pods' 'replicas=REPLICAS'; do
    follow docs/runbooks/target-conflict.md "$each" '' "${here_is[@]}"
done
quietly 150 'the consumer to come back' kubectl rollout status deployment/shop --timeout=1s
quietly 20 'the Secret to be made anew' ready default shop
[[ $(kubectl get secret shop-token -o jsonpath='{.metadata.uid}') != "$old" ]] || fail 'another Secret of that name'
same 'target-conflict.md: pods of a Secret that was immutable have the token of the new one' \
    "$(key default shop-token access_token)" "$(in_pod default shop access_token)"
follow docs/runbooks/target-conflict.md '"target":{"name":"NEW"}' '' NAMESPACE=default NAME=lost NEW=found-token
within 20 'target-conflict.md: a target of another name has the token' kubectl get secret found-token

follow_soon 180 '--ca-bundle' docs/runbooks/ca-bundle-unusable.md 'logs deployment'
seen 'ca-bundle-unusable.md: the log names what is wrong with the authorities' $(($(now) - broken))
kubectl -n miniprogram-system create configmap authorities --from-file=ca.crt --dry-run=client -o yaml |
    kubectl -n miniprogram-system apply -f - > /dev/null 2>&1
follow docs/runbooks/operator-stuck.md 'logs deployment' ''
shows '"level":"WARN"'

# An operator that cannot start, and no old one that goes on.
kubectl -n miniprogram-system patch deployment miniprogram-operator --type=strategic \
    -p '{"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}}' > /dev/null
"$HELM" upgrade miniprogram-operator "$chart" -n miniprogram-system --reset-then-reuse-values --set 'extraArgs={--nonsense}' \
    > upgrade.log 2>&1 || fail 'helm upgrade' "$(cat upgrade.log)"
follow_soon 60 CrashLoopBackOff docs/runbooks/operator-absent.md 'get pods,leases'
follow docs/runbooks/operator-absent.md 'get deployments,replicasets' ''
follow docs/runbooks/operator-absent.md 'logs deployment' ''
shows "unexpected argument '--nonsense'"
follow docs/runbooks/operator-absent.md 'sort-by' ''
shows shop
seen 'operator-absent.md: the log says which flag is wrong'
"$HELM" rollback miniprogram-operator 1 -n miniprogram-system --wait > upgrade.log 2>&1 || fail 'helm rollback' "$(cat upgrade.log)"
follow docs/install.md 'helm upgrade' ''
seen 'install.md: the operator is upgraded'

# An operator without the kind that it keeps.
kubectl delete crd miniprograms.miniprogram.dev > /dev/null
follow_soon 90 'the cluster has no MiniProgram resource' docs/runbooks/operator-blind.md 'logs deployment'
follow_soon 120 0/1 docs/runbooks/operator-blind.md 'get pods'
seen 'operator-blind.md: the log says that the CustomResourceDefinition is missing'
! kubectl get crd miniprograms.miniprogram.dev > /dev/null 2>&1 || fail 'no CustomResourceDefinition'
kubectl apply --server-side -f "$root/crds/miniprograms.yaml" > /dev/null
follow_spoken 'kubectl get crd miniprograms.miniprogram.dev'
within 60 'it sees again as soon as it is there' kubectl -n miniprogram-system rollout status deployment/miniprogram-operator --timeout=1s

# --- install.md: removal, and the other ways in
for each in 'kubectl delete miniprograms' 'helm uninstall' 'kubectl delete crd'; do
    follow docs/install.md "$each" ''
done
follow_soon 60 'No resources found' docs/install.md 'kubectl get secrets'
seen 'install.md: no token is left of the apps that were removed'
follow docs/install.md 'kubectl delete secret' ''
follow docs/install.md 'kubectl delete namespace' ''
unset 'settings[-1]' 'settings[-1]'
for each in 'replicaCount=1' 'helm install miniprogram-operator deploy/chart'; do
    follow docs/install.md "$each" ''
    "$HELM" uninstall miniprogram-operator -n miniprogram-system --wait > /dev/null
    kubectl delete crd miniprograms.miniprogram.dev > /dev/null
done
follow docs/install.md 'kubectl apply --server-side' ''
kubectl delete -f "$root/deploy/install.yaml" --timeout=90s > /dev/null
seen 'install.md: all ways to install it, and to remove it'

# --- shards.md
more="$chart ${settings[*]} --namespace shards --create-namespace --wait"
follow docs/shards.md 'helm install shard-a' '' …="$more"
follow docs/shards.md 'helm install shard-b' '' …="$more --set crds.enabled=false"
follow_spoken 'kubectl get mp -A -L shard'
seen 'shards.md: two releases share the objects'
"$HELM" uninstall shard-a shard-b -n shards --wait > /dev/null
kubectl delete crd miniprograms.miniprogram.dev > /dev/null

# What is named without what it is about is no command; krew takes it from a release; the last ones do what others above do.
cat > named << 'EOT'
kubectl apply
kubectl apply -f
kubectl delete crd
kubectl describe
kubectl describe pod
kubectl get secret -o yaml
kubectl miniprogram
kubectl miniprogram refresh
kubectl miniprogram replace
kubectl replace --force
kubectl krew install --manifest-url=…/miniprogram.yaml
kubectl miniprogram replace NAME
kubectl miniprogram replace shop
kubectl delete mp shop
EOT
same 'no command is named in a sentence that no test runs' '' "$(spoken | grep -vxFf named | grep -vxFf "$followed" || true)"
cat > elsewhere << 'EOT'
cosign verify ghcr.io/
gh attestation verify
kind create cluster
make demo
make test
EOT
unfollowed | grep -vFf elsewhere > left || true
# tests/alerts runs these.
for page in "$root"/docs/runbooks/*.md; do
    commands "docs/runbooks/${page##*/}" | grep -v miniprogram-system | grep '^kubectl .*get ' || true
done > of_alerts
same 'no command of a page is left that no test runs' '' "$(grep -vxFf of_alerts left || true)"
