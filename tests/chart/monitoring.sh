# Alerts and dashboard: they parse, fire when they should, name series that exist, and lead to a page.
# shellcheck shell=bash disable=SC2034,SC2154

golden=$root/src/shell/metrics/golden.txt

template "$HELM" mp "$chart" "${monitoring[@]}" --set prometheusRule.enabled=true --show-only templates/monitoring/prometheusrule.yaml |
    sed -n '/^  groups:/,$p' | sed 's/^  //' > "$work/rules.yaml"
check 'promtool takes the rules' "$PROMTOOL" check rules "$work/rules.yaml"

alerts_fire() {
    cp "$here/alerts_test.yaml" "$work/"
    (cd "$work" && "$PROMTOOL" test rules alerts_test.yaml)
}
check 'the alerts fire and rest as tests/chart/alerts_test.yaml says' alerts_fire

series_exist() {
    local series base
    while read -r series; do
        base=${series%_bucket}
        grep -qE "^# TYPE $base " "$golden" || { echo "no series is called $series"; return 1; }
    done < <(grep -ohE '\b(miniprogram|controller_runtime|leader_election|process)_[a-z_]+' "$@" | sort -u)
}
check 'the alerts name series that exist' series_exist "$work/rules.yaml"
check 'the dashboard names series that exist' series_exist <(grep -o '"expr": ".*"' "$chart/files/dashboard.json")

# What a Prometheus would have to know, which no annotation says.
told_of_labels() {
    "$HELM" install mp "$chart" -n mp-system --dry-run=client \
        --set metrics.scrapeAnnotations=true,crds.enabled=false > "$work/notes"
    sed -n '/^NOTES:/,$p' "$work/notes" | grep -q 'honor_labels: true'
    grep -q 'honor_labels: true' "$root/docs/alerts.md"
    grep -q 'honor_labels: true' "$chart/README.md"
    # The monitors of the chart have it.
    template "$HELM" mp "$chart" "${monitoring[@]}" --set "metrics.$1.enabled=true" |
        grep 'honorLabels: true'
}
for monitor in serviceMonitor podMonitor; do
    check "$monitor: series keep the namespace of their MiniProgram, and NOTES.txt says how without" \
        told_of_labels "$monitor"
done

runbooks() {
    diff <(sed -n 's/.*runbook: docs\/runbooks\///p' "$work/rules.yaml" | sort) <(cd "$root/docs/runbooks" && printf '%s\n' *.md | sort)
    local alert page
    while read -r alert page; do
        [[ $(grep -m 1 '^# ' "$root/docs/runbooks/$page") == "# $alert" ]] || { echo "$page is not about $alert"; return 1; }
    done < <(sed -n 's/^ *- alert: //p; s/.*runbook: docs\/runbooks\///p' "$work/rules.yaml" | paste - -)
    # Links between pages lead somewhere.
    while read -r page; do
        [[ -f $root/docs/runbooks/$page ]] || { echo "no page $page"; return 1; }
    done < <(grep -ohE '\]\([a-z-]+\.md\)' "$root"/docs/runbooks/*.md | tr -d '](\)' | sort -u)
}
check 'every alert has its page, and every page its alert' runbooks

alerts_in_docs() {
    diff <(sed -n 's/^ *- alert: //p' "$work/rules.yaml" | sort) <(sed -n 's/^| \[\(MiniProgram[A-Za-z]*\)\].*/\1/p' "$root/docs/alerts.md" | sort)
}
check 'docs/alerts.md lists every alert' alerts_in_docs

# The names in the schema, so that `disabled` takes each of them.
alerts_in_schema() {
    local alert
    while read -r alert; do
        grep -q "\"$alert\"" "$chart/values.schema.json" || { echo "prometheusRule.disabled does not take $alert"; return 1; }
    done < <(sed -n 's/^ *- alert: //p' "$work/rules.yaml")
}
check 'every alert can be disabled' alerts_in_schema

dashboard_is_json() {
    template "$HELM" mp "$chart" --set grafanaDashboard.enabled=true --show-only templates/monitoring/dashboard.yaml > "$work/dashboard.yaml"
    kubectl apply --dry-run=client -f "$work/dashboard.yaml" -o go-template='{{index .data "miniprogram-operator.json"}}' > "$work/dashboard.json"
    # JSON is YAML, and so a value that kubectl would refuse if it were neither.
    diff "$chart/files/dashboard.json" "$work/dashboard.json" && kubectl create configmap x --from-file="$work/dashboard.json" --dry-run=client > /dev/null
}
check 'the dashboard is delivered as it stands in files/' dashboard_is_json
