# The simulated platform, the operators and Prometheus, as processes of this machine, each with a log in the work folder.
# shellcheck shell=bash disable=SC2034,SC2154

# Ports below the range from which the kernel gives out its own. free_port: one that nobody listens on.
next_port=19100
free_port() {
    while (exec 3<> "/dev/tcp/127.0.0.1/$next_port") 2> /dev/null; do
        next_port=$((next_port + 1))
    done
    port=$next_port
    next_port=$((next_port + 1))
}

# run NAME COMMAND…
run() {
    local name=$1
    shift
    "$@" >> "$work/$name.log" 2>&1 &
    pids[$name]=$!
}

# stop NAME SIGNAL
stop() {
    kill "-$2" "${pids[$1]}"
    # The shell would tell of the signal.
    wait "${pids[$1]}" 2> /dev/null || true
    unset "pids[$1]"
}

start_simulator() {
    # There before the program is: it is read at once.
    : > "$work/simulator.log"
    run simulator "$BIN/platform-simulator" --listen 127.0.0.1:0 --accept-any-app=secret-of --quiet
    await 20 'a simulator' grep -q '^platform simulator on ' "$work/simulator.log"
    platform_url=$(sed -n 's/^platform simulator on //p' "$work/simulator.log")
}

# platform METHOD PATH [BODY]: a fresh machine has no curl, but it has bash.
platform() {
    local body=${3:-} answer
    exec 3<> "/dev/tcp/127.0.0.1/${platform_url##*:}"
    printf '%s %s HTTP/1.0\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%s' "$1" "$2" "${#body}" "$body" >&3
    answer=$(cat <&3)
    exec 3>&-
    [[ $answer == 'HTTP/1.'?' 200 '* ]] || fail "the simulator to take $1 $2" "$answer"
}

# hold_authority: a CA bundle with a certificate in it, whichever it is.
hold_authority() {
    kubectl config view --raw --flatten --minify -o 'jsonpath={.clusters[0].cluster.certificate-authority-data}' |
        base64 -d > "$work/ca.crt"
}

declare -A operator_port=()

# start_operator LEASE NAMESPACES [FLAG…]
start_operator() {
    local lease=$1 namespaces=$2
    shift 2
    if [[ -z ${operator_port[$lease]:-} ]]; then
        free_port
        operator_port[$lease]=$port
    fi
    run "$lease" "$BIN/miniprogram-operator" run --platform-endpoint "WeChat=$platform_url" --watch-namespaces "$namespaces" \
        --leader-elect --lease-namespace default --lease-name "$lease" --per-object-metrics \
        --metrics-bind-address "127.0.0.1:${operator_port[$lease]}" --health-probe-bind-address 0 "$@"
}

# Everything is asked once a second, and a minute of the rules lasts six seconds: how long an alert waits before it fires, and how
# far back it looks. What the rules compare is as the chart has it; tests/chart/alerts_test.yaml is about their whole minutes.
start_prometheus() {
    local lease
    "$HELM" template mp "$root/deploy/chart" --kube-version 1.36.0 --api-versions monitoring.coreos.com/v1/PrometheusRule \
        --set prometheusRule.enabled=true --show-only templates/monitoring/prometheusrule.yaml |
        sed -n '/^  groups:/,$p' | sed 's/^  //' > "$work/chart-rules.yaml"
    perl -pe 's/(for: |\[)(\d+)m/$1 . $2 * 6 . "s"/ge' "$work/chart-rules.yaml" > "$work/rules.yaml"
    free_port
    prometheus_url=http://127.0.0.1:$port
    {
        echo 'global: {scrape_interval: 1s, evaluation_interval: 1s}'
        echo 'rule_files: [rules.yaml]'
        echo 'scrape_configs:'
        # As the ServiceMonitor has it: the namespace of a series is that of its MiniProgram.
        echo '  - job_name: operators'
        echo '    honor_labels: true'
        echo '    static_configs:'
        for lease in "${!operator_port[@]}"; do
            echo "      - {targets: ['127.0.0.1:${operator_port[$lease]}']}"
        done
        echo '  - job_name: prometheus'
        echo "    static_configs: [{targets: ['127.0.0.1:$port']}]"
    } > "$work/prometheus.yml"
    run prometheus "$PROMETHEUS" --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/data" --web.listen-address="127.0.0.1:$port"
    await 30 'Prometheus to scrape both operators' answers 'sum(up{job="operators"}) == 2'
}
