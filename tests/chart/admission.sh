# The role refresher and the admission policy, tried with a real account.
# shellcheck shell=bash disable=SC2034,SC2154

template "$HELM" mp "$chart" --set crds.enabled=false --show-only templates/rbac/users.yaml --show-only templates/admission-policy.yaml |
    kubectl apply -f - > /dev/null
kubectl -n team-a create serviceaccount pod > /dev/null
kubectl -n team-a create rolebinding pod --clusterrole=mp-miniprogram-operator-refresher.mp-system --serviceaccount=team-a:pod > /dev/null
kubectl -n team-a create serviceaccount editor > /dev/null
kubectl -n team-a create rolebinding editor --clusterrole=edit --serviceaccount=team-a:editor > /dev/null
kubectl -n team-a apply -f - > /dev/null << 'EOT'
apiVersion: miniprogram.dev/v1alpha1
kind: MiniProgram
metadata: {name: shop}
spec: {appID: wx0123456789abcdef, credentialRef: {name: shop-credential}}
EOT

# as ACCOUNT PATCH
as() {
    kubectl -n team-a --as "system:serviceaccount:team-a:$1" patch mp shop --type=merge -p "$2"
}
# A policy holds a moment after it was made.
held() {
    local tries
    for ((tries = 0; tries < 50; tries++)); do
        as pod "{\"metadata\":{\"labels\":{\"try\":\"$tries\"}}}" 2> "$work/refusal" > /dev/null || break
        sleep 0.2
    done
    grep -q 'not its labels' "$work/refusal"
}
check 'refresher: a label is refused' held
check 'refresher: a request goes through' as pod '{"metadata":{"annotations":{"miniprogram.dev/refresh-requested":"1"}}}'
refused_as() {
    if as "$1" "$2" > "$work/answer" 2>&1; then
        return 1
    fi
    cat "$work/answer"
    grep -q "$3" "$work/answer"
}
check 'refresher: the spec is refused' refused_as pod '{"spec":{"credentialRef":{"name":"other"}}}' 'not its spec'
check 'refresher: an owner is refused' refused_as pod \
    '{"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"x","uid":"x"}]}}' 'not its owners'
check 'refresher: a finalizer is refused' refused_as pod '{"metadata":{"finalizers":["example.com/x"]}}' 'not its owners'
check 'refresher: a report goes through' as pod '{"metadata":{"annotations":{"miniprogram.dev/invalid-token":"sha256:0"}}}'
check 'refresher: another annotation is refused' refused_as pod '{"metadata":{"annotations":{"example.com/x":"1"}}}' 'and no others'
kubectl -n team-a annotate mp shop example.com/kept=1 > /dev/null
check 'refresher: the change of an annotation that is there is refused' refused_as pod \
    '{"metadata":{"annotations":{"example.com/kept":"2"}}}' 'and no others'
check 'refresher: the removal of an annotation is refused' refused_as pod \
    '{"metadata":{"annotations":{"example.com/kept":null}}}' 'and no others'
long=$(printf 'x%.0s' {1..129})
check 'refresher: a value of 129 characters is refused' refused_as pod \
    "{\"metadata\":{\"annotations\":{\"miniprogram.dev/refresh-requested\":\"$long\"}}}" 'at most 128'
check 'refresher: a value of 128 characters goes through' as pod \
    "{\"metadata\":{\"annotations\":{\"miniprogram.dev/refresh-requested\":\"${long:1}\"}}}"
check 'refresher: emptied managedFields are refused' refused_as pod '{"metadata":{"managedFields":[{}]}}' 'who owns its fields'
check 'refresher: generateName is refused' refused_as pod '{"metadata":{"generateName":"x-"}}' 'who owns its fields'
applies() {
    kubectl -n team-a --as system:serviceaccount:team-a:pod apply --server-side --field-manager=pod -f - 2> "$work/answer" << 'END'
apiVersion: miniprogram.dev/v1alpha1
kind: MiniProgram
metadata: {name: shop}
spec: {appID: wx0123456789abcdef, credentialRef: {name: shop-credential}}
END
}
owns_nothing() {
    ! applies && cat "$work/answer" && grep -q 'who owns its fields' "$work/answer"
}
check 'refresher: an apply of the same spec is refused' owns_nothing
check 'refresher: a request can be taken back' as pod '{"metadata":{"annotations":{"miniprogram.dev/refresh-requested":null}}}'
# What docs/consumers.md gives to a pod that reports a dead token: the RoleBinding, and the body of its request.
documented() {
    local page=$root/docs/consumers.md body
    awk '/^```/ { if (text ~ /kind: RoleBinding/) printf "%s", text; text = ""; next } { text = text $0 "\n" }' "$page" |
        sed 's/: miniprogram-operator-refresher.miniprogram-system/: mp-miniprogram-operator-refresher.mp-system/' |
        kubectl apply -f - || return
    body=$(sed -n "s/^ *--data '\(.*\)' .\$/\1/p" "$page")
    as shop "${body/\'\"\$fingerprint\"\'/sha256:0123456789ab}"
    [[ $(kubectl -n team-a get mp shop -o go-template='{{index .metadata.annotations "miniprogram.dev/invalid-token"}}') == sha256:0123456789ab ]]
}
check 'refresher: the RoleBinding and the report of docs/consumers.md work' documented
# may_not VERB RESOURCE [FLAGS]
may_not() {
    local answer
    answer=$(kubectl auth can-i "$@" -n team-a --as system:serviceaccount:team-a:pod 2> /dev/null || true)
    [[ $answer == no ]] || { echo "the answer is $answer"; return 1; }
}
for verb in get list watch create update patch delete; do
    check "refresher: may not $verb Secrets" may_not "$verb" secrets
done
for verb in list watch create update delete; do
    check "refresher: may not $verb MiniPrograms" may_not "$verb" miniprograms.miniprogram.dev
done
check 'refresher: may not patch the status' may_not patch miniprograms.miniprogram.dev --subresource=status
# The roles of the cluster learn of ours when the controller manager has aggregated them.
edits() {
    local tries
    for ((tries = 0; tries < 50; tries++)); do
        ! as editor '{"spec":{"displayName":"Shop"}}' || return 0
        sleep 0.2
    done
    return 1
}
check 'edit of the cluster: may change the spec' edits
may_view() {
    [[ $(kubectl auth can-i list miniprograms.miniprogram.dev -n team-a --as system:serviceaccount:team-a:editor) == yes ]]
}
check 'view and edit of the cluster: may list' may_view
