# Helm takes over what kubectl applied, in the ways in which people apply it, and an upgrade keeps
# the values that a release has.
# shellcheck shell=bash disable=SC2034,SC2154

# install.yaml without its namespace, which other parts of this check share.
awk -v RS='---\n' -v ORS='---\n' '!/kind: Namespace\n/' "$root/deploy/install.yaml" \
    > "$work/install.yaml"

# helm_does HELM VERB [FLAG…]
helm_does() {
    "$1" "$2" miniprogram-operator "${from:-$chart}" -n miniprogram-system "${@:3}" > /dev/null
}

# Removes all of it, also what an earlier try has left.
removed() {
    "$HELM" uninstall miniprogram-operator -n miniprogram-system --ignore-not-found > /dev/null
    kubectl delete -f "$work/install.yaml" --ignore-not-found --wait > /dev/null
}

debugs() {
    kubectl -n miniprogram-system get deployment miniprogram-operator \
        -o jsonpath='{.spec.template.spec.containers[0].args}' | grep -q log-level=debug
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
applied() { kubectl apply "$@" -f "$root/deploy/install.yaml"; }
kustomized_base() { kubectl kustomize "$root/deploy/kustomize/base" | kubectl apply "$@" -f -; }
while read -r what command; do
    read -ra command <<< "$command"
    for helm in "$HELM" "$HELM3"; do
        check "${what//_/ } is taken over with $("$helm" version --template '{{.Version}}')" \
            taken_over "$helm" "${command[@]}"
    done
done << EOT
what_was_applied_server-side applied --server-side
what_was_applied applied
what_was_created kubectl create -f $work/install.yaml
what_another_tool_applied applied --server-side --field-manager=argocd-controller
what_kustomize_built kustomized_base --server-side
EOT

# Of another version, fields differ, and Helm 4 has to be told which side wins.
older_version() {
    removed
    awk '/jsonPath: .metadata.creationTimestamp/ { skip = 3 } skip-- <= 0' \
        "$work/install.yaml" > "$work/older.yaml"
    ! cmp -s "$work/install.yaml" "$work/older.yaml"
    kubectl apply --server-side -f "$work/older.yaml" > /dev/null
    ! helm_does "$HELM" install --take-ownership 2> "$work/conflict"
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
    sed -i 's/^  "properties": {$/&\n    "dropped": {"type": "string"},/' \
        "$work/previous/values.schema.json"
    from=$work/previous helm_does "$HELM" install --set log.level=debug
    ! helm_does "$HELM" upgrade --reuse-values 2> "$work/refusal"
    grep "'dropped' not allowed" "$work/refusal"
    helm_does "$HELM" upgrade --reset-then-reuse-values
    debugs
    removed
}
check 'an upgrade with --reset-then-reuse-values keeps what was set' next_values
