# Every file of values in deploy/chart/ci renders, alike with both Helms, and is accepted; contradictions are refused.
# shellcheck shell=bash disable=SC2034,SC2154

# Line breaks are all that the two may differ in.
same_with_both() {
    template "$HELM" mp "$chart" "${monitoring[@]}" --values "$1" | sed '/^ *$/d' > "$work/four.yaml"
    template "$HELM3" mp "$chart" "${monitoring[@]}" --values "$1" | sed '/^ *$/d' > "$work/three.yaml"
    diff "$work/three.yaml" "$work/four.yaml"
}

# `helm test` is a Pod of its own; a CRD with other labels is the same CRD.
rendered_is_accepted() {
    same_with_both "$1" && accepted "$work/four.yaml"
}

# lint cannot be told what the cluster knows.
always=metrics.serviceMonitor.renderMode=alwaysRender,metrics.podMonitor.renderMode=alwaysRender,prometheusRule.renderMode=alwaysRender

for values in "$chart"/ci/*-values.yaml; do
    name=${values##*/}
    for helm in "$HELM" "$HELM3"; do
        check "lint ${name%-values.yaml} with $("$helm" version --template '{{.Version}}')" \
            "$helm" lint --strict --quiet --kube-version 1.36.0 --values "$values" --set "$always" "$chart"
    done
    check "${name%-values.yaml} renders and is accepted" rendered_is_accepted "$values"
done

skips_what_is_unknown() {
    template "$HELM" mp "$chart" --values "$chart/ci/podmonitor-values.yaml" > "$work/out.yaml"
    ! grep monitoring.coreos.com "$work/out.yaml"
}
check 'skipIfMissing leaves monitors out of a cluster that does not know them' skips_what_is_unknown

# refuses VALUES SENTENCE: with both Helms
refuses() {
    local helm
    for helm in "$HELM" "$HELM3"; do
        if template "$helm" mp "$chart" --set "$1" > /dev/null 2> "$work/refusal"; then
            echo "it rendered with $helm"
            return 1
        fi
        grep -qiF -- "$2" "$work/refusal" || { cat "$work/refusal"; return 1; }
    done
}
while IFS='|' read -r set sentence; do
    [[ $set != \#* ]] || continue
    check "refused: ${set% }" refuses "${set% }" "${sentence# }"
done < "$here/refused.txt"

# A sidecar does not end, and a policy for the metrics is no reason for a test to fail.
test_is_apart() {
    local each
    template "$HELM" mp "$chart" --set networkPolicy.enabled=true \
        --set-json 'networkPolicy.metricsFrom=[{"podSelector":{}}]' --show-only templates/tests/probe.yaml \
        --show-only templates/networkpolicy.yaml > "$work/test.yaml"
    for each in 'sidecar.istio.io/inject: "false"' 'linkerd.io/inject: disabled' \
        'kuma.io/sidecar-injection: disabled' 'consul.hashicorp.com/connect-inject: "false"'; do
        grep -qF "    $each" "$work/test.yaml" || { echo "no $each"; return 1; }
    done
    # Of the pod, and of a peer of the policy.
    (($(grep -c 'app.kubernetes.io/name: miniprogram-operator-test' "$work/test.yaml") == 2))
    accepted "$work/test.yaml"
    template "$HELM" mp "$chart" --set-string 'test.labels.sidecar\.istio\.io/inject=true' \
        --show-only templates/tests/probe.yaml |
        sed -n '/^  labels:/,/^  annotations:/p' | grep -qF 'sidecar.istio.io/inject: "true"'
}
check '`helm test` is kept apart from sidecars, and let in by the network policy' test_is_apart

names_are_resolved() {
    local port protocol
    template "$HELM" mp "$chart" --set networkPolicy.enabled=true \
        --show-only templates/networkpolicy.yaml > "$work/policy.yaml"
    for port in 53 5353; do
        for protocol in UDP TCP; do
            grep -F -- "- {port: $port, protocol: $protocol}" "$work/policy.yaml"
        done
    done
}
check "DNS may be asked, also where its pods listen on OpenShift's port" names_are_resolved

# What extraEnv names is there once.
replaces_own() {
    template "$HELM" mp "$chart" --set proxy.httpsProxy=http://proxy:3128 \
        --set 'extraEnv[0].name=NO_PROXY,extraEnv[0].value=.example.com' > "$work/env.yaml"
    (($(grep -c -- '- name: NO_PROXY' "$work/env.yaml") == 1))
    grep -q 'value: .example.com' "$work/env.yaml"
    accepted "$work/env.yaml"
}
check 'extraEnv replaces what the chart gives' replaces_own

# `make e2e` runs the program so.
args_are_taken() {
    template "$HELM" mp "$chart" --values "$chart/ci/everything-values.yaml" \
        --show-only templates/deployment.yaml |
        sed -n '/^          args:/,/^          env:/p' | grep -cF -- '--log-level=' | grep -qx 2
}
check "the values of everything give a flag of the chart's once more" args_are_taken

# The values that are shown here are the ones that the program takes.
flags_exist() {
    template "$HELM" mp "$chart" --values "$chart/ci/egress-values.yaml" --set 'watchNamespaces={a},selector=b,allowInsecureEndpoints=true,allowTemplateMetadata={example.com}' |
        grep -oE -- '- "?--[a-z0-9-]+' | sed 's/.*--/--/' | sort -u > "$work/flags"
    local flag
    while read -r flag; do
        grep -qE "long = \"${flag#--}\"" "$root/src/shell/args.rs" || grep -qE "\b$(tr - _ <<< "${flag#--}"):" "$root/src/shell/args.rs" ||
            { echo "src/shell/args.rs has no $flag"; return 1; }
    done < "$work/flags"
    (($(wc -l < "$work/flags") >= 20))
}
check 'every flag that the chart gives exists' flags_exist
