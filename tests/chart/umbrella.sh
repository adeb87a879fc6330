# The chart as a dependency of another one: its condition, its alias, what other charts write into
# `global`, and what a parent leaves empty.
# shellcheck shell=bash disable=SC2034,SC2154

version=$(sed -n 's/^version: //p' "$chart/Chart.yaml")

# umbrella NAME DEPENDENCY…: a parent chart, with the values on standard input
umbrella() {
    local folder=$work/umbrella/$1 dependency
    shift
    rm -rf "$folder"
    mkdir -p "$folder/charts"
    {
        printf 'apiVersion: v2\nname: umbrella\nversion: 1.0.0\ndependencies:\n'
        for dependency in "$@"; do
            printf '  - {name: miniprogram-operator, version: %s, repository: "file://%s"%s}\n' \
                "$version" "$chart" "$dependency"
        done
    } > "$folder/Chart.yaml"
    cp -r "$chart" "$folder/charts/"
    cat > "$folder/values.yaml"
}

# with_both NAME [ARGUMENT…]: what both Helms render of a parent chart is accepted
with_both() {
    local helm name=$1
    shift
    for helm in "$HELM" "$HELM3"; do
        template "$helm" parent "$work/umbrella/$name" "$@" > "$work/umbrella.yaml"
        accepted "$work/umbrella.yaml"
    done
}

switched() {
    local helm off=miniprogram-operator.enabled=false
    umbrella switched ', condition: miniprogram-operator.enabled' \
        <<< 'miniprogram-operator: {enabled: true}'
    with_both switched
    grep -q 'kind: Deployment' "$work/umbrella.yaml"
    for helm in "$HELM" "$HELM3"; do
        template "$helm" parent "$work/umbrella/switched" --set "$off" > "$work/umbrella.yaml"
        ! grep kind: "$work/umbrella.yaml" || return 1
    done
}
check 'a dependency is switched on and off by a value under its name' switched

pull_secrets() {
    umbrella globals '' <<< "global: $1"
    with_both globals
    # Of the Deployment and of the pod of `helm test`.
    (($(grep -A 4 'imagePullSecrets:' "$work/umbrella.yaml" | grep -c -- '- name: registry') == 2))
}
for form in '[registry]' 'registry' '[{name: registry, extra: x}]' \
    '[{name: registry}, registry, ""]' '[registry], imageRegistry: "", storageClass: ""'; do
    check "global: {imagePullSecrets: $form}" pull_secrets "{imagePullSecrets: $form}"
done

harmless() {
    umbrella globals '' <<< "global: $1"
    with_both globals
    ! grep imagePullSecrets "$work/umbrella.yaml"
}
for form in '' '{imagePullSecrets: }' '{imagePullSecrets: []}' '{imagePullSecrets: ""}' \
    '{compatibility: }' '{compatibility: {openshift: }}' '{security: {allowInsecureImages: true}}'
do
    check "global: $form" harmless "$form"
done

openshift() {
    umbrella openshift '' <<< "$1"
    with_both openshift "${@:2}"
    ! grep -E 'runAsUser|runAsGroup|fsGroup' "$work/umbrella.yaml"
}
adapt='global: {compatibility: {openshift: {adaptSecurityContext: MODE}}}'
check 'OpenShift is known by its kinds' openshift '' --api-versions security.openshift.io/v1
check 'OpenShift, by the value that other charts have for it' openshift "${adapt/MODE/force}"
# Helm 4 drops null from the values.yaml of a parent, so the empty string says the same.
check 'users and groups are left out by the values of a parent' openshift \
    'miniprogram-operator: {podSecurityContext: {runAsUser: "", runAsGroup: "", fsGroup: ""}}'
kept_users() {
    umbrella openshift '' <<< "${adapt/MODE/disabled}"
    with_both openshift --api-versions security.openshift.io/v1
    grep -q 'runAsUser: 65532' "$work/umbrella.yaml"
}
check 'OpenShift is not adapted to where that is disabled' kept_users

left_empty() {
    umbrella empty '' <<< "$1"
    with_both empty
    mv "$work/umbrella.yaml" "$work/empty.yaml"
    umbrella empty '' <<< ''
    with_both empty
    diff "$work/umbrella.yaml" "$work/empty.yaml"
}
for form in 'podAnnotations: , platformQPS: , log: {level: }' 'metrics: , rbac: , resources: ' \
    'podAnnotations: {a: }, crds: {annotations: }' 'platforms: {WeChat: {endpoints: }}' \
    'platforms: {WeChat: }'; do
    check "miniprogram-operator: {$form}" left_empty "miniprogram-operator: {$form}"
done

twice() {
    umbrella twice ', alias: gold' ', alias: silver' << 'EOT'
gold: {selector: tier=gold}
silver: {selector: tier=silver, crds: {enabled: false}}
EOT
    with_both twice
    ! objects < "$work/umbrella.yaml" | sort | uniq -d | grep .
}
check 'twice in one parent, under two aliases, shares no object' twice
