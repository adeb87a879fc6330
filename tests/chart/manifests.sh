# What is generated is up to date, and everything that can be installed is accepted.
# shellcheck shell=bash disable=SC2034,SC2154

kubectl apply --server-side -f "$root/crds/miniprograms.yaml" -f "$here/kinds.yaml" > /dev/null
# Right after the create the conditions are null, which a wait for one of them takes for an error.
while read -r crd kind; do
    kubectl wait "crd/$crd" --for=jsonpath='{.status.acceptedNames.kind}'="$kind" --timeout=30s > /dev/null
done << 'EOT'
miniprograms.miniprogram.dev MiniProgram
servicemonitors.monitoring.coreos.com ServiceMonitor
podmonitors.monitoring.coreos.com PodMonitor
prometheusrules.monitoring.coreos.com PrometheusRule
EOT
kubectl wait --for=condition=Established --timeout=30s crd --all > /dev/null
for namespace in mp-system team-a team-b miniprogram-system; do
    kubectl create namespace "$namespace" > /dev/null
    kubectl label namespace "$namespace" pod-security.kubernetes.io/{enforce,warn}=restricted > /dev/null
done

waits_twice() {
    local script
    while read -r script; do
        awk '/acceptedNames.kind/ { named = 1 } /--for=condition=Established/ && !named { bad = 1 } END { exit bad }' "$script" || { echo "$script"; return 1; }
    done < <(grep -rl -- '--for=condition=Established' "$root/tests" "$root/deploy" --include='*.sh' --include=check --include=figures)
}
check 'no script waits for a condition of a CRD whose conditions may be null' waits_twice

chart_is_current() {
    local file
    HELM_DOCS=$HELM_DOCS "$chart/generate" "$work/generated"
    for file in templates/crds/miniprograms.yaml templates/_defaults.tpl README.md; do
        diff -u "$chart/$file" "$work/generated/$file" || { echo 'run `make manifests`'; return 1; }
    done
}
check 'the CRD of the chart is that of crds/, its defaults and its README have its values' chart_is_current

all_described() {
    (($(grep -c '^| `' "$chart/README.md") > 90))
    ! grep -E '^\| `.*\|  \|$' "$chart/README.md"
}
check 'every value is described' all_described

manifests_are_current() {
    HELM=$HELM "$root/deploy/render" "$work/rendered"
    local file
    while read -r file; do
        diff -u "$root/deploy/$file" "$work/rendered/$file" || { echo 'run `make manifests`'; return 1; }
    done < <(cd "$work/rendered" && find . -type f)
}
check 'install.yaml and deploy/kustomize are what the chart renders' manifests_are_current
check 'install.yaml is accepted' accepted "$root/deploy/install.yaml"
check 'deploy/examples are accepted' accepted "$root/deploy/examples"

# kustomized COMPONENT…
kustomized() {
    local folder=$work/kustomized component
    rm -rf "$folder" && mkdir "$folder"
    # A path from /tmp to the repository would not be stable, so it lies beside this one.
    cp -r "$root/deploy/kustomize/." "$folder/"
    {
        printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../base]\ncomponents:\n'
        for component in "$@"; do
            printf '  - ../components/%s\n' "$component"
        done
    } > "$work/kustomization.yaml"
    mkdir "$folder/overlay"
    mv "$work/kustomization.yaml" "$folder/overlay/"
    kubectl kustomize "$folder/overlay" > "$work/kustomized.yaml"
    diff <("$KUSTOMIZE" build "$folder/overlay") "$work/kustomized.yaml" || { echo 'kubectl 1.32 makes something else of it'; return 1; }
    accepted "$work/kustomized.yaml"
}
components=()
for component in "$root"/deploy/kustomize/components/*; do
    components+=("${component##*/}")
    check "kustomize: base with ${component##*/}" kustomized "${component##*/}"
done
check 'kustomize: base with all components' kustomized "${components[@]}"

one_namespace_only() {
    kustomized namespaced
    ! grep -E 'kind: ClusterRoleBinding' "$work/kustomized.yaml"
}
check 'kustomize: the component namespaced leaves no ClusterRoleBinding' one_namespace_only
