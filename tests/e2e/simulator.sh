# The platform: a simulator with WeChat's rules on the node's address, where pods reach it. It knows every call ever made.
# shellcheck shell=bash disable=SC2034,SC2154

platform_port=8088
platform_url=http://$node_address:$platform_port

# platform METHOD PATH [BODY]: a fresh machine has no curl, but it has bash.
platform() {
    local body=${3:-} answer
    exec 3<> "/dev/tcp/$node_address/$platform_port"
    printf '%s %s HTTP/1.0\r\nHost: platform\r\nContent-Length: %d\r\n\r\n%s' "$1" "$2" "${#body}" "$body" >&3
    answer=$(cat <&3)
    exec 3>&-
    printf '%s\n' "${answer#*$'\r\n\r\n'}"
}

start_simulator() {
    run simulator "$BIN/platform-simulator" --listen "$node_address:$platform_port" --accept-any-app=secret-of
    quietly 20 'a simulator that answers' platform GET /sim/healthz
}

# calls [APP]: how often the platform was asked for a token, by one app or by all
calls() {
    if [[ -n ${1:-} ]]; then
        platform GET "/sim/apps/$1/calls" | grep -o '"endpoint":"[a-z]*"' | grep -vc business || true
    else
        platform GET /sim/calls
    fi
}

# alive TOKEN: a business call, which only a live token opens
alive() {
    local answer
    answer=$(platform GET "/cgi-bin/get_api_domain_ip?access_token=$1")
    [[ $answer == *'"errcode":0'* ]] || { echo "$answer"; return 1; }
}
