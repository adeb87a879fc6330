# The chart as a dependency of another one: its condition, its alias, what other charts write into `global`, and what a parent leaves
# empty.
# shellcheck shell=bash disable=SC2034,SC2154

version=$(sed -n 's/^version: //p' "$chart/Chart.yaml")

# umbrella NAME DEPENDENCY…: a parent chart, with the values on standard input
umbrella() {
    local folder=$work/umbrella/$1 dependency
    shift
    rm -rf "$folder"
    mkdir -p "$folder/charts"
    printf 'apiVersion: v2\nname: umbrella\nversion: 1.0.0\ndependencies:\n' > "$folder/Chart.yaml"
    for dependency in "$@"; do
        printf '  - {name: miniprogram-operator, version: %s, repository: "file://%s"%s}\n' "$version" "$chart" "$dependency" >> "$folder/Chart.yaml"
    done
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
    umbrella switched ', condition: miniprogram-operator.enabled' <<< 'miniprogram-operator: {enabled: true}'
    with_both switched
    grep -q 'kind: Deployment' "$work/umbrella.yaml"
    local helm
    for helm in "$HELM" "$HELM3"; do
        template "$helm" parent "$work/umbrella/switched" --set miniprogram-operator.enabled=false > "$work/umbrella.yaml"
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
for form in '{imagePullSecrets: [registry]}' '{imagePullSecrets: registry}' '{imagePullSecrets: [{name: registry, extra: x}]}' \
    '{imagePullSecrets: [{name: registry}, registry, ""]}' '{imageRegistry: "", imagePullSecrets: [registry], storageClass: "", compatibility: {openshift: {}}}'; do
    check "global: $form" pull_secrets "$form"
done

harmless() {
    umbrella globals '' <<< "global: $1"
    with_both globals
    ! grep imagePullSecrets "$work/umbrella.yaml"
}
for form in '' '{imagePullSecrets: }' '{imagePullSecrets: []}' '{imagePullSecrets: ""}' '{compatibility: }' \
    '{security: {allowInsecureImages: true}, compatibility: {omitEmptySeLinuxOptions: false, openshift: }}'; do
    check "global: $form" harmless "$form"
done

openshift() {
    umbrella openshift '' <<< "$1"
    with_both openshift "${@:2}"
    ! grep -E 'runAsUser|runAsGroup|fsGroup' "$work/umbrella.yaml"
}
check 'OpenShift is known by its kinds' openshift '' --api-versions security.openshift.io/v1
check 'OpenShift, by the value that other charts have for it' openshift 'global: {compatibility: {openshift: {adaptSecurityContext: force}}}'
# Helm 4 drops null from the values.yaml of a parent, so the empty string says the same.
check 'users and groups are left out by the values of a parent' openshift \
    'miniprogram-operator: {podSecurityContext: {runAsUser: "", runAsGroup: "", fsGroup: ""}}'
kept_users() {
    umbrella openshift '' <<< 'global: {compatibility: {openshift: {adaptSecurityContext: disabled}}}'
    with_both openshift --api-versions security.openshift.io/v1
    grep -q 'runAsUser: 65532' "$work/umbrella.yaml"
}
check 'OpenShift is not adapted to where that is disabled' kept_users

left_empty() {
    umbrella empty '' <<< "$1"
    with_both empty
    grep -v '^# Source' "$work/umbrella.yaml" > "$work/empty.yaml"
    umbrella empty '' <<< ''
    with_both empty
    diff <(grep -v '^# Source' "$work/umbrella.yaml") "$work/empty.yaml"
}
for form in '{podAnnotations: , platformQPS: , log: {level: }}' '{metrics: , rbac: , crds: {annotations: }}' '{podAnnotations: {a: }}' \
    '{platforms: {WeChat: {endpoints: }}}' '{platforms: {WeChat: }}' '{resources: }'; do
    check "miniprogram-operator: $form" left_empty "miniprogram-operator: $form"
done

twice() {
    umbrella twice ', alias: gold' ', alias: silver' <<< '{gold: {selector: tier=gold}, silver: {selector: tier=silver, crds: {enabled: false}}}'
    with_both twice
    ! objects < "$work/umbrella.yaml" | sort | uniq -d | grep .
}
check 'twice in one parent, under two aliases, shares no object' twice
