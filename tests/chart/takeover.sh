# Helm takes over what kubectl applied, in the ways in which people apply it, and a release goes on with the values that it has.
# shellcheck shell=bash disable=SC2034,SC2154

# removed: all of it, also what an earlier try has left
removed() {
    "$HELM" uninstall miniprogram-operator -n miniprogram-system --ignore-not-found --wait > /dev/null
    # The namespace is shared with other parts of this check.
    kubectl delete -f <(awk -v RS='---\n' -v ORS='---\n' '!/kind: Namespace\n/' "$root/deploy/install.yaml") --ignore-not-found --wait > /dev/null
}

# taken_over HELM COMMAND…: what the command has applied
taken_over() {
    local helm=$1 force=()
    shift
    # Whoever applied the fields before still owns them, beside Helm.
    [[ $helm != "$HELM" ]] || force=(--force-conflicts)
    removed
    "$@" > /dev/null
    helm_does "$helm" install --take-ownership
    helm_does "$helm" upgrade --set log.level=debug "${force[@]}"
    debugs
    removed
}
# helm_does HELM VERB [FLAG…]
helm_does() {
    "$1" "$2" miniprogram-operator "${from:-$chart}" -n miniprogram-system "${@:3}" > /dev/null
}
debugs() {
    kubectl -n miniprogram-system get deployment miniprogram-operator -o jsonpath='{.spec.template.spec.containers[0].args}' |
        grep -q log-level=debug
}
applied() { kubectl apply "$@" -f "$root/deploy/install.yaml"; }
created() {
    kubectl create -f <(awk -v RS='---\n' -v ORS='---\n' '!/kind: Namespace\n/' "$root/deploy/install.yaml")
}
kustomized_base() { kubectl kustomize "$root/deploy/kustomize/base" | kubectl apply "$@" -f -; }
for helm in "$HELM" "$HELM3"; do
    with="with $("$helm" version --template '{{.Version}}')"
    check "what kubectl apply --server-side made is taken over $with" taken_over "$helm" applied --server-side
    check "what kubectl apply made is taken over $with" taken_over "$helm" applied
    check "what kubectl create made is taken over $with" taken_over "$helm" created
    check "what another tool applied is taken over $with" taken_over "$helm" applied --server-side --field-manager=argocd-controller
    check "what kustomize built is taken over $with" taken_over "$helm" kustomized_base --server-side
done

# Of another version, fields differ, and Helm 4 has to be told which side wins.
older_version() {
    removed
    awk '/jsonPath: .metadata.creationTimestamp/ { skip = 3 } skip-- > 0 { next } { print }' "$root/deploy/install.yaml" > "$work/older.yaml"
    ! cmp -s "$root/deploy/install.yaml" "$work/older.yaml"
    kubectl apply --server-side -f "$work/older.yaml" > /dev/null
    ! helm_does "$HELM" install --take-ownership 2> "$work/conflict" || { echo 'it took over an older version without a conflict'; return 1; }
    grep 'conflict with "kubectl".*spec.versions' "$work/conflict"
    # The try is a release that failed.
    helm_does "$HELM" upgrade --install --take-ownership --force-conflicts
    removed
}
check 'another version is taken over with --force-conflicts, as the README says' older_version
says_how() {
    grep -q -- '--take-ownership --force-conflicts' "$chart/templates/NOTES.txt"
    grep -q -- '--take-ownership --force-conflicts' "$chart/README.md"
    grep -q -- '--reset-then-reuse-values' "$chart/README.md"
}
check 'NOTES.txt and the README name the flags' says_how

# A key that the next chart has dropped, and one that is new in it.
next_values() {
    removed
    rm -rf "$work/previous"
    cp -r "$chart" "$work/previous"
    sed -i '/^  dnsPorts:/d' "$work/previous/values.yaml"
    echo 'dropped: x' >> "$work/previous/values.yaml"
    sed -i 's/^  "properties": {$/&\n    "dropped": {"type": "string"},/' "$work/previous/values.schema.json"
    from=$work/previous helm_does "$HELM" install --set log.level=debug
    ! helm_does "$HELM" upgrade --reuse-values 2> "$work/refusal" || { echo 'a dropped value was reused'; return 1; }
    grep -q "'dropped' not allowed" "$work/refusal"
    helm_does "$HELM" upgrade --reset-then-reuse-values
    debugs
    removed
}
check 'an upgrade keeps what was set, where values come and go, with --reset-then-reuse-values' next_values
