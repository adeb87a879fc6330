# Names and labels: long releases, two releases in one namespace, and the labels that every object bears.
# shellcheck shell=bash disable=SC2034,SC2154

long=a23456789-b23456789-c23456789-d23456789-e23456789-f23

long_names() {
    template "$HELM" "$long" "$chart" "${monitoring[@]}" --values "$chart/ci/monitoring-values.yaml" --set networkPolicy.enabled=true > "$work/long.yaml"
    local name
    while read -r name; do
        # What is in no namespace has the release's behind a dot.
        name=${name%.mp-system}
        ((${#name} <= 63)) || { echo "$name has ${#name} characters"; return 1; }
    done < <(sed -n 's/^  name: //p; s/.*--lease-name=//p' "$work/long.yaml")
    accepted "$work/long.yaml"
}
check 'a release of 53 characters: no name is over 63, all of it is accepted' long_names

# objects: the kind, namespace and name of each object on standard input, in a line each
objects() {
    awk '/^---/ { part = "" } /^[a-z]/ { part = $1 } /^kind:/ { kind = $2; place = "-"; name = "" }
        part == "metadata:" && /^  name:/ { name = $2 }
        part == "metadata:" && /^  namespace:/ { place = $2 }
        /^(spec|rules|roleRef|data|automount.*):/ && name { print kind, place, name; name = "" }'
}

# rendered_in NAMESPACE RELEASE ARGUMENT…: the objects of a release, and its Lease
rendered_in() {
    local on=metrics.serviceMonitor.enabled=true,prometheusRule.enabled=true
    template "$HELM" --namespace "$1" "$2" "$chart" "${monitoring[@]}" "${@:3}" \
        --set "crds.enabled=false,$on,grafanaDashboard.enabled=true" > "$work/release.yaml"
    objects < "$work/release.yaml" | sort
    sed -n "s/.*--lease-name=/Lease $1 /p" "$work/release.yaml"
}

two_releases() {
    rendered_in mp-system one "$@" > "$work/one.names"
    rendered_in mp-system two "$@" > "$work/two.names"
    (($(wc -l < "$work/one.names") > 10))
    ! comm -12 <(sort "$work/one.names") <(sort "$work/two.names") | grep .
}
check 'two releases in one namespace share no object and no Lease' \
    two_releases --set 'watchNamespaces={team-a}'

two_namespaces() {
    rendered_in mp-system mp "$@" > "$work/one.names"
    rendered_in team-b mp "$@" > "$work/two.names"
    ! comm -12 <(sort "$work/one.names") <(sort "$work/two.names") | grep .
}
check 'releases of one name in two namespaces share no object' two_namespaces
elsewhere=metrics.serviceMonitor.namespace=team-a,prometheusRule.namespace=team-a
check 'the same, where both have objects in a third namespace' \
    two_namespaces --set "watchNamespaces={team-a},$elsewhere,grafanaDashboard.namespace=team-a"

# What a release may be called, and what YAML takes for a number or a boolean.
odd_release() {
    kubectl get namespace "$2" > /dev/null 2>&1 || kubectl create namespace "$2"
    template "$HELM" --namespace "$2" "$1" "$chart" "${monitoring[@]}" \
        --values "$chart/ci/monitoring-values.yaml" --set networkPolicy.enabled=true > "$work/odd.yaml"
    accepted "$work/odd.yaml"
    template "$HELM" --namespace "$2" "$1" "$chart" \
        --set-json "watchNamespaces=[\"$2\"]" > "$work/odd.yaml"
    accepted "$work/odd.yaml"
}
for release in a.b 1a 7.tokens 123 on 1e3; do
    check "a release called $release is accepted" odd_release "$release" mp-system
done
for namespace in 123 on 1e3; do
    check "a namespace called $namespace is accepted" odd_release mp "$namespace"
done

# Labels that users put on everything are no way to change what selectors look for.
selected() {
    local where label set=()
    for where in commonLabels podLabels metrics.service.labels; do
        for label in name instance component; do
            set+=(--set "$where.app\\.kubernetes\\.io/$label=shop")
        done
    done
    template "$HELM" mp "$chart" "${monitoring[@]}" --set metrics.serviceMonitor.enabled=true \
        "${set[@]}" > "$work/labelled.yaml"
    # What each of them selects by, against the labels of what it should select.
    diff <(object ServiceMonitor | part '/matchLabels:/,/^  [a-z]/') \
        <(object Service | part '/^  labels:/,/^[a-z]/')
    diff <(object Deployment | part '/matchLabels:/,/^  [a-z]/') \
        <(object Deployment | part '/^  template:/,/^      annotations:/' | grep -v component)
    accepted "$work/labelled.yaml"
}
object() { awk -v RS='---\n' "/kind: $1\n/" "$work/labelled.yaml"; }
# part LINES: the labels in some lines that selectors go by
part() {
    sed -n "$1p" | grep -oE '^ *app.kubernetes.io/(name|instance|component): .*' | tr -d ' ' | sort -u
}
check 'labels on everything change nothing that selectors look for' selected

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
