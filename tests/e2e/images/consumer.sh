# A server of an app, reduced to what concerns us: reads the token's file before each use, and uses it twice a second.
# Prints one line per use: the answer's errcode, a digest of the token, and the expiry that lay beside it.
trap 'exit 0' TERM
while :; do
    # Both files of one version: the kubelet swaps ..data, and what it pointed to stays together.
    if cd -P /token/..data 2> /dev/null && token=$(cat access_token 2> /dev/null) && expires=$(cat expires_at 2> /dev/null); then
        answer=$(wget -q -O - "$PLATFORM/cgi-bin/get_api_domain_ip?access_token=$token" 2>&1)
        code=${answer#*\"errcode\":}
        code=${code%%[,\}]*}
        echo "use ${code:-none} $(printf %s "$token" | sha256sum | cut -c 1-16) $expires"
    fi
    # In the background, so that the signal is acted on at once.
    sleep 0.5 &
    wait $!
done
