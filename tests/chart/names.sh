# Names and labels: long releases, two releases in one namespace, and the labels that every object bears.
# shellcheck shell=bash disable=SC2034,SC2154

long=a23456789-b23456789-c23456789-d23456789-e23456789-f23

long_names() {
    template "$HELM" "$long" "$chart" "${monitoring[@]}" --values "$chart/ci/monitoring-values.yaml" --set networkPolicy.enabled=true > "$work/long.yaml"
    local name
    while read -r name; do
        ((${#name} <= 63)) || { echo "$name has ${#name} characters"; return 1; }
    done < <(sed -n 's/^  name: //p; s/.*--lease-name=//p' "$work/long.yaml")
    accepted "$work/long.yaml"
}
check 'a release of 53 characters: no name is over 63, all of it is accepted' long_names

two_releases() {
    local release
    for release in one two; do
        template "$HELM" "$release" "$chart" --set "watchNamespaces={team-a},crds.enabled=false" | sed -n 's/^kind: //p; s/^  name: //p; s/.*--lease-name=/lease /p' |
            paste -sd ' \n' | sort -u > "$work/$release.names"
    done
    ! comm -12 "$work/one.names" "$work/two.names" | grep .
}
check 'two releases in one namespace share no object and no Lease' two_releases

# A release that is named after the chart is not named twice.
short_name() {
    template "$HELM" miniprogram-operator "$chart" --show-only templates/deployment.yaml | grep -qx '  name: miniprogram-operator'
}
check 'a release called miniprogram-operator' short_name

labelled() {
    template "$HELM" mp "$chart" "${monitoring[@]}" --skip-tests --values "$chart/ci/$1-values.yaml" > "$work/labelled.yaml"
    local label
    for label in app.kubernetes.io/{name,instance,version,managed-by} helm.sh/chart; do
        ! awk -v RS='---\n' -v label="\n    $label: " '/kind: / && !index($0, label)' "$work/labelled.yaml" | grep . ||
            { echo "these lack $label"; return 1; }
    done
}
for values in default namespaced monitoring networkpolicy; do
    check "every object of $values has the standard labels" labelled "$values"
done

stable_selectors() {
    template "$HELM" mp "$chart" --show-only templates/deployment.yaml | sed -n '/^  selector:/,/^  template:/p' > "$work/selector"
    ! grep -E 'version|chart' "$work/selector"
}
check 'the selector has no label that an upgrade changes' stable_selectors

kept() {
    template "$HELM" mp "$chart" --show-only templates/crds/miniprograms.yaml "$@" | grep -q 'helm.sh/resource-policy: keep'
}
not_kept() { ! kept "$@"; }
check 'the CRD is kept' kept
check 'the CRD is not kept with crds.keep=false' not_kept --set crds.keep=false
