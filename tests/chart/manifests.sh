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

# A rule at the root is also held against writes of the status, for ever, of objects that were stored
# before it. Below `spec` an unchanged value passes. So after a release none may be added here; these
# two are of the first.
root_rules() {
    kubectl get crd miniprograms.miniprogram.dev -o go-template='{{range .spec.versions}}
        {{- range (index .schema.openAPIV3Schema "x-kubernetes-validations")}}
            {{- .message}}{{"\n"}}{{end}}{{end}}' > "$work/root-rules"
    diff "$work/root-rules" - << 'EOT'
metadata.name must be at most 57 characters: it becomes a label and the name of a Secret
the target Secret must not be the credential Secret: change spec.target.name or spec.credentialRef.name
EOT
}
check 'the CRD has the rules at its root that its first release had, and no other' root_rules

# status_after PATH FIELD: the answer to a write of the status of an object that breaks a rule which
# the CRD gets later
status_after() {
    local tries first=$root/deploy/examples/first.yaml
    local path=/spec/versions/0/schema/openAPIV3Schema$1/x-kubernetes-validations/-
    local rule="{\"rule\": \"$2.startsWith('wx1')\", \"message\": \"a later rule\"}"
    kubectl -n team-b apply -f "$first" > /dev/null
    kubectl patch crd miniprograms.miniprogram.dev --type=json \
        -p "[{\"op\": \"add\", \"path\": \"$path\", \"value\": $rule}]" > /dev/null
    # It holds a moment after it was written.
    for ((tries = 0; tries < 50; tries++)); do
        kubectl -n team-a apply --dry-run=server -f "$first" > /dev/null 2>&1 || break
        sleep 0.1
    done
    kubectl -n team-b patch mp shop --subresource=status --type=merge \
        -p '{"status":{"observedGeneration":7}}' 2>&1 || true
    kubectl apply --server-side --force-conflicts -f "$root/crds/miniprograms.yaml" > /dev/null
    kubectl -n team-b delete -f "$first" > /dev/null
    until kubectl -n team-a apply --dry-run=server -f "$first" > /dev/null 2>&1; do sleep 0.1; done
    ((tries < 50)) || echo 'the rule never held'
}
below_spec() {
    status_after /properties/spec self.appID > "$work/status"
    grep patched "$work/status" && ! grep never "$work/status"
}
at_the_root() { status_after '' self.spec.appID | grep 'a later rule'; }
check 'a later rule below spec lets the status of what was stored before be written' below_spec
check 'one at the root does not, which is why none may come' at_the_root

waits_twice() {
    local script
    while read -r script; do
        awk '/acceptedNames.kind/ { named = 1 }
            /--for=condition=Established/ && !named { bad = 1 }
            END { exit bad }' "$script" || { echo "$script"; return 1; }
    done < <(grep -rl --exclude-dir=target -- '--for=condition=Established' "$root"/{tests,deploy})
}
check 'no script waits for a condition of a CRD whose conditions may be null' waits_twice

chart_is_current() {
    local file
    HELM_DOCS=$HELM_DOCS "$chart/generate" "$work/generated"
    for file in templates/crds/miniprograms.yaml templates/_defaults.tpl values.schema.json README.md; do
        diff -u "$chart/$file" "$work/generated/$file" || { echo 'run `make manifests`'; return 1; }
    done
}
check 'the CRD of the chart is that of crds/, and its README has its values' chart_is_current

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
check 'deploy/examples/platforms are accepted' accepted "$root/deploy/examples/platforms"

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
    # That one is for MiniPrograms.
    [[ $component != */references ]] || continue
    components+=("${component##*/}")
    check "kustomize: base with ${component##*/}" kustomized "${component##*/}"
done
check 'kustomize: base with all components' kustomized "${components[@]}"

# Renamed and elsewhere, as kustomize does it: everything that is named still exists.
moved() {
    local folder=$work/moved
    rm -rf "$folder"
    cp -r "$root/deploy/kustomize" "$folder"
    mkdir "$folder/overlay"
    cat > "$folder/overlay/kustomization.yaml" << 'END'
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namePrefix: dev-
namespace: mp-system
resources: [../base]
components: [../components/monitoring, ../components/networkpolicy, ../components/dashboard]
END
    kubectl kustomize "$folder/overlay" > "$work/moved.yaml"
    diff <("$KUSTOMIZE" build "$folder/overlay") "$work/moved.yaml"
    accepted "$work/moved.yaml"
    ! grep -nE '(policyName|serviceAccountName): miniprogram-operator' "$work/moved.yaml" &&
        ! grep -nE '^ +- miniprogram-system$|^  namespace: miniprogram-system' "$work/moved.yaml" &&
        ! grep -A 4 '^roleRef:' "$work/moved.yaml" | grep '^  name:' | grep -v 'name: dev-'
}
check 'kustomize: base under another prefix and in another namespace' moved

one_namespace_only() {
    kustomized namespaced
    ! grep -E 'kind: ClusterRoleBinding' "$work/kustomized.yaml"
}
check 'kustomize: the component namespaced leaves no ClusterRoleBinding' one_namespace_only

# A kustomization of apps, as a team has it, and one on top of it.
credential_follows() {
    local folder=$work/apps built credential
    rm -rf "$folder"
    mkdir -p "$folder/apps" "$folder/top"
    cp -r "$root/deploy/kustomize/components" "$folder/"
    cat > "$folder/apps/kustomization.yaml" << 'END'
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: team-a
namePrefix: dev-
resources: [first.yaml]
components: [../components/references]
secretGenerator:
  - {name: shop-credential, literals: [appSecret=0123456789abcdef0123456789abcdef]}
END
    awk -v RS='---\n' '/kind: MiniProgram/' "$root/deploy/examples/first.yaml" \
        > "$folder/apps/first.yaml"
    cat > "$folder/top/kustomization.yaml" << 'END'
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
nameSuffix: -cn
resources: [../apps]
END
    for built in "kubectl kustomize" "$KUSTOMIZE build"; do
        $built "$folder/$1" > "$work/apps.yaml"
        credential=$(awk '/credentialRef:/ { getline; print $2 }' "$work/apps.yaml")
        grep -E "^dev-shop-credential$2-[a-z0-9]{10}$" <<< "$credential"
        awk -v RS='---\n' '/kind: Secret/' "$work/apps.yaml" | grep -x "  name: $credential"
        accepted "$work/apps.yaml"
    done
}
check 'kustomize: a MiniProgram follows its generated credential' credential_follows apps ''
check 'kustomize: the same in a kustomization on top' credential_follows top -cn
